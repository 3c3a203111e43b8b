//! Baselines: fits of known rows, sums over all states, draws against the density.

use crate::common::traced::{all_states, float, normals, run};
use enscore::executor::{Weights, default_executor};
use enscore::model::{
    BernoulliMixture, Covariance, GaussianMixtureModel, KernelDensity, KernelShape, LogDensity, Network,
    Normalised, parameters_of, trace,
};
use enscore_program::{Kind, Value};

fn log_density(model: &dyn LogDensity, values: &[Vec<f32>], rows: &[f64]) -> Vec<f64> {
    let d: usize = model.row_shape().iter().product();
    let (program, _) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[rows.len() / d, d]);
        vec![("f".to_string(), model.log_density(parameters, x))]
    })
    .unwrap();
    let wide = |values: &Vec<f32>| float(&values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
    let inputs: Vec<Value> = std::iter::once(float(rows)).chain(values.iter().map(wide)).collect();
    run(&program, &inputs).remove(0)
}

fn drawn(model: impl Normalised + Clone + 'static, values: &[Vec<f32>], n: usize) -> Vec<f64> {
    let parameters = parameters_of(&Network::Normalised(Box::new(model.clone()))).unwrap();
    let weights = Weights::upload(&*default_executor(), &parameters, values).unwrap();
    let mut draws = model.draws(&weights, 7).unwrap();
    assert_eq!(draws.places(), 1);
    draws.start(0..n).unwrap();
    draws.advance(0..1).unwrap();
    draws.rows().into_iter().map(f64::from).collect()
}

/// The mean of ln p over draws beside the same over a grid of the plane.
#[test]
fn densities_of_the_plane_are_normalised_and_drawn_from() {
    let rows: Vec<f64> = normals(5, 200)
        .chunks(2)
        .enumerate()
        .flat_map(|(i, z)| [z[0] * 0.4 + (i % 3) as f64, 0.7 * z[1] + 0.5 * z[0]])
        .collect();
    let mixture = |covariance| GaussianMixtureModel::new(&[2], 3, covariance).unwrap();
    let kernels =
        KernelDensity::new(&[2], 100, enscore::model::Bandwidth::Silverman, KernelShape::Covariance);
    check(mixture(Covariance::Full), &rows);
    check(mixture(Covariance::Diagonal), &rows);
    check(mixture(Covariance::Isotropic), &rows);
    check(kernels.unwrap(), &rows);
}

fn check(model: impl Normalised + Clone + std::fmt::Debug + 'static, rows: &[f64]) {
    let fitted = model.fitted().unwrap();
    let mut pass = fitted.pass(rows, None, 3).unwrap();
    for _ in 0..10 {
        let next = fitted.pass(rows, Some(&pass.values), 3).unwrap();
        assert!(next.log_likelihood >= pass.log_likelihood - 1e-5, "{model:?}");
        pass = next;
    }
    let h = 0.05;
    let grid: Vec<f64> = (-140..=180)
        .flat_map(|i| (-140..=140).flat_map(move |j| [h * f64::from(i), h * f64::from(j)]))
        .collect();
    let f = log_density(&model, &pass.values, &grid);
    let p: Vec<f64> = f.iter().map(|f| h * h * f.exp()).collect();
    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-3, "{model:?}: {}", p.iter().sum::<f64>());
    let moment =
        |k: i32| -> f64 { p.iter().zip(&f).filter(|(p, _)| **p > 0.0).map(|(p, f)| p * f.powi(k)).sum() };
    let n = 20_000;
    let own = log_density(&model, &pass.values, &drawn(model.clone(), &pass.values, n));
    let mean = own.iter().sum::<f64>() / n as f64;
    let error = ((moment(2) - moment(1).powi(2)) / n as f64).sqrt();
    assert!((mean - moment(1)).abs() < 5.0 * error + 1e-3, "{model:?}: {mean}, {}", moment(1));
}

/// Two clusters of bits are found, probabilities of all states sum to 1, draws have them.
#[test]
fn mixtures_of_bits_find_clusters() {
    let d = 5;
    let low = |i: usize| f64::from(u8::from(i.is_multiple_of(7)));
    let rows: Vec<f64> = (0..300)
        .flat_map(|row| (0..d).map(move |i| if row % 2 == 0 { low(row + i) } else { 1.0 - low(row + 2 * i) }))
        .collect();
    let model = BernoulliMixture::new(&[d], 2).unwrap();
    let fitted = model.fitted().unwrap();
    let mut pass = fitted.pass(&rows, None, 0).unwrap();
    for _ in 0..40 {
        pass = fitted.pass(&rows, Some(&pass.values), 0).unwrap();
    }
    let weights: Vec<f32> = pass.values[0].iter().map(|w| w.exp()).collect();
    assert!(weights.iter().all(|w| (w - 0.5).abs() < 0.02), "{weights:?}");
    let one = BernoulliMixture::new(&[d], 1).unwrap();
    let of_one = one.fitted().unwrap().pass(&rows, None, 0).unwrap();
    assert!(pass.log_likelihood > of_one.log_likelihood + 0.5);
    let states = all_states(d, 2);
    let p: Vec<f64> = log_density(&model, &pass.values, &states).into_iter().map(f64::exp).collect();
    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    let n = 20_000;
    let found = drawn(model, &pass.values, n);
    for (p, state) in p.iter().zip(states.chunks(d)) {
        let share = found.chunks(d).filter(|row| *row == state).count() as f64 / n as f64;
        assert!((share - p).abs() < 5.0 * (p / n as f64).sqrt() + 1e-4, "{state:?}: {share}, {p}");
    }
}
