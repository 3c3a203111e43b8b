//! Losses against closed forms: exactly by quadrature over the data and the noise, and by their own draws.

use crate::common::traced;
use crate::common::traced::{Gaussian, Linear, assert_close, assert_within_errors, float, key, normals, run};
use enscore::model::{NoiseLevels, Score, batch_shape, trace};
use enscore::objective::{Batch, Dsm, Ncsn, Objective, denoising_loss, evaluation_program};
use enscore_program::{Kind, Parameters, Program, Value, Var};

/// Inputs x, weights, key; outputs loss, optimised, then diagnostics.
fn estimate_program<M: Score>(model: &M, objective: &impl Objective<M>, batch: usize) -> Program {
    let shape = batch_shape(batch, model.row_shape());
    let build = trace(&[], |scope, parameters| {
        let batch = Batch {
            x: scope.input("x", Kind::Float, &shape),
            weights: scope.input("weights", Kind::Float, &shape[..1]),
            key: scope.input("key", Kind::Key, &[]),
            chains: None,
        };
        let estimate = objective.estimate(model, parameters, &batch);
        let mut outputs = vec![("loss".to_string(), estimate.loss), ("optimised".into(), estimate.optimised)];
        outputs.extend(estimate.diagnostics.into_iter().map(|(of, var)| (of.name().to_string(), var)));
        outputs
    });
    build.expect("a right model").0
}

/// The denoising loss of each row for given noise, with one σ for all.
fn losses(model: &dyn Score, x: &[f64], z: &[f64], sigma: f64) -> Vec<f64> {
    let shape = batch_shape(x.len(), model.row_shape());
    let (program, _) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &shape);
        let z = scope.input("z", Kind::Float, &shape);
        let sigma = scope.constant(sigma).broadcast_to(&shape[..1]);
        vec![("loss".to_string(), denoising_loss(model, parameters, x, sigma, z))]
    })
    .expect("a right model");
    run(&program, &[float(x), float(z)]).remove(0)
}

/// E over x ~ N(0, variance), z ~ N(0, 1) of the loss of a linear score: the three-point Gauss-Hermite rule
/// is exact.
fn gaussian_expectation(model: &dyn Score, variance: f64, sigma: f64) -> f64 {
    let nodes = [(-(3f64.sqrt()), 1.0 / 6.0), (0.0, 2.0 / 3.0), (3f64.sqrt(), 1.0 / 6.0)];
    let grid: Vec<_> = nodes.iter().flat_map(|a| nodes.iter().map(move |b| (*a, *b))).collect();
    let x: Vec<f64> = grid.iter().map(|(a, _)| a.0 * variance.sqrt()).collect();
    let z: Vec<f64> = grid.iter().map(|(_, b)| b.0).collect();
    losses(model, &x, &z, sigma).iter().zip(&grid).map(|(loss, (a, b))| loss * a.1 * b.1).sum()
}

#[test]
fn the_least_ncsn_loss_on_a_gaussian_is_the_closed_form() {
    let expected = [0.4117647058823529, 0.8860759493670887, 0.9964412811387902];
    for (sigma, expected) in [1.0, 0.3, 0.05].into_iter().zip(expected) {
        let model = Gaussian::new(0.0, 0.7, 1);
        let found = gaussian_expectation(&model, 0.7, sigma);
        assert_close(&format!("sigma {sigma}"), found, expected, 1e-10);
    }
}

#[test]
fn the_least_dsm_loss_on_a_gaussian_is_the_closed_form() {
    for (sigma, minimum, at_one) in [(0.2, 11.824324324324321, 11.87), (1.0, 0.20588235294117646, 0.35)] {
        let dsm = |model: &dyn Score| gaussian_expectation(model, 0.7, sigma) / (2.0 * sigma * sigma);
        assert_close("minimum", dsm(&Gaussian::new(0.0, 0.7, 1)), minimum, 1e-10);
        assert_close("slope 1", dsm(&Linear { slope: 1.0, row_shape: vec![1] }), at_one, 1e-10);
    }
}

/// J_SM of s = -a x on N(0, v + σ²), with the derivative of the score taken by the program.
#[test]
fn dsm_and_sm_differ_by_a_constant() {
    let (slope, sigma, data_variance) = (1.4, 0.5, 0.7);
    let model = Linear { slope, row_shape: vec![1] };
    let denoising = gaussian_expectation(&model, data_variance, sigma) / (2.0 * sigma * sigma);
    assert_close("DSM", denoising, 1.531, 1e-10);
    let (program, _) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[3, 1]);
        let score = model.score(parameters, x, scope.constant(sigma).broadcast_to(&[3]));
        let trace = scope.gradient(score.sum_all(), &[x])[0];
        vec![("loss".to_string(), score.square() * 0.5 + trace)]
    })
    .expect("a right model");
    let far = (3.0 * (data_variance + sigma * sigma)).sqrt();
    let rows = run(&program, &[float(&[-far, 0.0, far])]).remove(0);
    let matching = rows[0] / 6.0 + rows[1] * 2.0 / 3.0 + rows[2] / 6.0;
    assert_close("SM", matching, -0.469, 1e-10);
    assert_close("difference", denoising - matching, 2.0, 1e-10);
}

/// The score of a few points, smoothed: (Σ softmax_i x_i - x) / σ².
struct Points(Vec<f64>);

impl Score for Points {
    fn score<'s>(&self, _: &Parameters<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s> {
        let (batch, count) = (x.extent(0), self.0.len());
        let points = x.scope().table(&self.0, &[1, count]);
        let precision = (1.0 / sigma.square()).reshape(&[batch, 1]);
        let logits = (x - points).square() * precision * -0.5;
        let weights = (logits - logits.log_sum_exp(1).reshape(&[batch, 1])).exp();
        ((weights * points).sum(&[1]).reshape(&[batch, 1]) - x) * precision
    }

    fn row_shape(&self) -> &[usize] {
        &[1]
    }
}

/// The trapezium rule is exact to rounding for analytic functions that fall as fast as the normal density.
#[test]
fn the_least_dsm_loss_on_given_rows_is_that_of_the_memorising_score() {
    let (points, spacing) = (vec![-1.0, 0.2, 2.0], 0.05);
    let noise: Vec<f64> = (-180..=180).map(|i| f64::from(i) * spacing).collect();
    for (sigma, expected) in [(0.5, 1.1050765200867767), (1.0, 0.27249651523975404)] {
        let x: Vec<f64> = points.iter().flat_map(|x| vec![*x; noise.len()]).collect();
        let z = noise.repeat(points.len());
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        let rows = losses(&Points(points.clone()), &x, &z, sigma);
        let total: f64 = rows.iter().zip(&z).map(|(loss, z)| loss * density(*z)).sum();
        let found = total * spacing / points.len() as f64 / (2.0 * sigma * sigma);
        assert_close(&format!("sigma {sigma}"), found, expected, 1e-9);
    }
}

/// On the exact score of N(0, v) each dimension is m χ²(1) with m = v / (v + σ²): over levels and two
/// dimensions, E loss = 2 E m and E loss² = 8 E m².
#[test]
fn ncsn_draws_levels_and_noise_as_it_says() {
    let n = 100_000;
    let minima = [0.4117647058823529, 0.8860759493670887, 0.9964412811387902];
    let (first, second) = minima.iter().fold((0.0f64, 0.0), |(a, b), m| (a + m / 3.0, b + m * m / 3.0));
    let objective = Ncsn { levels: NoiseLevels::new(vec![1.0, 0.3, 0.05]).unwrap() };
    let program = estimate_program(&Gaussian::new(0.0, 0.7, 2), &objective, n);
    let x: Vec<f64> = normals(1, 2 * n).iter().map(|z| z * 0.7f64.sqrt()).collect();
    let found = run(&program, &[float(&x), float(&vec![1.0; n]), key(2, 0)]);
    let error = ((8.0 * second - 4.0 * first * first) / n as f64).sqrt();
    assert_within_errors("loss", found[0][0], 2.0 * first, error);
    assert_eq!(found[1][0], found[0][0] * 0.5);
    assert_eq!(found[2][0], found[1][0]);
}

#[test]
fn dsm_draws_noise_as_it_says() {
    let (n, expected) = (100_000, 11.87);
    let model = Linear { slope: 1.0, row_shape: vec![1] };
    let program = estimate_program(&model, &Dsm::new(0.2).unwrap(), n);
    let x: Vec<f64> = normals(3, n).iter().map(|z| z * 0.7f64.sqrt()).collect();
    let found = run(&program, &[float(&x), float(&vec![1.0; n]), key(4, 0)]);
    // The residual is normal, so the loss of a row is its mean times χ²(1).
    assert_within_errors("loss", found[0][0], expected, expected * (2.0 / n as f64).sqrt());
    assert_close("per dimension", found[1][0], found[0][0] * 2.0 * 0.04, 1e-14);
}

#[test]
fn dsm_is_ncsn_at_one_level_over_twice_its_square() {
    let model = Gaussian::new(0.3, 0.5, 3);
    for sigma in [0.1, 0.8, 5.0] {
        let ncsn = Ncsn { levels: NoiseLevels::new(vec![sigma]).unwrap() };
        let inputs = [float(&normals(5, 12)), float(&[1.0, 2.0, 0.5, 0.0]), key(6, 7)];
        let one = run(&estimate_program(&model, &ncsn, 4), &inputs)[0][0];
        let other = run(&estimate_program(&model, &Dsm::new(sigma).unwrap(), 4), &inputs)[0][0];
        assert_close(&format!("sigma {sigma}"), other, one / (2.0 * sigma * sigma), 1e-13);
    }
}

#[test]
fn rows_of_weight_zero_do_not_count() {
    let objective = Ncsn { levels: NoiseLevels::geometric(1.0, 0.01, 4).unwrap() };
    let model = Gaussian::new(0.3, 0.5, 3);
    let (x, padding) = (normals(7, 9), [1e3, -1e3, 50.0, 0.0, 1.0, 2.0]);
    let short = run(&estimate_program(&model, &objective, 3), &[float(&x), float(&[1.0; 3]), key(8, 9)]);
    let padded = [&x[..], &padding].concat();
    let inputs = [float(&padded), float(&[1.0, 1.0, 1.0, 0.0, 0.0]), key(8, 9)];
    assert_eq!(short, run(&estimate_program(&model, &objective, 5), &inputs));
}

#[test]
fn evaluation_shares_its_noise_with_training_and_depends_on_global_rows() {
    let model = Gaussian::new(0.3, 0.5, 3);
    let x = normals(10, 12);
    let program = evaluation_program(&model, &[], 4).unwrap();
    let rows = run(&program, &[float(&x), float(&[0.5; 4]), key(11, 0)]).remove(0);
    let one_level = Ncsn { levels: NoiseLevels::new(vec![0.5]).unwrap() };
    let trained = run(&estimate_program(&model, &one_level, 4), &[float(&x), float(&[1.0; 4]), key(11, 0)]);
    assert_close("mean of rows", traced::mean(&rows), trained[0][0], 1e-14);
    let second_half = evaluation_program(&model, &[], 2).unwrap();
    let later = Value::Key(enscore_program::random::Key { seed: 11, step: 0, row: 2 });
    assert_eq!(run(&second_half, &[float(&x[6..]), float(&[0.5; 2]), later])[0], rows[2..]);
}

#[test]
fn a_noise_level_that_is_not_positive_is_refused() {
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Dsm::new(sigma).unwrap_err().to_string().contains("sigma"));
    }
}
