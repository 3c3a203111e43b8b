//! The loss of contrastive divergence on a Gaussian energy, row by row: the gap, the squared energies of data
//! and of chains, the noise on the data, the weights of rows.

use enscore::model::{GaussianEnergy, Network, parameters_of, trace};
use enscore::objective::{Batch, ContrastiveDivergence, Objective};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Kind, Value, interpret};

const MEAN: [f64; 2] = [0.4, -0.3];
/// Not symmetric: a quadratic form sees the mean of it and its transpose.
const PRECISION: [f64; 4] = [1.5, 0.2, 0.6, 0.8];
const DATA: [[f64; 2]; 4] = [[0.1, 0.2], [1.0, -1.0], [-0.7, 0.5], [30.0, 40.0]];
/// The last row only fills the batch.
const WEIGHTS: [f64; 4] = [1.0, 1.0, 1.0, 0.0];
const CHAINS: [[f64; 2]; 5] = [[2.0, 0.0], [0.3, 0.3], [-1.0, -1.5], [0.0, 0.9], [1.1, 1.2]];
const KEY: Key = Key { seed: 8, step: 3, row: 0 };

fn f(x: [f64; 2]) -> f64 {
    let [u, v] = [x[0] - MEAN[0], x[1] - MEAN[1]];
    let [a, b, c, d] = PRECISION;
    -0.5 * (a * u * u + (b + c) * u * v + d * v * v)
}

/// Loss, what is optimised, and the diagnostics, by name.
fn estimate(objective: ContrastiveDivergence) -> Vec<(String, f64)> {
    let model = Network::Energy(Box::new(GaussianEnergy::new(&[2]).unwrap()));
    let (program, parameters) = trace(&parameters_of(&model).unwrap(), |scope, parameters| {
        let batch = Batch {
            x: scope.input("x", Kind::Float, &[4, 2]),
            weights: scope.input("weights", Kind::Float, &[4]),
            key: scope.input("key", Kind::Key, &[]),
            chains: Some(scope.input("chains", Kind::Float, &[5, 2])),
        };
        let estimate = objective.estimate(&model, parameters, &batch);
        let mut outputs = vec![("loss".to_string(), estimate.loss), ("optimised".into(), estimate.optimised)];
        outputs.extend(estimate.diagnostics.into_iter().map(|(of, value)| (of.name().to_string(), value)));
        outputs
    })
    .unwrap();
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names, ["mean", "precision"]);
    let inputs = [
        Value::Float(MEAN.to_vec()),
        Value::Float(PRECISION.to_vec()),
        Value::Float(DATA.concat()),
        Value::Float(WEIGHTS.to_vec()),
        Value::Key(KEY),
        Value::Float(CHAINS.concat()),
    ];
    let values = interpret(&program, &inputs).unwrap();
    program.outputs().iter().zip(values).map(|((name, _), value)| (name.clone(), value.floats()[0])).collect()
}

/// The same by sums over rows.
fn expected(energy_l2: f64, data_noise: f64) -> Vec<(String, f64)> {
    let noisy = |row: usize| {
        let mut z = [0.0; 2];
        normal_row(KEY, 0, row as u64, &mut z);
        [DATA[row][0] + data_noise * z[0], DATA[row][1] + data_noise * z[1]]
    };
    let data: Vec<f64> = (0..3).map(|row| f(noisy(row))).collect();
    let chains: Vec<f64> = CHAINS.iter().map(|x| f(*x)).collect();
    let mean =
        |values: &[f64], power: i32| values.iter().map(|v| v.powi(power)).sum::<f64>() / values.len() as f64;
    let gap = mean(&data, 1) - mean(&chains, 1);
    let loss = -gap + energy_l2 * (mean(&data, 2) + mean(&chains, 2));
    let named = [
        ("loss", loss),
        ("optimised", loss),
        ("energy_gap", gap),
        ("log_density_data", mean(&data, 1)),
        ("log_density_chains", mean(&chains, 1)),
    ];
    named.map(|(name, value)| (name.to_string(), value)).to_vec()
}

#[test]
fn squared_energies_of_data_and_chains_and_noise_on_the_data() {
    for (energy_l2, data_noise) in [(0.0, 0.0), (0.5, 0.0), (0.0, 0.3), (2.0, 0.3)] {
        let found = estimate(ContrastiveDivergence { energy_l2, data_noise });
        for ((name, found), (expected_name, expected)) in found.iter().zip(expected(energy_l2, data_noise)) {
            assert_eq!(*name, expected_name);
            let close = (found - expected).abs() < 1e-12;
            assert!(
                close,
                "energy_l2 {energy_l2}, data_noise {data_noise}, {name}: {found}, expected {expected}"
            );
        }
    }
}
