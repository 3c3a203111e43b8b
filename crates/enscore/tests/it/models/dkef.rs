//! The deep kernel exponential family against a loop in plain numbers, its derivatives against central
//! differences, and how it starts.

use crate::common::traced::{float, normals, run};
use enscore::model::{Differentiated, Dkef, DkefSettings, LogDensity, Score, initialise, trace};
use enscore_program::{Kind, Parameter, Program};
use std::collections::HashMap;

const SIZE: DkefSettings = DkefSettings { kernels: 2, inducing: 3, width: 4, layers: 3 };
const MEAN: [f64; 2] = [0.5, -1.0];
const DEVIATION: [f64; 2] = [2.0, 0.0];
const ROWS: [f64; 6] = [0.5, -1.0, 2.5, 0.0, -1.5, 3.0];

fn model(rows: &[f64]) -> Dkef {
    Dkef::new(&[2], SIZE, &MEAN, &DEVIATION, rows).unwrap()
}

/// f, its score, the Laplacian of f and Σα² at two rows x, over (x, weights).
fn program(model: &Dkef) -> (Program, Vec<Parameter>) {
    trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[2, 2]);
        let sigma = scope.constant(1.0).broadcast_to(&[2]);
        let f = model.log_density(parameters, x);
        let score = Differentiated(model.clone()).score(parameters, x, sigma);
        let laplacian = scope.laplacian(f, x, 2).laplacian;
        let ridge = model.ridge(parameters, 0.5);
        let named = [("f", f), ("score", score), ("laplacian", laplacian), ("ridge", ridge)];
        named.map(|(name, var)| (name.to_string(), var)).to_vec()
    })
    .unwrap()
}

fn evaluate(program: &Program, weights: &[Vec<f64>], x: &[f64]) -> Vec<Vec<f64>> {
    let inputs: Vec<_> = [float(x)].into_iter().chain(weights.iter().map(|w| float(w))).collect();
    run(program, &inputs)
}

fn random(parameters: &[Parameter]) -> Vec<Vec<f64>> {
    let of = |(i, parameter): (usize, &Parameter)| -> Vec<f64> {
        normals(20 + i as u64, parameter.size()).into_iter().map(|z| 0.6 * z).collect()
    };
    parameters.iter().enumerate().map(of).collect()
}

/// u W for W `[u.len(), out]` row-major.
fn product(u: &[f64], weight: &[f64]) -> Vec<f64> {
    let out = weight.len() / u.len();
    (0..out).map(|j| u.iter().enumerate().map(|(i, u)| u * weight[i * out + j]).sum()).collect()
}

/// f by the module's equation, one number at a time.
fn by_hand(named: &HashMap<&str, &[f64]>, x: &[f64]) -> f64 {
    let features = |r: usize, u: &[f64]| -> Vec<f64> {
        let mut hidden = u.to_vec();
        for layer in 0..3 {
            if layer > 0 {
                hidden = hidden.iter().map(|h| h.exp().ln_1p()).collect();
            }
            let bias = named[format!("kernel.{r}.layer.{layer}.bias").as_str()];
            let weight = named[format!("kernel.{r}.layer.{layer}.weight").as_str()];
            hidden = product(&hidden, weight).iter().zip(bias).map(|(h, b)| h + b).collect();
        }
        let skip = product(u, named[format!("kernel.{r}.skip.weight").as_str()]);
        hidden.iter().zip(skip).map(|(h, s)| h + s).collect()
    };
    let u = [(x[0] - 0.5) / 2.0, x[1] + 1.0];
    let total: f64 = named["kernel_logits"].iter().map(|l| l.exp()).sum();
    let mut f = 0.0;
    for (z, alpha) in named["inducing"].chunks(2).zip(named["alpha"]) {
        for r in 0..2 {
            let (a, b) = (features(r, &u), features(r, z));
            let square: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
            let bandwidth = named[format!("kernel.{r}.log_bandwidth").as_str()][0].exp();
            f += alpha * named["kernel_logits"][r].exp() / total * (-square / (2.0 * bandwidth)).exp();
        }
    }
    let s = named["log_base_deviation"][0].exp();
    let square = (u[0] * u[0] + u[1] * u[1]) / (s * s);
    f - 0.5 * square - std::f64::consts::TAU.ln() - 2.0 * s.ln() - 2f64.ln()
}

#[test]
fn values_and_derivatives_are_those_of_the_equation() {
    let (program, parameters) = program(&model(&ROWS));
    let weights = random(&parameters);
    let named: HashMap<&str, &[f64]> =
        parameters.iter().map(|p| p.name.as_str()).zip(weights.iter().map(|w| &w[..])).collect();
    let x = [0.3, -0.8, 1.7, 0.4];
    let found = evaluate(&program, &weights, &x);
    for (row, x) in x.chunks(2).enumerate() {
        let f = |du: f64, dv: f64| by_hand(&named, &[x[0] + du, x[1] + dv]);
        assert!((found[0][row] - f(0.0, 0.0)).abs() < 1e-12, "{} {}", found[0][row], f(0.0, 0.0));
        let h = 1e-5;
        let slopes = [(f(h, 0.0) - f(-h, 0.0)) / (2.0 * h), (f(0.0, h) - f(0.0, -h)) / (2.0 * h)];
        for (found, expected) in found[1][2 * row..].iter().zip(slopes) {
            assert!((found - expected).abs() < 1e-8, "score {found}, differences {expected}");
        }
        let h = 1e-3;
        let around = f(h, 0.0) + f(-h, 0.0) + f(0.0, h) + f(0.0, -h);
        let expected = (around - 4.0 * f(0.0, 0.0)) / (h * h);
        assert!((found[2][row] - expected).abs() < 1e-5, "Laplacian {} {expected}", found[2][row]);
    }
    let alpha: f64 = named["alpha"].iter().map(|a| a * a).sum();
    assert!((found[3][0] - 0.5 * alpha).abs() < 1e-14);
}

/// It starts as the Gaussian with the data's mean and deviation, with points at the rows.
#[test]
fn it_starts_at_the_base_with_points_at_the_rows() {
    let (program, parameters) = program(&model(&ROWS));
    let start = initialise(&parameters, 1);
    let start: Vec<Vec<f64>> = start.iter().map(|w| w.iter().map(|v| f64::from(*v)).collect()).collect();
    let at = |name: &str| parameters.iter().position(|p| p.name == name).unwrap();
    assert_eq!(start[at("inducing")], [0.0, 0.0, 1.0, 1.0, -1.0, 4.0]);
    let bandwidths =
        [start[at("kernel.0.log_bandwidth")][0].exp(), start[at("kernel.1.log_bandwidth")][0].exp()];
    assert!((bandwidths[0] - 1.0).abs() < 1e-6 && (bandwidths[1] - 10.0).abs() < 1e-5);
    let f = &evaluate(&program, &start, &[2.5, -1.0, 0.5, 1.0])[0];
    let peak = -std::f64::consts::TAU.ln() - 2f64.ln();
    assert!((f[0] - (peak - 0.5)).abs() < 1e-12 && (f[1] - (peak - 2.0)).abs() < 1e-12, "{f:?}");
}

/// Without the data, as from a manifest, it is the same function of the same parameters.
#[test]
fn it_needs_no_rows_where_weights_are_known() {
    let (with, without) = (program(&model(&ROWS)), program(&model(&[])));
    let shapes = |parameters: &[Parameter]| -> Vec<_> {
        parameters.iter().map(|p| (p.name.clone(), p.shape.clone())).collect()
    };
    assert_eq!(shapes(&with.1), shapes(&without.1));
    let (weights, x) = (random(&with.1), [0.3, -0.8, 1.7, 0.4]);
    assert_eq!(evaluate(&with.0, &weights, &x), evaluate(&without.0, &weights, &x));
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let refuse =
        |settings, rows: &[f64]| Dkef::new(&[2], settings, &MEAN, &DEVIATION, rows).unwrap_err().to_string();
    assert!(refuse(DkefSettings { kernels: 0, ..SIZE }, &[]).contains("kernels"));
    assert!(refuse(DkefSettings { layers: 0, ..SIZE }, &[]).contains("layers"));
    let message = refuse(DkefSettings { inducing: 4, ..SIZE }, &ROWS);
    assert!(message.contains("4 points, 3 rows") && message.contains("model.inducing"), "{message}");
    assert!(refuse(SIZE, &[0.0, 1.0, 2.0, f64::NAN, 4.0, 5.0]).contains("row 1"));
    assert!(Dkef::new(&[2], SIZE, &[], &[], &ROWS).is_err());
}
