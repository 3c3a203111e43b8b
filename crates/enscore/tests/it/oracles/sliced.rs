//! Exact and sliced score matching through the library's objectives: a Gaussian, a small network, the law of
//! the directions.

use crate::common::derivatives::{Derivatives, minimise};
use crate::common::oracles::{assert_close, case, expected, number, numbers};
use enscore::model::{Activation, Confinement, GaussianEnergy, LogDensity, MlpEnergy, Network, Score, trace};
use enscore::objective::{Directions, ScoreMatching, SlicedScoreMatching};
use enscore_program::random::Key;
use enscore_program::{Kind, Value, Var, interpret};
use nalgebra::DMatrix;

fn float(values: &[f64]) -> Value {
    Value::Float(values.to_vec())
}

/// Own inputs of a loss: rows of equal weight, and a key that exact score matching does not look at.
fn batch(x: &[f64], rows: usize) -> [Value; 3] {
    [float(x), float(&vec![1.0; rows]), Value::Key(Key::new(1, 1))]
}

fn assert_near(what: &str, found: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs();
        assert!(error <= relative * expected.abs() + 1e-12, "{what}: found {found}, expected {expected}");
    }
}

/// At once and one tangent after the other: what is optimised by chunks has the loss of the whole.
#[test]
fn the_loss_of_a_gaussian_energy_is_that_of_the_case() {
    let id = "sm.gauss2d.loss";
    let params = case(id)["params"].clone();
    let (data, theta) = (numbers(&params["data"]), [numbers(&params["m"]), numbers(&params["P"])].concat());
    let model = Network::Energy(Box::new(GaussianEnergy::new(&[2]).unwrap()));
    for tangents in [0, 1] {
        let loss = Derivatives::of(&model, &ScoreMatching { tangents }, 6);
        let found = loss.interpret(&theta, &[0.0; 6], &batch(&data, 6));
        assert_close(id, &[found.loss], 1e-10);
    }
}

/// The minimiser is that of maximum likelihood: mean and inverse covariance of the rows.
#[test]
fn the_minimiser_for_a_gaussian_energy_is_that_of_the_case() {
    let id = "sm.gauss2d.estimator";
    let data = numbers(&case(id)["params"]["data"]);
    let model = Network::Energy(Box::new(GaussianEnergy::new(&[2]).unwrap()));
    let loss = Derivatives::of(&model, &ScoreMatching { tangents: 0 }, 6);
    let names: Vec<&str> = loss.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["mean", "precision"]);
    let at = |theta: &[f64], tangent: &[f64]| loss.interpret(theta, tangent, &batch(&data, 6));
    let found = minimise(at, &[0.5, 0.0, 2.0, -0.5, -0.5, 1.5], 1e-13);
    let value = &case(id)["value"];
    assert_near("mean", &found[..2], &numbers(&value["mu"]), 1e-10);
    assert_near("precision", &found[2..], &numbers(&value["P"]), 1e-10);
    assert_near("loss", &[at(&found, &[0.0; 6]).loss], &[number(&value["J"])], 1e-10);
}

/// The network of the cases: f = v' tanh(W x + b) - ‖x‖²/4, whose quadratic part is a confinement of
/// deviation √2.
fn network() -> Network {
    let network = MlpEnergy::new(&[3], &[4], Activation::Tanh).unwrap();
    let confinement = Confinement::new(&[0.0; 3], 2f64.sqrt()).unwrap();
    Network::Energy(Box::new(network.confined(confinement).unwrap()))
}

/// Its weights by name; layers multiply from the right.
fn weights(name: &str) -> Vec<f64> {
    let params = &case("sm.mlp.loss")["params"];
    match name {
        "hidden.0.weight" => DMatrix::from_row_slice(4, 3, &numbers(&params["W"])).as_slice().to_vec(),
        "hidden.0.bias" => numbers(&params["b"]),
        "output.weight" => numbers(&params["v"]),
        "output.bias" => vec![0.7],
        other => panic!("unexpected parameter {other}"),
    }
}

#[test]
fn the_exact_loss_of_a_network_and_its_gradient_are_those_of_the_case() {
    let x = numbers(&case("sm.mlp.loss")["params"]["X"]);
    for tangents in [0, 1, 2] {
        let loss = Derivatives::of(&network(), &ScoreMatching { tangents }, 5);
        let theta: Vec<f64> = loss.parameters.iter().flat_map(|p| weights(&p.name)).collect();
        let found = loss.interpret(&theta, &vec![0.0; theta.len()], &batch(&x, 5));
        assert_near("loss", &[found.loss], &expected("sm.mlp.loss")[..1], 1e-10);
        let gradient = &case("sm.mlp.param_gradient")["value"];
        let of = |name: &str| {
            let at = loss.parameters.iter().position(|p| p.name == name).unwrap();
            loss.cut(&found.gradient)[at].to_vec()
        };
        // [in, out] is column-major [out, in].
        let of_w = DMatrix::from_row_slice(4, 3, &numbers(&gradient["W"]));
        assert_near("W", &of("hidden.0.weight"), of_w.as_slice(), 1e-10);
        assert_near("b", &of("hidden.0.bias"), &numbers(&gradient["b"]), 1e-10);
        assert_near("v", &of("output.weight"), &numbers(&gradient["v"]), 1e-10);
        assert_eq!(of("output.bias"), [0.0]);
    }
}

fn sliced(variance_reduction: bool) -> SlicedScoreMatching {
    SlicedScoreMatching { projections: 1, directions: Directions::Rademacher, variance_reduction }
}

#[test]
fn the_sliced_losses_of_a_network_are_those_of_the_case() {
    let id = "ssm.mlp.loss";
    let directions = numbers(&case(id)["params"]["V"]);
    let x = numbers(&case("sm.mlp.loss")["params"]["X"]);
    let (program, parameters) = trace(&[], |scope, parameters| {
        let (x, v) = (scope.table(&x, &[5, 3]), scope.table(&directions, &[5, 3]));
        let score = network().score(parameters, x, scope.constant(1.0).broadcast_to(&[5]));
        let loss = |reduced| sliced(reduced).rows(x, score, &[v]).mean_all();
        // A direction that stands twice counts by half.
        let twice = sliced(false).rows(x, score, &[v, v]).mean_all();
        let f = network().log_density(parameters, x);
        let of_density = |reduced| sliced(reduced).rows_of_density(x, f, &[v]).mean_all();
        [loss(false), loss(true), twice, of_density(false), of_density(true)]
            .map(|loss| ("loss".to_string(), loss))
            .to_vec()
    })
    .unwrap();
    let inputs: Vec<Value> = parameters.iter().map(|p| Value::Float(weights(&p.name))).collect();
    let found: Vec<f64> =
        interpret(&program, &inputs).unwrap().iter().map(|value| value.floats()[0]).collect();
    assert_close(id, &found[..2], 1e-10);
    assert_close(id, &found[3..], 1e-10);
    assert!((found[2] - found[0]).abs() < 1e-12);
}

/// The row losses of the affine score s + J x at x = 0 for these directions `[n, 5]`, without and with
/// variance reduction.
fn affine_losses(directions: &[f64]) -> [Vec<f64>; 2] {
    let params = case("ssm.rademacher.expectation")["params"].clone();
    let n = directions.len() / 5;
    let (program, _) = trace(&[], |scope, _| {
        let x = scope.input("x", Kind::Float, &[n, 5]);
        let [j, s] = [("J", vec![5, 5]), ("s", vec![5])]
            .map(|(name, shape)| scope.table(&numbers(&params[name]), &shape));
        let score = s + x.matmul_with(j, false, true);
        let v = scope.table(directions, &[n, 5]);
        let rows = |reduced| ("rows".to_string(), sliced(reduced).rows(x, score, &[v]));
        vec![rows(false), rows(true)]
    })
    .unwrap();
    let outputs = interpret(&program, &[float(&vec![0.0; 5 * n])]).unwrap();
    [0, 1].map(|i| outputs[i].floats().to_vec())
}

/// Mean and variance of values with weights of sum 1.
fn moments(values: &[f64], weights: &[f64]) -> [f64; 2] {
    let mean: f64 = values.iter().zip(weights).map(|(v, w)| v * w).sum();
    [mean, values.iter().zip(weights).map(|(v, w)| w * (v - mean).powi(2)).sum()]
}

/// All products of a rule's nodes in five dimensions: nodes `[n, 5]` and weights `[n]`.
fn products(rule: &[(f64, f64)]) -> (Vec<f64>, Vec<f64>) {
    let count = rule.len().pow(5);
    let node = |i: usize, axis: u32| rule[i / rule.len().pow(axis) % rule.len()];
    let nodes = (0..count).flat_map(|i| (0..5).map(move |axis| node(i, axis).0)).collect();
    (nodes, (0..count).map(|i| (0..5).map(|axis| node(i, axis).1).product()).collect())
}

/// All 32 sign vectors.
#[test]
fn signs_have_the_exact_loss_as_mean() {
    let (nodes, weights) = products(&[(-1.0, 0.5), (1.0, 0.5)]);
    let [plain, reduced] = affine_losses(&nodes).map(|rows| moments(&rows, &weights));
    let id = "ssm.rademacher.expectation";
    assert_close(id, &[plain[0], plain[0]], 1e-10);
    assert_close(id, &[reduced[0], reduced[0]], 1e-10);
    assert_close("ssm.rademacher.variance", &[plain[1], reduced[1]], 1e-10);
}

/// The three-point Gauss-Hermite rule is exact: losses are quadratic in each element, their squares of degree
/// 4.
#[test]
fn normal_directions_have_the_exact_loss_as_mean() {
    let node = 3f64.sqrt();
    let (nodes, weights) = products(&[(-node, 1.0 / 6.0), (0.0, 2.0 / 3.0), (node, 1.0 / 6.0)]);
    let [plain, reduced] = affine_losses(&nodes).map(|rows| moments(&rows, &weights));
    assert_close("ssm.gaussian.mean_variance", &[plain[0], plain[1], reduced[1]], 1e-10);
    assert!((reduced[0] - plain[0]).abs() < 1e-10);
}

/// The drawn directions have the moments of their law: signs of the variance by enumeration, normal ones by
/// quadrature, and on the sphere v'v = d. The mean is within five standard errors.
#[test]
fn drawn_directions_follow_their_law() {
    let n = 20_000;
    let exact = expected("ssm.rademacher.expectation")[0];
    let laws = [
        (Directions::Rademacher, Some(expected("ssm.rademacher.variance")[0])),
        (Directions::Gaussian, Some(expected("ssm.gaussian.mean_variance")[1])),
        (Directions::Sphere, None),
    ];
    for (law, variance) in laws {
        let (program, _) = trace(&[], |scope, _| {
            let key = scope.input("key", Kind::Key, &[]);
            let drawn: Var = law.draw(key, &[n, 5]);
            vec![("v".to_string(), drawn)]
        })
        .unwrap();
        let drawn = interpret(&program, &[Value::Key(Key::new(3, 0))]).unwrap()[0].floats().to_vec();
        let rows = affine_losses(&drawn)[0].clone();
        let [mean, spread] = moments(&rows, &vec![1.0 / n as f64; n]);
        let errors = (mean - exact) / (spread / n as f64).sqrt();
        println!(
            "{law:?}: mean {mean:.4}, exact {exact:.4}, {errors:.2} standard errors; variance {spread:.2}"
        );
        assert!(errors.abs() < 5.0, "{law:?}: mean {mean}, {errors} standard errors off");
        if let Some(variance) = variance {
            assert!((spread / variance - 1.0).abs() < 0.1, "{law:?}: variance {spread}, exact {variance}");
        } else {
            let off = |v: &[f64]| (v.iter().map(|v| v * v).sum::<f64>() - 5.0).abs();
            assert!(drawn.chunks_exact(5).all(|v| off(v) < 1e-9), "{law:?}: the radius is √5");
        }
    }
}
