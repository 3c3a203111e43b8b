//! Flows learnt by maximum likelihood, flows as noise, and the two players of flow contrastive estimation.

use crate::common::plain::task_of;
use enscore::data::{Dataset, Subset, Values};
use enscore::model::{
    Activation, DataFacts, Flow, Gaussian, MlpEnergy, Network, RealNvp, Uniform, initialise, parameters_of,
    trace,
};
use enscore::objective::{
    Alternation, FrozenFlow, LOG_Z, MaximumLikelihood, Noise, NoiseContrastive, Side, refuse_zero_density,
};
use enscore::settings::Settings;
use enscore::train::adam::Adam;
use enscore::train::schedule::average_decay;
use enscore::train::update::{Optimiser, Steps, UpdateProgram};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Kind, Parameter, Value, interpret};

/// Rows of a bent Gaussian: x = 1.5 a, y = x²/2 - 1 + b/3 for independent standard normal a, b. The map has a
/// constant determinant 1/2, so that E log p = -1 - ln 2π - ln(1/2) exactly.
fn bent(stream: u32, step: u64, rows: usize) -> Vec<f32> {
    let mut z = vec![0.0; 2 * rows];
    normal_row(Key::new(11, step), stream, 0, &mut z);
    let row = |z: &[f64]| [1.5 * z[0], 1.125 * z[0] * z[0] - 1.0 + z[1] / 3.0];
    z.chunks_exact(2).flat_map(row).map(|v| v as f32).collect()
}

const ENTROPY: f64 = 1.0 + 1.8378770664093453 - std::f64::consts::LN_2;
const DATA: u32 = 900_300;
const HELD_OUT: u32 = 900_301;

/// Runs updates on fresh rows; the state after them. `rate` falls as a cosine.
fn train(update: &UpdateProgram, steps: u64, batch: usize, rate: f64) -> Vec<Vec<f32>> {
    let mut executable = Executable::<f32>::compile(&update.program, Options::default()).unwrap();
    let mut state = update.initial_state(1);
    for step in 1..=steps {
        let x = bent(DATA, step, batch);
        let now = rate * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos());
        let reported;
        (state, reported) = step_once(&mut executable, update, &state, &x, step, now);
        assert_eq!(reported[2], 1.0, "step {step} is finite");
    }
    state
}

/// The state after one update, and what it reports: loss, norm, finite, diagnostics.
fn step_once(
    executable: &mut Executable<f32>,
    update: &UpdateProgram,
    state: &[Vec<f32>],
    x: &[f32],
    step: u64,
    rate: f64,
) -> (Vec<Vec<f32>>, Vec<f32>) {
    let [c1, c2] = Adam::default().corrections(step);
    let scalars = [rate, c1, c2, average_decay(0.99, step)].map(|scalar| [scalar as f32]);
    let weights = vec![1.0; x.len() / 2];
    let mut inputs: Vec<Argument<f32>> = state.iter().map(|values| Argument::Float(values)).collect();
    inputs.extend([Argument::Float(x), Argument::Float(&weights), Argument::Key(Key::new(2, step))]);
    inputs.extend(scalars.iter().map(|scalar| Argument::Float(scalar)));
    let mut moved = state.to_vec();
    let mut reported = vec![[0.0f32]; 3 + update.diagnostics.len()];
    let mut outputs: Vec<&mut [f32]> = moved.iter_mut().map(|values| &mut values[..]).collect();
    outputs.extend(reported.iter_mut().map(|scalar| &mut scalar[..]));
    executable.run(&inputs, &mut outputs).unwrap();
    (moved, reported.concat())
}

fn flow() -> RealNvp {
    RealNvp::new(&[2], 6, &[24, 24], &[0.0, 0.125], &[1.5, 1.63]).unwrap()
}

/// log p of the flow with these weights, of each row.
fn log_density(parameters: &[Parameter], weights: &[Vec<f32>], x: &[f32]) -> Vec<f64> {
    let network = Network::Flow(Box::new(flow()));
    let wide = |values: &[f32]| Value::Float(values.iter().map(|v| f64::from(*v)).collect());
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[x.len() / 2, 2]);
        vec![("p".to_string(), enscore::model::LogDensity::log_density(&network, parameters, x))]
    })
    .unwrap();
    let inputs: Vec<Value> = weights.iter().map(|w| wide(w)).chain([wide(x)]).collect();
    interpret(&program, &inputs).unwrap()[0].floats().to_vec()
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt())
}

/// The flow's likelihood of rows that it never saw lies between the Gaussian's, which can't bend, and the
/// truth's.
#[test]
fn maximum_likelihood_bends_a_flow() {
    let network = Network::Flow(Box::new(flow()));
    let optimiser = Optimiser { clip_norm: 0.0, ..Optimiser::default() };
    let update = UpdateProgram::trace(&network, &MaximumLikelihood, &optimiser, 256, &[2]).unwrap();
    let state = train(&update, 1200, 256, 5e-3);
    let held_out = bent(HELD_OUT, 0, 4000);
    let averages = &state[3 * update.parameters.len()..];
    let of_flow = log_density(&update.parameters, averages, &held_out);

    let rows: Vec<f64> = bent(DATA, 1, 4000).iter().map(|v| f64::from(*v)).collect();
    let gaussian = Gaussian::fitted(&rows, &[2], 1.0, 0.0).unwrap();
    let wide: Vec<f64> = held_out.iter().map(|v| f64::from(*v)).collect();
    let gains: Vec<f64> =
        wide.chunks_exact(2).zip(&of_flow).map(|(x, flow)| flow - gaussian.log_density_of(x)).collect();
    let (flow, error) = mean_and_error(&of_flow);
    let (gain, gain_error) = mean_and_error(&gains);
    println!("log p: flow {flow:.3} ± {error:.3}, truth {:.3}, Gaussian {:.3}", -ENTROPY, flow - gain);
    println!("the flow is better than the Gaussian by {gain:.3} ± {gain_error:.3} nats");
    assert!(gain > 1.0 && gain > 20.0 * gain_error, "{gain} ± {gain_error}");
    assert!(flow < -ENTROPY + 5.0 * error, "no density beats the truth: {flow}");
    assert!(flow > -ENTROPY - 0.25, "{flow} is far below the truth, {}", -ENTROPY);
}

fn settings(text: &str) -> Settings {
    let text = format!("[data]\nname = \"digits\"\n[model]\nkind = \"mlp-energy\"\n{text}");
    Settings::parse(&text, "game.toml", &[]).unwrap()
}

fn subset(x: Vec<f32>) -> Subset {
    Subset::all(&Dataset::new("bent", "bent.npy", &[2], Values::F32(x)).unwrap())
}

const FACTS: DataFacts<'static> = DataFacts {
    row_shape: &[2],
    variance: 2.0,
    mean: &[0.0, 0.125],
    deviation: &[1.5, 1.63],
    levels: None,
    count: None,
    rows: &[],
};

/// Each side's step moves its own parameters with their moments and averages, and nothing of the other's.
fn energy() -> Network {
    Network::Energy(Box::new(MlpEnergy::new(&[2], &[8], Activation::Softplus).unwrap()))
}

#[test]
fn two_players_move_their_own_parameters() {
    let game = settings("[objective]\nkind = \"fce\"\nflow_couplings = 2\nflow_width = 8\nflow_rate = 0.5");
    let rows = subset(bent(DATA, 0, 64));
    let task = task_of(&game, &energy(), &FACTS, &rows);
    assert_eq!(task.players.iter().map(|player| player.rate).collect::<Vec<_>>(), [1.0, 0.5]);
    let model = energy();
    for (player, of_flow) in task.players.iter().zip([false, true]) {
        let steps = Steps { batch: 64, row_shape: &[2], chains: None, moves: &*player.moves };
        let optimiser = Optimiser { clip_norm: 0.0, ..Optimiser::default() };
        let update = UpdateProgram::trace_steps(&model, &*player.objective, &optimiser, &steps).unwrap();
        let mut executable = Executable::<f32>::compile(&update.program, Options::default()).unwrap();
        let mut state = update.initial_state(3);
        // Fresh couplings are the identity: the second step sees a flow that has left it.
        for step in 1..=2 {
            let before = state.clone();
            (state, _) = step_once(&mut executable, &update, &state, &bent(DATA, step, 64), step, 1e-2);
            for ((name, before), after) in update.state_names().iter().zip(&before).zip(&state) {
                let own = name.contains("flow.") == of_flow;
                // A constant is no part of a score, and the first layers of an identity have no slope.
                let may_rest = step == 1 && name.contains("flow.coupling");
                assert!(own || before == after, "{name} belongs to the other side");
                assert!(!own || may_rest || before != after, "{name} has not moved");
            }
        }
        let of_energy = update.parameters.iter().filter(|p| !p.name.starts_with("flow.")).count();
        assert_eq!(of_energy, 5, "two layers and log Z");
        assert!(update.parameters.iter().any(|p| p.name == LOG_Z));
    }
}

#[test]
fn the_side_that_is_behind_moves() {
    let game = settings("[objective]\nkind = \"fce\"\nthreshold = 0.7");
    let task = task_of(&game, &energy(), &FACTS, &subset(bent(DATA, 0, 64)));
    assert_eq!(task.alternation, Some(Alternation::ByAccuracy { threshold: 0.7 }));
    for (accuracy, side) in [(0.5, Side::Energy), (0.69, Side::Energy), (0.7, Side::Flow), (1.0, Side::Flow)]
    {
        assert_eq!(Alternation::next(0.7, accuracy), side, "{accuracy}");
    }
    // What can't be compared is for the flow: its draws are what went wrong.
    assert_eq!(Alternation::next(0.7, f64::NAN), Side::Flow);
}

/// Noise from a flow with given weights: a finite loss, whose gradient leaves the flow alone.
#[test]
fn a_frozen_flow_is_noise() {
    let network = Network::Flow(Box::new(flow()));
    let parameters = parameters_of(&network).unwrap();
    let weights: Vec<Vec<f32>> = initialise(&parameters, 5)
        .into_iter()
        .enumerate()
        .map(|(i, w)| w.iter().enumerate().map(|(j, v)| v + 0.05 * ((i + j) as f32).sin()).collect())
        .collect();
    let frozen = || {
        let boxed: Box<dyn Flow> = Box::new(flow());
        FrozenFlow::new(boxed, parameters.iter().cloned().zip(weights.iter().cloned()).collect())
    };
    let objective = NoiseContrastive { noise: Noise::new(frozen()), ratio: 2, log_z: 0.0 };
    let energy = Network::Energy(Box::new(MlpEnergy::new(&[2], &[8], Activation::Softplus).unwrap()));
    let optimiser = Optimiser { clip_norm: 0.0, ..Optimiser::default() };
    let update = UpdateProgram::trace(&energy, &objective, &optimiser, 128, energy.row_shape()).unwrap();
    let names: Vec<&str> = update.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, [LOG_Z, "hidden.0.weight", "hidden.0.bias", "output.weight", "output.bias"]);
    let mut executable = Executable::<f32>::compile(&update.program, Options::default()).unwrap();
    let state = update.initial_state(1);
    let (_, reported) = step_once(&mut executable, &update, &state, &bent(DATA, 0, 128), 1, 1e-3);
    assert!(reported[0].is_finite() && reported[1] > 0.0 && reported[2] == 1.0, "{reported:?}");
    // The noise has the density that it says: that of the flow with these weights.
    let x = bent(DATA, 0, 3);
    let (program, _) = trace(&[], |scope, _| {
        let x = scope.input("x", Kind::Float, &[3, 2]);
        vec![("p".to_string(), Noise::new(frozen()).log_density(x))]
    })
    .unwrap();
    let wide = Value::Float(x.iter().map(|v| f64::from(*v)).collect());
    let found = interpret(&program, &[wide]).unwrap()[0].floats().to_vec();
    for (found, expected) in found.iter().zip(log_density(&parameters, &weights, &x)) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}

/// Rows outside the noise are refused by their number in the data set, not in the subset.
#[test]
fn a_row_without_noise_density_is_named() {
    let mut rows = vec![0.5f32; 2 * 40];
    rows[2 * 33] = 3.0;
    let dataset = Dataset::new("bent", "bent.npy", &[2], Values::F32(rows)).unwrap();
    let noise = || Noise::new(Uniform::new(&[2], &[-1.0, -1.0], &[1.0, 1.0]).unwrap());
    let odd = Subset::new(&dataset, (0..20).map(|i| 2 * i + 1).collect()).unwrap();
    let error = refuse_zero_density(&noise(), &odd).unwrap_err().to_string();
    assert!(error.contains("row 33") && error.contains("bent.npy"), "{error}");
    assert!(error.contains("objective.widen"), "{error}");
    let even = Subset::new(&dataset, (0..20).map(|i| 2 * i).collect()).unwrap();
    refuse_zero_density(&noise(), &even).unwrap();
}
