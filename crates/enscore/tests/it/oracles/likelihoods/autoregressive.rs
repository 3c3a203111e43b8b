//! Normalised models against the cases: a masked autoencoder of six bits, a chain of Gaussians, a mixture
//! of logistic distributions.

use crate::common::oracles::{case, numbers};
use crate::common::traced::{all_states, float, run};
use enscore::executor::{Weights, default_executor};
use enscore::model::{Activation, Component, Conditional, LogDensity, Made, MadeMasks, Normalised, trace};
use enscore_program::{Initial, Kind, Parameter};
use serde_json::Value;

fn close(found: &[f64], expected: &Value, what: &str) {
    let expected = numbers(expected);
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(&expected) {
        assert!((f - e).abs() <= 1e-9 * e.abs() + 1e-11, "{what}: found {f}, expected {e}");
    }
}

fn whole(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|v| v as usize).collect()
}

/// A matrix `[rows, columns]` the other way round.
fn transposed(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = values.len() / columns;
    (0..columns * rows).map(|at| values[(at % rows) * columns + at / rows]).collect()
}

/// ln p of rows under the model with these weights, in the order of first use.
fn log_density(made: &Made, weights: &[Vec<f64>], rows: &[f64]) -> Vec<f64> {
    let elements = made.row_shape()[0];
    let (program, _) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[rows.len() / elements, elements]);
        vec![("f".to_string(), made.log_density(parameters, x))]
    })
    .unwrap();
    let inputs: Vec<_> = std::iter::once(float(rows)).chain(weights.iter().map(|w| float(w))).collect();
    run(&program, &inputs).remove(0)
}

#[test]
fn the_masked_autoencoder_of_six_bits_is_that_of_the_case() {
    let case = case("ar.made");
    let (params, value) = (&case["params"], &case["value"]);
    let masks = MadeMasks::new(whole(&params["deg_in"]), vec![whole(&params["deg_h"])]).unwrap();
    let made = Made::new(&[6], vec![masks], Conditional::Bernoulli, Activation::Tanh).unwrap();
    let weights = [
        transposed(&numbers(&params["W1"]), 6),
        numbers(&params["b1"]),
        transposed(&numbers(&params["W2"]), 7),
        numbers(&params["b2"]),
    ];
    close(&log_density(&made, &weights, &numbers(&params["x"])), &value["log_p"], "log p");
    let states = all_states(6, 2);
    let p: Vec<f64> = log_density(&made, &weights, &states).into_iter().map(f64::exp).collect();
    close(&[p.iter().sum::<f64>()], &value["total"], "sum over all states");
    let marginal = |i: usize| p.iter().zip(states.chunks(6)).map(|(p, x)| p * x[i]).sum::<f64>();
    close(&(0..6).map(marginal).collect::<Vec<f64>>(), &value["marginals"], "marginals");
}

/// x_i = (g(x_i) - g(-x_i)) / 1.2 of leaky units g: hidden units in pairs carry each element, so that the
/// means a_i + Σ B_ij x_j are exact.
fn chain_of_gaussians(params: &Value) -> (Made, Vec<Vec<f64>>) {
    let degrees = (1..=4).flat_map(|degree| [degree, degree]).collect();
    let masks = MadeMasks::new(vec![1, 2, 3, 4], vec![degrees]).unwrap();
    let of_one = Conditional::Mixture { of: Component::Gaussian, components: 1 };
    let made = Made::new(&[4], vec![masks], of_one, Activation::LeakyRelu).unwrap();
    let (a, b, s) = (numbers(&params["a"]), numbers(&params["B"]), numbers(&params["s"]));
    let mut first = vec![0.0; 4 * 8];
    let mut last = vec![0.0; 8 * 12];
    for j in 0..4 {
        (first[j * 8 + 2 * j], first[j * 8 + 2 * j + 1]) = (1.0, -1.0);
        for i in 0..4 {
            last[2 * j * 12 + 3 * i + 1] = b[i * 4 + j] / 1.2;
            last[(2 * j + 1) * 12 + 3 * i + 1] = -b[i * 4 + j] / 1.2;
        }
    }
    let bias = (0..4).flat_map(|i| [0.0, a[i], s[i].ln()]).collect();
    (made, vec![first, vec![0.0; 8], last, bias])
}

#[test]
fn a_chain_of_gaussians_is_that_of_the_case() {
    let case = case("ar.gauss");
    let (params, value) = (&case["params"], &case["value"]);
    let (made, weights) = chain_of_gaussians(params);
    close(&log_density(&made, &weights, &numbers(&params["x"])), &value["log_p"], "log p");
    let names = ["hidden.0.weight", "hidden.0.bias", "output.weight", "output.bias"];
    let shapes = [vec![4, 8], vec![8], vec![8, 12], vec![12]];
    let parameter = |(name, shape): (&str, Vec<usize>)| Parameter {
        name: name.to_string(),
        shape,
        initial: Initial::Constant(0.0),
    };
    let parameters: Vec<Parameter> = names.into_iter().zip(shapes).map(parameter).collect();
    let single: Vec<Vec<f32>> = weights.iter().map(|w| w.iter().map(|v| *v as f32).collect()).collect();
    let weights = Weights::upload(&*default_executor(), &parameters, &single).unwrap();
    let n = 20_000;
    let mut draws = made.draws(&weights, 3).unwrap();
    draws.start(0..n).unwrap();
    draws.advance(0..4).unwrap();
    let rows: Vec<f64> = draws.rows().into_iter().map(f64::from).collect();
    let mean = |f: &dyn Fn(&[f64]) -> f64| rows.chunks(4).map(f).sum::<f64>() / n as f64;
    let (means, cov) = (numbers(&value["mean"]), numbers(&value["cov"]));
    for i in 0..4 {
        let error = (cov[5 * i] / n as f64).sqrt();
        assert!((mean(&|x| x[i]) - means[i]).abs() < 5.0 * error, "mean of element {i}");
        for j in 0..=i {
            let found = mean(&|x| (x[i] - means[i]) * (x[j] - means[j]));
            let variance = cov[5 * i] * cov[5 * j] + cov[4 * i + j].powi(2);
            let error = (variance / n as f64).sqrt();
            assert!((found - cov[4 * i + j]).abs() < 5.0 * error, "covariance {i}, {j}: {found}");
        }
    }
}

#[test]
fn a_mixture_of_logistic_distributions_is_that_of_the_case() {
    let case = case("ar.logistic_mixture");
    let params = &case["params"];
    let heads: Vec<f64> = numbers(&params["w"])
        .into_iter()
        .map(f64::ln)
        .chain(numbers(&params["m"]))
        .chain(numbers(&params["s"]).into_iter().map(f64::ln))
        .collect();
    let points = numbers(&params["x"]);
    // The distribution function by sums over a fine grid up to each point.
    let step = 1e-4;
    let below = |x: f64| (0..60_000).map(move |i| x - step * (f64::from(i) + 0.5));
    let x: Vec<f64> = points.iter().copied().chain(points.iter().flat_map(|x| below(*x))).collect();
    let mixture = Conditional::Mixture { of: Component::Logistic, components: 3 };
    let (program, _) = trace(&[], |scope, _| {
        let x = scope.input("x", Kind::Float, &[x.len(), 1]);
        let heads = scope.input("heads", Kind::Float, &[x.extent(0), 1, 9]);
        vec![("f".to_string(), mixture.log_density(x, heads))]
    })
    .unwrap();
    let found = run(&program, &[float(&x), float(&heads.repeat(x.len()))]).remove(0);
    close(&found[..3], &case["value"]["log_p"], "log density");
    for (cdf, f) in numbers(&case["value"]["cdf"]).into_iter().zip(found[3..].chunks(60_000)) {
        let sum = f.iter().map(|f| f.exp() * step).sum::<f64>();
        assert!((sum - cdf).abs() < 1e-6, "distribution function: {sum}, {cdf}");
    }
}
