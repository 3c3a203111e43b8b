//! Trains a network on fresh rows at every step, and evaluates what came out; builds what settings describe
//! without a run.

use crate::common::families::{FAMILIES, Family};
use enscore::checkpoint::DataRecord;
use enscore::data::{Dataset, Split, Subset, Values, load_as, prepare, statistics};
use enscore::executor::{Executors, default_executor};
use enscore::model::{DataFacts, Network, Score, batch_shape, trace};
use enscore::objective::{ChainSettings, Objective, Player, Task};
use enscore::settings::Settings;
use enscore::train::schedule::{Decay, LearningRate};
use enscore::train::update::{Optimiser, Steps};
use enscore::train::{Training, TrainingOptions};
use enscore_program::{Kind, Value, interpret};

use super::plain::{starting_rows, task_of};

/// How long and how fast.
#[derive(Clone, Copy)]
pub struct Course {
    pub batch: usize,
    pub steps: u64,
    pub learning_rate: f64,
    pub seed: u64,
}

/// A trained network: the average of its weights over the last steps.
pub struct Fitted(Training);

/// Trains `model` in single precision on fresh rows each step: `fill(step, x)` writes the batch.
pub fn train(
    model: Network,
    objective: impl Objective + 'static,
    course: Course,
    mut fill: impl FnMut(u64, &mut [f32]),
) -> Fitted {
    let Course { batch, steps, learning_rate, seed } = course;
    let row_shape = model.row_shape().to_vec();
    let mut x = vec![0.0; batch * row_shape.iter().product::<usize>()];
    fill(0, &mut x);
    let data = Dataset::new("draws", "fresh at every step", &row_shape, Values::F32(x.clone())).unwrap();
    let options = TrainingOptions {
        steps,
        batch,
        seed,
        optimiser: Optimiser { clip_norm: 0.0, ..Optimiser::default() },
        learning_rate: LearningRate {
            peak: learning_rate,
            warmup_steps: steps / 50,
            decay: Decay::Cosine,
            final_fraction: 0.0,
        },
        ema_decay: 0.995,
        ..TrainingOptions::default()
    };
    let mut training =
        Training::new(model, Task::new(objective), &Subset::all(&data), options, default_executor()).unwrap();
    for step in 1..=steps {
        fill(step, &mut x);
        assert!(training.step_on(&x).unwrap().finite, "step {step} is finite");
    }
    Fitted(training)
}

impl Fitted {
    /// The scores at `x`, `[n, ..row_shape]`, for noise `sigma`, in double precision.
    pub fn score(&self, x: &[f64], sigma: f64) -> Vec<f64> {
        let model = self.0.model();
        let row_shape = model.row_shape();
        let n = x.len() / row_shape.iter().product::<usize>();
        let (program, _) = trace(self.0.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(n, row_shape));
            let sigma = scope.input("sigma", Kind::Float, &[n]);
            vec![("score".to_string(), model.score(parameters, x, sigma))]
        })
        .unwrap();
        let wide = |values: &Vec<f32>| Value::Float(values.iter().map(|v| f64::from(*v)).collect());
        let mut inputs: Vec<Value> = self.0.averages().unwrap().iter().map(wide).collect();
        inputs.extend([Value::Float(x.to_vec()), Value::Float(vec![sigma; n])]);
        interpret(&program, &inputs).unwrap()[0].floats().to_vec()
    }
}

/// What settings describe, for a training in memory.
pub struct Built {
    pub model: Network,
    pub task: Task,
    pub options: TrainingOptions,
    pub data: Subset,
}

impl Built {
    pub fn by(settings: &Settings) -> Built {
        let dataset = load_as(settings.data(), Split::Train).unwrap();
        let seed = settings.train().seed;
        let data = prepare(&dataset, settings.data(), seed, None).unwrap().parts.training;
        let mut record = DataRecord::of(&dataset, &statistics(&data).unwrap()).unwrap();
        record.row_shape = data.dataset().row_shape().to_vec();
        let rows = starting_rows(settings, &data);
        record.count = settings.model().method().keeps_rows().then_some(data.rows().len());
        let facts = DataFacts { rows: &rows, ..record.facts() };
        let model = settings.model().method().build(&facts).unwrap();
        let task = task_of(settings, &model, &record.facts(), &data);
        Built { model, task, options: TrainingOptions::of(settings).unwrap(), data }
    }

    pub fn training(self, executors: impl Into<Executors>) -> Training {
        Training::new(self.model, self.task, &self.data, self.options, executors).unwrap()
    }

    /// The extents of the chains that `player` learns from, where an update takes `batch` rows.
    pub fn chains(&self, player: &Player, batch: usize) -> Option<Vec<usize>> {
        let chains = self.task.chains.as_ref().filter(|_| player.learns_from_chains)?;
        Some(match (chains, self.model.bipartite()) {
            (ChainSettings::Gibbs(_), Some(units)) => vec![batch, units.first_width()],
            _ => batch_shape(batch, self.model.row_shape()),
        })
    }

    /// The updates of `player` on `batch` rows and these chains.
    pub fn steps<'a>(&'a self, player: &'a Player, batch: usize, chains: Option<&'a [usize]>) -> Steps<'a> {
        Steps { batch, row_shape: self.model.row_shape(), chains, moves: &*player.moves }
    }
}

/// The families whose steps are updates: those of others are passes of the model's own fit.
pub fn updated() -> impl Iterator<Item = &'static Family> {
    FAMILIES.iter().filter(|family| !family.name.starts_with("fit-"))
}
