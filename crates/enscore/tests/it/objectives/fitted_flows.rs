//! Flows trained by maximum likelihood: how far they stay from a known density, in nats.

use crate::common::traced::{mean, run, variance};
use enscore::model::{GaussianMixture, LogDensity, Network, NoiseDensity, RealNvp, batch_shape, trace};
use enscore::objective::MaximumLikelihood;
use enscore::train::adam::Adam;
use enscore::train::schedule::average_decay;
use enscore::train::update::{Optimiser, UpdateProgram};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::Key;
use enscore_program::{Kind, Value};

/// Eight components of deviation 0.2 on a circle of radius 2.
fn ring() -> GaussianMixture {
    let angle = |k: usize| std::f64::consts::TAU * k as f64 / 8.0;
    let means: Vec<f64> = (0..8).flat_map(|k| [2.0 * angle(k).cos(), 2.0 * angle(k).sin()]).collect();
    GaussianMixture::isotropic(&[2], &[1.0; 8], &means, 0.04).unwrap()
}

/// Draws of a density in single precision, a new batch for every key.
struct Draws {
    executable: Executable<f32>,
    values: Vec<f32>,
}

impl Draws {
    fn of(density: &dyn NoiseDensity, rows: usize) -> Self {
        let (program, _) = trace(&[], |scope, _| {
            vec![("x".to_string(), density.draw(scope.input("key", Kind::Key, &[]), rows))]
        })
        .unwrap();
        let len = rows * density.row_shape().iter().product::<usize>();
        Draws {
            executable: Executable::compile(&program, Options::default()).unwrap(),
            values: vec![0.0; len],
        }
    }

    fn at(&mut self, key: Key) -> &[f32] {
        self.executable.run(&[Argument::Key(key)], &mut [&mut self.values]).unwrap();
        &self.values
    }
}

/// Trains with Adam, its rate falling linearly to 0; returns the averaged weights with the names of the
/// parameters.
fn train(model: &Network, draws: &mut Draws, steps: u64, peak: f64) -> (UpdateProgram, Vec<Vec<f64>>) {
    let row_shape = model.row_shape().to_vec();
    let batch = draws.values.len() / row_shape.iter().product::<usize>();
    let optimiser = Optimiser { clip_norm: 1.0, ..Optimiser::default() };
    let update = UpdateProgram::trace(model, &MaximumLikelihood, &optimiser, batch, &row_shape).unwrap();
    let mut executable = Executable::<f32>::compile(&update.program, Options::default()).unwrap();
    let mut state = update.initial_state(3);
    let mut moved = state.clone();
    let weights = vec![1.0; batch];
    let mut reported = vec![[0.0f32]; 3 + update.diagnostics.len()];
    for step in 1..=steps {
        let x = draws.at(Key::new(7, step));
        let [c1, c2] = Adam::default().corrections(step);
        let rate = peak * (1.0 - step as f64 / (steps + 1) as f64);
        let scalars = [rate, c1, c2, average_decay(0.99, step)].map(|scalar| [scalar as f32]);
        let mut inputs: Vec<Argument<f32>> = state.iter().map(|values| Argument::Float(values)).collect();
        inputs.extend([Argument::Float(x), Argument::Float(&weights), Argument::Key(Key::new(3, step))]);
        inputs.extend(scalars.iter().map(|scalar| Argument::Float(scalar)));
        let mut outputs: Vec<&mut [f32]> = moved.iter_mut().map(|values| &mut values[..]).collect();
        outputs.extend(reported.iter_mut().map(|scalar| &mut scalar[..]));
        executable.run(&inputs, &mut outputs).unwrap();
        assert_eq!(reported[2], [1.0], "step {step} is finite");
        std::mem::swap(&mut state, &mut moved);
    }
    let averages = state.split_off(3 * update.parameters.len());
    let wide = averages.iter().map(|w| w.iter().map(|v| f64::from(*v)).collect()).collect();
    (update, wide)
}

/// E[log p - log q] for draws of p: the divergence of the flow from the density that it was trained on. The
/// Gaussian that it starts as is 1.85 nats away.
#[test]
fn couplings_learn_a_ring_of_eight() {
    let truth = ring();
    let deviation = (2.0f64 + 0.04).sqrt();
    let flow = RealNvp::new(&[2], 8, &[64, 64], &[0.0; 2], &[deviation; 2]).unwrap();
    let model = Network::Flow(Box::new(flow));
    let (update, weights) = train(&model, &mut Draws::of(&truth, 256), 1500, 4e-3);
    let n = 4096;
    let fresh: Vec<f64> = Draws::of(&truth, n).at(Key::new(99, 0)).iter().map(|x| f64::from(*x)).collect();
    let (program, _) = trace(&update.parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(n, &[2]));
        vec![("q".to_string(), model.log_density(parameters, x))]
    })
    .unwrap();
    let inputs: Vec<Value> = weights.into_iter().chain([fresh.clone()]).map(Value::Float).collect();
    let learnt = run(&program, &inputs).remove(0);
    let gaps: Vec<f64> = fresh.chunks(2).zip(&learnt).map(|(x, q)| truth.log_density_of(x) - q).collect();
    let error = (variance(&gaps) / n as f64).sqrt();
    let divergence = mean(&gaps);
    println!("{divergence:.4} ± {error:.4} nats");
    assert!(divergence > -5.0 * error, "no density beats the truth: {divergence}");
    assert!(divergence < 0.2, "{divergence} nats");
}
