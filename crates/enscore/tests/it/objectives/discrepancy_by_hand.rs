//! The loss of energy discrepancy on a Gaussian energy, candidate by candidate.

use enscore::model::{GaussianEnergy, Network, parameters_of, trace};
use enscore::objective::{Batch, EnergyDiscrepancy, Objective};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Kind, Value, interpret};

const PRECISION: [f64; 4] = [1.5, 0.4, 0.4, 0.8];
const DATA: [[f64; 2]; 3] = [[0.1, 0.2], [1.0, -1.0], [30.0, 40.0]];
/// The last row only fills the batch.
const WEIGHTS: [f64; 3] = [1.0, 3.0, 0.0];
const KEY: Key = Key { seed: 8, step: 3, row: 0 };
const SIGMA: f64 = 0.6;
const SAMPLES: usize = 4;

fn f(x: [f64; 2]) -> f64 {
    let [a, b, c, d] = PRECISION;
    -0.5 * (a * x[0] * x[0] + (b + c) * x[0] * x[1] + d * x[1] * x[1])
}

/// The library's loss.
fn loss(stabiliser: f64) -> f64 {
    let model = Network::Energy(Box::new(GaussianEnergy::new(&[2]).unwrap()));
    let objective = EnergyDiscrepancy { sigma: SIGMA, samples: SAMPLES, stabiliser };
    let (program, _) = trace(&parameters_of(&model).unwrap(), |scope, parameters| {
        let batch = Batch {
            x: scope.input("x", Kind::Float, &[3, 2]),
            weights: scope.input("weights", Kind::Float, &[3]),
            key: scope.input("key", Kind::Key, &[]),
            chains: None,
        };
        vec![("loss".to_string(), objective.estimate(&model, parameters, &batch).loss)]
    })
    .unwrap();
    let inputs = [
        Value::Float(vec![0.0; 2]),
        Value::Float(PRECISION.to_vec()),
        Value::Float(DATA.concat()),
        Value::Float(WEIGHTS.to_vec()),
        Value::Key(KEY),
    ];
    interpret(&program, &inputs).unwrap()[0].floats()[0]
}

/// Numbers of the n-th draw of the program for a row.
fn draws(stream: u32, row: usize, count: usize) -> Vec<f64> {
    let mut z = vec![0.0; count];
    normal_row(KEY, stream, row as u64, &mut z);
    z
}

fn by_hand(stabiliser: f64) -> f64 {
    let mut sum = 0.0;
    for (row, x) in DATA.iter().enumerate() {
        let first = draws(0, row, 2);
        let second = draws(1, row, 2 * SAMPLES);
        let mut total = stabiliser;
        for candidate in second.chunks_exact(2) {
            let moved = |i: usize| x[i] + SIGMA * first[i] + SIGMA * candidate[i];
            total += (f([moved(0), moved(1)]) - f(*x)).exp();
        }
        sum += WEIGHTS[row] * (total / SAMPLES as f64).ln();
    }
    sum / WEIGHTS.iter().sum::<f64>()
}

#[test]
fn the_loss_is_the_mean_log_ratio_of_candidates() {
    for stabiliser in [0.0, 0.3, 1.0, 2.0] {
        let (found, expected) = (loss(stabiliser), by_hand(stabiliser));
        assert!(
            (found - expected).abs() < 1e-12 * expected.abs().max(1.0),
            "{stabiliser}: {found} {expected}"
        );
    }
}
