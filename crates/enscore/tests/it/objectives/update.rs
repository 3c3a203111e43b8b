//! The whole update: its gradient against central differences, what it does with bad numbers, and that it
//! learns.

use crate::common::traced::{float, key, normals, run};
use enscore::model::{Activation, Differentiated, Mlp, MlpEnergy, NoiseLevels, Score, UNet, UNetSettings};
use enscore::objective::{Diagnostic, Dsm, Ncsn, Objective};
use enscore::train::adam::Adam;
use enscore::train::schedule::average_decay;
use enscore::train::update::{Optimiser, UpdateProgram};
use enscore_program::Value;

fn tiny_unet() -> UNet {
    let settings = UNetSettings {
        channels: 4,
        multipliers: vec![1, 2],
        groups: 2,
        embedding: 4,
        ..UNetSettings::default()
    };
    UNet::new([4, 4, 1], settings, 0.1).expect("a right network")
}

fn levels() -> Ncsn {
    Ncsn { levels: NoiseLevels::geometric(1.0, 0.05, 4).expect("right levels") }
}

fn update(
    model: &(dyn Score + 'static),
    objective: &dyn Objective<dyn Score>,
    batch: usize,
    clip_norm: f64,
) -> UpdateProgram {
    let optimiser = Optimiser { clip_norm, ..Optimiser::default() };
    UpdateProgram::trace(model, objective, &optimiser, batch, model.row_shape()).expect("a right model")
}

/// A state with no value at 0: moments and averages included.
fn state(update: &UpdateProgram, seed: u64) -> Vec<Vec<f64>> {
    let sizes = update.parameters.iter().map(|parameter| parameter.size());
    let sizes: Vec<usize> = sizes.cycle().take(update.state_len()).collect();
    let value = |(i, size): (usize, &usize)| {
        let draws = normals(seed + i as u64, *size).into_iter();
        // Second moments are squares.
        draws.map(|z| if i / update.parameters.len() == 2 { z * z } else { 0.4 * z }).collect()
    };
    sizes.iter().enumerate().map(value).collect()
}

fn step(
    update: &UpdateProgram,
    state: &[Vec<f64>],
    x: &[f64],
    weights: &[f64],
    number: u64,
) -> Vec<Vec<f64>> {
    let [c1, c2] = Adam::default().corrections(number);
    let rates = [0.01, c1, c2, average_decay(0.9, number)];
    let mut inputs: Vec<Value> = state.iter().map(|values| float(values)).collect();
    inputs.extend([float(x), float(weights), key(5, number)]);
    inputs.extend(rates.map(|rate| float(&[rate])));
    run(&update.program, &inputs)
}

/// With no moments before, the first moment after is (1 - β1) times the gradient of the loss per dimension.
#[test]
fn the_gradient_is_that_of_the_reported_loss() {
    let unet = tiny_unet();
    let energy = Differentiated(MlpEnergy::new(&[3], &[4, 4], Activation::Softplus).unwrap());
    let mlp = Mlp::new(&[3], &[4], Activation::Silu, 4, 1.0).unwrap();
    let dsm = Dsm::new(0.6).unwrap();
    // The last number turns the loss into what is optimised: 1/d, times 2σ² for DSM.
    let cases: [(&dyn Score, &dyn Objective<dyn Score>, f64); 3] =
        [(&unet, &levels(), 1.0 / 16.0), (&energy, &dsm, 2.0 * 0.36 / 3.0), (&mlp, &levels(), 1.0 / 3.0)];
    for (model, objective, scale) in cases {
        let update = update(model, objective, 3, 0.0);
        let count = update.parameters.len();
        let mut state = state(&update, 20);
        state[count..].iter_mut().for_each(|values| values.fill(0.0));
        let x = normals(21, 3 * model.row_shape().iter().product::<usize>());
        let loss = |state: &[Vec<f64>]| step(&update, state, &x, &[1.0, 0.5, 2.0], 1)[4 * count][0];
        let after = step(&update, &state, &x, &[1.0, 0.5, 2.0], 1);
        let mut squares = 0.0;
        for (i, parameter) in update.parameters.iter().enumerate() {
            let gradient: Vec<f64> = after[count + i].iter().map(|m| m / 0.1).collect();
            squares += gradient.iter().map(|g| g * g).sum::<f64>();
            let direction = normals(22, parameter.size());
            let moved = |h: f64| {
                let mut moved = state.clone();
                moved[i].iter_mut().zip(&direction).for_each(|(p, t)| *p += h * t);
                loss(&moved) * scale
            };
            let h = 1e-5;
            let difference = (moved(h) - moved(-h)) / (2.0 * h);
            let found: f64 = gradient.iter().zip(&direction).map(|(g, t)| g * t).sum();
            let error = (found - difference).abs() / (1e-3 + difference.abs());
            assert!(error < 1e-5, "{}: {found} {difference}", parameter.name);
        }
        let norm = after[4 * count + 1][0];
        assert!((norm / squares.sqrt() - 1.0).abs() < 1e-10, "{norm}");
        assert!(norm > 1e-3);
    }
}

#[test]
fn outputs_are_named_as_inputs_are() {
    let update = update(&tiny_unet(), &levels(), 2, 1.0);
    let names = update.state_names();
    assert_eq!(names.len(), update.state_len());
    for (i, name) in names.iter().enumerate() {
        assert_eq!(update.program.input_position(name), Some(i));
        assert_eq!(update.program.output_position(name), Some(i));
    }
    let batch = ["x", "row_weights", "key", "learning_rate", "correction1", "correction2", "ema_decay"];
    for (i, name) in batch.into_iter().enumerate() {
        assert_eq!(update.program.input_position(name), Some(update.batch_position() + i));
    }
    assert_eq!(update.diagnostics, [Diagnostic::LossPerDim]);
    for (i, name) in ["loss", "gradient_norm", "finite", "loss_per_dim"].into_iter().enumerate() {
        assert_eq!(update.program.output_position(name), Some(update.loss_position() + i));
    }
    let start = update.initial_state(1);
    assert_eq!(start.len(), update.state_len());
    let shapes = update.program.inputs().iter().map(|input| input.shape.iter().product::<usize>());
    assert!(start.iter().zip(shapes).all(|(values, size)| values.len() == size));
}

#[test]
fn a_step_that_is_not_finite_is_not_taken() {
    let update = update(&tiny_unet(), &levels(), 2, 1.0);
    let state = state(&update, 30);
    let good = normals(31, 32);
    let finite = update.loss_position() + 2;
    let taken = step(&update, &state, &good, &[1.0, 1.0], 3);
    assert_eq!(taken[finite], [1.0]);
    for (before, after) in state.iter().zip(&taken) {
        assert_ne!(before, after);
    }
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut x = good.clone();
        x[7] = bad;
        let refused = step(&update, &state, &x, &[1.0, 1.0], 3);
        assert_eq!(refused[finite], [0.0], "{bad}");
        assert_eq!(refused[..state.len()], state[..], "{bad}");
    }
    // A batch without weight has no mean.
    let refused = step(&update, &state, &good, &[0.0, 0.0], 3);
    assert_eq!((&refused[finite][..], &refused[..state.len()]), (&[0.0][..], &state[..]));
}

#[test]
fn clipping_limits_the_gradient_but_not_the_reported_norm() {
    let model = tiny_unet();
    let x = normals(41, 32);
    let free = update(&model, &levels(), 2, 0.0);
    let count = free.parameters.len();
    let mut state = state(&free, 40);
    state[count..].iter_mut().for_each(|values| values.fill(0.0));
    let without = step(&free, &state, &x, &[1.0, 1.0], 1);
    let norm = without[free.loss_position() + 1][0];
    let limited = step(&update(&model, &levels(), 2, norm / 4.0), &state, &x, &[1.0, 1.0], 1);
    assert_eq!(limited[free.loss_position() + 1][0], norm);
    for (clipped, full) in limited[count..2 * count].iter().flatten().zip(without[count..].iter().flatten()) {
        assert!((clipped - full / 4.0).abs() < 1e-12 * (1.0 + full.abs()));
    }
}

/// The average after a step is decay e + (1 - decay) p' with the updated p'.
#[test]
fn the_average_follows_the_updated_parameters() {
    let update = update(&tiny_unet(), &levels(), 2, 1.0);
    let (state, count) = (state(&update, 50), update.parameters.len());
    let after = step(&update, &state, &normals(51, 32), &[1.0, 1.0], 2);
    let decay = average_decay(0.9, 2);
    for i in 0..count {
        for (j, average) in after[3 * count + i].iter().enumerate() {
            let expected = decay * state[3 * count + i][j] + (1.0 - decay) * after[i][j];
            assert!((average - expected).abs() < 1e-14);
        }
    }
}

/// A network of one affine layer without σ learns the precision of N(0, 0.7): s = -x / (0.7 + σ²).
#[test]
fn a_linear_network_learns_a_gaussian() {
    let (n, sigma) = (2_000, 0.5);
    let model = Mlp::new(&[1], &[], Activation::Silu, 0, 1.0).unwrap();
    let update = update(&model, &Dsm::new(sigma).unwrap(), n, 0.0);
    let start = update.initial_state(1);
    let mut state: Vec<Vec<f64>> =
        start.iter().map(|values| values.iter().map(|v| f64::from(*v)).collect()).collect();
    let x: Vec<f64> = normals(61, n).iter().map(|z| z * 0.7f64.sqrt()).collect();
    for number in 1..=300 {
        state = step(&update, &state, &x, &vec![1.0; n], number);
        state.truncate(update.state_len());
    }
    // s = w x / (σ √(σ² + 1)).
    let weight = update.parameters.iter().position(|p| p.name == "output.weight").unwrap();
    let slope = state[weight][0] / (sigma * (sigma * sigma + 1.0f64).sqrt());
    assert!((slope + 1.0 / 0.95).abs() < 0.06, "{slope}");
}
