//! The discriminators of a generative adversarial network and of noise contrastive estimation, of one
//! density and one
//! noise: both are the data's share, but only the second has the density in it.

use enscore_program::executor::Width;
use enscore_program::random::{Key, normal_row};
use enscore_program::{Kind, Parameters, Var};

use crate::data::{Dataset, Subset, Values};
use crate::error::Result;
use crate::executor::{Routine, RowSlice, Weights, default_executor};
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::model::{Activation, Critic, CriticLayers, Gaussian, Generator, MlpEnergy, Network, trace};
use crate::objective::{Adversarial, CRITIC, Game, Noise, NoiseContrastive, Player, Role, Task};
use crate::report::{Chart, Figure, Mark, Scale, Series};
use crate::streams;
use crate::train::{Training, TrainingOptions};

/// The noise is N(1, 1.5²), the data are N(0, 1).
const MEAN: f64 = 1.0;
const DEVIATION: f64 = 1.5;
const ROWS: usize = 20_000;
const BATCH: usize = 256;
/// Places along the axis.
const PLACES: usize = 61;
/// How far a discriminator may be from the data's share where data or noise are common.
const WITHIN: f64 = 0.08;

const CAPTION: &str = "Data from N(0, 1), noise from N(1, 1.5²), and what two discriminators learnt to \
    call the probability of data at x; the truth is p(x)/(p(x) + q(x)). Left alone with a generator that \
    stands still, the critic of an adversarial network learns it. Noise contrastive estimation learns the \
    same function, but builds it from an energy and the known density of the noise, so that the data's \
    density falls out of it; a generator has none to give.";

/// A generator that stands still.
struct Still;

impl Generator for Still {
    fn row_shape(&self) -> &[usize] {
        &[1]
    }

    fn latents(&self) -> usize {
        1
    }

    fn generate<'s>(&self, _: &Parameters<'s>, z: Var<'s>) -> Var<'s> {
        z * DEVIATION + MEAN
    }
}

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let places: Vec<f64> = (0..PLACES).map(|i| -2.0 + 5.0 * i as f64 / (PLACES - 1) as f64).collect();
    let share = |x: f64| {
        let p = (-0.5 * x * x).exp();
        let q = (-0.5 * ((x - MEAN) / DEVIATION).powi(2)).exp() / DEVIATION;
        p / (p + q)
    };
    let critic = critic_share(studio, &places)?;
    let contrast = contrast_share(studio, &places)?;
    let worst =
        |found: &[f64]| places.iter().zip(found).map(|(x, d)| (d - share(*x)).abs()).fold(0.0, f64::max);
    let line =
        |values: &[f64]| -> Vec<(f64, f64)> { places.iter().copied().zip(values.iter().copied()).collect() };
    let truth: Vec<f64> = places.iter().map(|x| share(*x)).collect();
    let chart = Chart {
        title: "Probability of data".into(),
        x_label: "x".into(),
        y_label: "D(x)".into(),
        x_scale: Scale::Linear,
        y_scale: Scale::Linear,
        series: vec![
            Series::new("p/(p + q)", &line(&truth), Mark::Dashed),
            Series::new("critic of a GAN", &line(&critic), Mark::Line),
            Series::new("NCE", &line(&contrast), Mark::Line),
        ],
    };
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::chart("Two discriminators and the data's share.", &chart)?],
        numbers: vec![
            Number::beside("largest error of the critic's D on [-2, 3]", worst(&critic), 0.0, WITHIN),
            Number::beside("largest error of NCE's D on [-2, 3]", worst(&contrast), 0.0, WITHIN),
        ],
    })
}

fn critic() -> Result<Critic> {
    Critic::new(&[1], (&[0.0], &[1.0]), CriticLayers::Mlp(vec![32]), Activation::Tanh, false)
}

/// D of a critic that plays alone.
fn critic_share(studio: &Studio, places: &[f64]) -> Result<Vec<f64>> {
    let objective = Adversarial { critic: critic()?, game: Game::NonSaturating, role: Role::Critic };
    let player = Player {
        objective: Box::new(objective),
        moves: Box::new(|name| name.starts_with(CRITIC)),
        rate: 1.0,
        learns_from_chains: false,
    };
    let task =
        Task { players: vec![player], chains: None, alternation: None, stages: Vec::new(), fits: false };
    let training = trained(studio, Network::Generator(Box::new(Still)), task)?;
    let critic = critic()?;
    along(&training, places, |parameters, x| critic.value(&parameters.at(CRITIC), x).sigmoid())
}

/// D of noise contrastive estimation.
fn contrast_share(studio: &Studio, places: &[f64]) -> Result<Vec<f64>> {
    let noise =
        || -> Result<Noise> { Ok(Noise::new(Gaussian::diagonal(&[1], &[MEAN], &[DEVIATION * DEVIATION])?)) };
    let objective =
        || -> Result<NoiseContrastive> { Ok(NoiseContrastive { noise: noise()?, ratio: 1, log_z: 0.0 }) };
    let model = || -> Result<Network> {
        Ok(Network::Energy(Box::new(MlpEnergy::new(&[1], &[32], Activation::Tanh)?)))
    };
    let training = trained(studio, model()?, Task::new(objective()?))?;
    let (objective, model) = (objective()?, model()?);
    along(&training, places, |parameters, x| objective.log_ratio(&model, parameters, x).sigmoid())
}

fn trained(studio: &Studio, network: Network, task: Task) -> Result<Training> {
    let mut values = vec![0.0; ROWS];
    normal_row(Key::new(studio.seed, 1), streams::LECTURE, 0, &mut values);
    let rows = values.into_iter().map(|z| z as f32).collect();
    let data = Subset::all(&Dataset::new("normal", "draws", &[1], Values::F32(rows))?);
    let steps = studio.pick(20_000, 6000);
    let options = TrainingOptions { steps, batch: BATCH, seed: studio.seed, ..Default::default() };
    let mut training = Training::new(network, task, &data, options, default_executor())?;
    while training.steps_done() < steps {
        studio.go_on()?;
        training.step()?;
    }
    Ok(training)
}

/// A function of the training's parameters at places.
fn along(
    training: &Training,
    places: &[f64],
    function: impl for<'s> Fn(&Parameters<'s>, Var<'s>) -> Var<'s>,
) -> Result<Vec<f64>> {
    let known = training.parameters();
    let (program, _) = trace(known, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[places.len(), 1]);
        vec![("d".to_string(), function(parameters, x))]
    })?;
    let executor = default_executor();
    let weights = Weights::upload(&*executor, known, &training.averages()?)?;
    let mut routine = Routine::compile(&*executor, &program, Width::Single)?;
    routine.over::<f32>(&RowSlice::new(places, 1)?).weights(&weights).per_row("d")
}
