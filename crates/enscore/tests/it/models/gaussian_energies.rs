//! Energies with known normalisers against their closed forms, and their scores against central differences.

use crate::common::traced::{float, normals, run};
use enscore::model::{
    Differentiated, GaussianEnergy, GaussianMixture, GaussianMixtureEnergy, LogDensity, Score, batch_shape,
    initialise, trace,
};
use enscore_program::{Kind, Parameter};

/// f and its score at x with these weights, by one program; without weights, those of the start.
fn evaluate<M: LogDensity + Clone>(model: &M, weights: Option<&[Vec<f64>]>, x: &[f64]) -> [Vec<f64>; 2] {
    let row_len: usize = model.row_shape().iter().product();
    let (program, parameters) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(x.len() / row_len, model.row_shape()));
        let sigma = scope.constant(1.0).broadcast_to(&[x.extent(0)]);
        let score = Differentiated(model.clone()).score(parameters, x, sigma);
        vec![("f".to_string(), model.log_density(parameters, x)), ("score".to_string(), score)]
    })
    .unwrap();
    let start = |parameters: &[Parameter]| -> Vec<Vec<f64>> {
        initialise(parameters, 1).iter().map(|w| w.iter().map(|v| f64::from(*v)).collect()).collect()
    };
    let weights = weights.map_or_else(|| start(&parameters), <[_]>::to_vec);
    let inputs: Vec<_> = [float(x)].into_iter().chain(weights.iter().map(|w| float(w))).collect();
    let outputs = run(&program, &inputs);
    [outputs[0].clone(), outputs[1].clone()]
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < tolerance, "found {found}, expected {expected}");
    }
}

/// The slopes of f along each element by central differences.
fn differences(f: impl Fn(&[f64]) -> f64, x: &[f64]) -> Vec<f64> {
    let step = 1e-5;
    let slope = |i: usize| {
        let at = |h: f64| {
            let mut moved = x.to_vec();
            moved[i] += h;
            f(&moved)
        };
        (at(step) - at(-step)) / (2.0 * step)
    };
    (0..x.len()).map(slope).collect()
}

#[test]
fn the_quadratic_energy_sees_the_symmetric_part() {
    let model = GaussianEnergy::new(&[2]).unwrap();
    let x = [1.0, 2.0, -0.5, 0.25];
    let weights = [vec![0.5, 1.0], vec![2.0, 0.9, 0.3, 1.5]];
    // P = [[2, 0.6], [0.6, 1.5]].
    let of_row = |x: &[f64]| {
        let (u, v) = (x[0] - 0.5, x[1] - 1.0);
        (-0.5 * (2.0 * u * u + 1.2 * u * v + 1.5 * v * v), [-(2.0 * u + 0.6 * v), -(0.6 * u + 1.5 * v)])
    };
    let rows: Vec<_> = x.chunks(2).map(of_row).collect();
    let [f, score] = evaluate(&model, Some(&weights), &x);
    assert_near(&f, &[rows[0].0, rows[1].0], 1e-13);
    assert_near(&score, &[rows[0].1, rows[1].1].concat(), 1e-13);
}

#[test]
fn the_quadratic_energy_starts_standard_normal() {
    let image = GaussianEnergy::new(&[2, 1, 2]).unwrap();
    let x = [1.0, -2.0, 0.5, 3.0];
    let [f, score] = evaluate(&image, None, &x);
    assert_near(&f, &[-0.5 * (1.0 + 4.0 + 0.25 + 9.0)], 1e-12);
    assert_near(&score, &x.map(|x| -x), 1e-12);
    assert!(GaussianEnergy::new(&[0]).is_err());
}

/// With the logits at the logarithms of weights of sum 1 it is the normalised mixture; a shift of all adds
/// log Z.
#[test]
fn the_mixture_energy_is_the_mixture_with_its_mass() {
    let model = GaussianMixtureEnergy::new(&[2], 2, 1.0).unwrap();
    let means = [0.0, 1.0, -2.0, 0.5];
    let weights = [0.3f64, 0.7];
    let logits = weights.map(|w| w.ln() + 1.25).to_vec();
    let x = normals(2, 6);
    let values = [logits, means.to_vec(), vec![0.8f64.ln(); 2]];
    let [f, score] = evaluate(&model, Some(&values), &x);
    let truth = GaussianMixture::isotropic(&[2], &weights, &means, 0.8).unwrap();
    let expected: Vec<f64> = x.chunks(2).map(|row| truth.log_density_of(row) + 1.25).collect();
    assert_near(&f, &expected, 1e-12);
    let slopes: Vec<f64> =
        x.chunks(2).flat_map(|row| differences(|row| truth.log_density_of(row), row)).collect();
    assert_near(&score, &slopes, 1e-8);
    // Another variance for each component.
    let values = [vec![0.0, -1.0], vec![0.0; 4], vec![0.0, 4f64.ln()]];
    let peak = (1.0 + (-1f64).exp() / 4.0).ln() - std::f64::consts::TAU.ln();
    assert_near(&evaluate(&model, Some(&values), &[0.0, 0.0])[0], &[peak], 1e-12);
    assert!(GaussianMixtureEnergy::new(&[2], 0, 1.0).is_err());
    assert!(GaussianMixtureEnergy::new(&[2], 2, 0.0).is_err());
}
