//! The restricted Boltzmann machine with Gaussian visible units against the mixture of Gaussians that it is.

use crate::common::machine::{Weights, states};
use crate::common::oracles::case;
use enscore::mcmc::gibbs_program;
use enscore::model::{Bipartite, LogDensity, Rbm, Units, enumerated_log_z};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::Key;

fn weights() -> Weights {
    Weights::of(&case("rbm.4x3.logZ")["params"])
}

/// With Gaussian visible units the model is a mixture of 2^m Gaussians of one width.
#[test]
fn gaussian_units_are_a_mixture() {
    let (deviation, weights) = (0.7, weights());
    let rbm = Rbm::new(&[4], 3, Units::Gaussian { deviation }).unwrap();
    let points: Vec<f64> = (0..24).map(|i| (1.3 * i as f64).sin() * 1.5).collect();
    let outputs = weights.evaluate(&[], |scope, parameters| {
        let f = rbm.log_density(parameters, scope.table(&points, &[6, 4]));
        let hidden = rbm.second_log_density(parameters, scope.table(&states(3), &[8, 3]));
        vec![f, hidden, enumerated_log_z(&rbm, parameters, f)]
    });
    let [w, b, c] = &weights.values;
    let tau = std::f64::consts::TAU;
    // p(v, h) = exp(c'h) exp((|b + Wh|² - |b|²) / (2σ²)) exp(-|v - b - Wh|² / (2σ²)).
    let component = |state: &[f64]| -> (Vec<f64>, f64) {
        let mean: Vec<f64> =
            (0..4).map(|i| b[i] + (0..3).map(|j| w[i * 3 + j] * state[j]).sum::<f64>()).collect();
        let squares: f64 = mean.iter().zip(b).map(|(m, b)| m * m - b * b).sum();
        let alone: f64 = c.iter().zip(state).map(|(c, h)| c * h).sum();
        let volume = 2.0 * (tau * deviation * deviation).ln();
        (mean, alone + squares / (2.0 * deviation * deviation) + volume)
    };
    let components: Vec<(Vec<f64>, f64)> = states(3).chunks(3).map(component).collect();
    let z: f64 = components.iter().map(|(_, log_weight)| log_weight.exp()).sum();
    assert!((outputs[2][0] - z.ln()).abs() < 1e-10, "{} {}", outputs[2][0], z.ln());
    for ((_, expected), found) in components.iter().zip(&outputs[1]) {
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
    }
    for (v, f) in points.chunks(4).zip(&outputs[0]) {
        let density: f64 = components
            .iter()
            .map(|(mean, log_weight)| {
                let distance: f64 = v.iter().zip(mean).map(|(v, m)| (v - m).powi(2)).sum();
                let normal = -distance / (2.0 * deviation * deviation);
                (log_weight - 2.0 * (tau * deviation * deviation).ln() + normal).exp()
            })
            .sum();
        assert!((f - density.ln()).abs() < 1e-10, "{f} {}", density.ln());
    }
    gaussian_draws(&rbm, &weights, &components, z);
}

/// Means and variances of long chains are those of the mixture.
fn gaussian_draws(rbm: &Rbm, weights: &Weights, components: &[(Vec<f64>, f64)], z: f64) {
    let chains = 20_000;
    let program = gibbs_program(rbm, &weights.parameters(), chains).unwrap();
    let mut executable = Executable::<f64>::compile(&program, Options::default()).unwrap();
    let mut x = vec![0.0; chains * 4];
    let (mut moved, mut mean) = (x.clone(), x.clone());
    for sweep in 0..200 {
        let mut inputs: Vec<Argument<f64>> =
            weights.values.iter().map(|values| Argument::Float(values)).collect();
        inputs.extend([Argument::Float(&x), Argument::Key(Key::new(4, sweep))]);
        executable.run(&inputs, &mut [&mut moved, &mut mean]).unwrap();
        std::mem::swap(&mut x, &mut moved);
    }
    for i in 0..4 {
        let moment = |power: i32| -> f64 {
            components.iter().map(|(mean, log_weight)| log_weight.exp() / z * mean[i].powi(power)).sum()
        };
        let (expected, variance) = (moment(1), moment(2) - moment(1).powi(2) + 0.49);
        let found = x.iter().skip(i).step_by(4).sum::<f64>() / chains as f64;
        let square = x.iter().skip(i).step_by(4).map(|x| (x - expected).powi(2)).sum::<f64>() / chains as f64;
        assert!((found - expected).abs() < 5.0 * (variance / chains as f64).sqrt(), "{found} {expected}");
        assert!((square / variance - 1.0).abs() < 0.06, "{square} {variance}");
    }
}
