//! Flows: exact inverses, determinants against explicit Jacobians, densities that integrate to 1.

use crate::common::traced::{float, normals, run};
use enscore::model::{Flow, LogDensity, MultiScaleFlow, RealNvp, batch_shape, initialise, trace};
use enscore_program::{Kind, Parameter, Program, Value};
use nalgebra::DMatrix;

/// Programs over (weights, x, tangent): z, ln |det|, log p, T⁻¹(T(x)), T(T⁻¹(x)), ∂T/∂x · tangent.
fn programs(flow: &dyn Flow, batch: usize) -> (Program, Vec<Parameter>) {
    let shape = batch_shape(batch, flow.row_shape());
    trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &shape);
        let (z, ln_det) = flow.transform(parameters, x);
        let back = flow.invert(parameters, z);
        let again = flow.transform(parameters, flow.invert(parameters, x)).0;
        // Inputs come in the order of first use, so the tangent is last.
        let tangent = scope.input("tangent", Kind::Float, &shape);
        let along = scope.jvp(&[z], &[x], &[tangent])[0];
        let log_density = flow.log_density(parameters, x);
        let named =
            [("z", z), ("det", ln_det), ("p", log_density), ("back", back), ("again", again), ("jvp", along)];
        named.map(|(name, var)| (name.to_string(), var)).to_vec()
    })
    .unwrap()
}

/// Weights that leave nothing at 0 or 1.
fn weights(parameters: &[Parameter], size: f64) -> Vec<Vec<f64>> {
    let random = |(i, parameter): (usize, &Parameter)| -> Vec<f64> {
        normals(10 + i as u64, parameter.size()).into_iter().map(|z| size * z).collect()
    };
    parameters.iter().enumerate().map(random).collect()
}

/// The outputs of [`programs`] at x. The program's inputs are x, then weights, then the tangent.
fn outputs(program: &Program, weights: &[Vec<f64>], x: &[f64], tangent: &[f64]) -> Vec<Vec<f64>> {
    let inputs: Vec<Value> =
        [float(x)].into_iter().chain(weights.iter().map(|w| float(w))).chain([float(tangent)]).collect();
    run(program, &inputs)
}

fn real_nvp(row_shape: &[usize], couplings: usize) -> RealNvp {
    let row_len: usize = row_shape.iter().product();
    let mean: Vec<f64> = (0..row_len).map(|i| 0.3 * i as f64 - 0.5).collect();
    let deviation: Vec<f64> = (0..row_len).map(|i| 0.5 + 0.2 * i as f64).collect();
    RealNvp::new(row_shape, couplings, &[7, 5], &mean, &deviation).unwrap()
}

/// T⁻¹(T(x)) = x, T(T⁻¹(z)) = z, ln |det| of the Jacobian by its columns, log p = log N(z) + ln |det|.
fn check(flow: &dyn Flow, size: f64) {
    let row_len: usize = flow.row_shape().iter().product();
    let (program, parameters) = programs(flow, 1);
    let weights = weights(&parameters, size);
    let x = normals(1, row_len);
    let mut jacobian = DMatrix::zeros(row_len, row_len);
    let mut last = Vec::new();
    for column in 0..row_len {
        let tangent: Vec<f64> = (0..row_len).map(|i| f64::from(u8::from(i == column))).collect();
        last = outputs(&program, &weights, &x, &tangent);
        jacobian.column_mut(column).copy_from_slice(&last[5]);
    }
    let expected = jacobian.determinant().abs().ln();
    let det = last[1][0];
    assert!((det - expected).abs() < 1e-9 * (1.0 + expected.abs()), "ln |det|: {det}, Jacobian {expected}");
    for (what, found) in [("T⁻¹(T(x))", &last[3]), ("T(T⁻¹(x))", &last[4])] {
        let error = found.iter().zip(&x).map(|(f, x)| (f - x).abs()).fold(0.0, f64::max);
        assert!(error < 1e-10, "{what}: off by {error}");
    }
    let square: f64 = last[0].iter().map(|z| z * z).sum();
    let log_density = det - 0.5 * square - 0.5 * row_len as f64 * std::f64::consts::TAU.ln();
    assert!((last[2][0] - log_density).abs() < 1e-10, "{} {log_density}", last[2][0]);
    let moved = last[0].iter().zip(&x).all(|(z, x)| (z - x).abs() > 1e-6);
    assert!(moved, "every element is transformed");
}

#[test]
fn couplings_invert_and_know_their_determinant() {
    for (row_shape, couplings) in [(vec![2], 8), (vec![3], 5), (vec![7], 4), (vec![2, 2, 1], 4)] {
        check(&real_nvp(&row_shape, couplings), 0.5);
    }
}

fn multi_scale(row_shape: [usize; 3], scales: usize, couplings: usize) -> MultiScaleFlow {
    let row_len: usize = row_shape.iter().product();
    let mean: Vec<f64> = (0..row_len).map(|i| 0.02 * i as f64).collect();
    let deviation: Vec<f64> = (0..row_len).map(|i| 0.5 + 0.01 * i as f64).collect();
    MultiScaleFlow::new(row_shape, 3, scales, couplings, &mean, &deviation).unwrap()
}

#[test]
fn images_at_several_scales_invert_and_know_their_determinant() {
    for (row_shape, scales, couplings) in
        [([8, 8, 1], 2, 4), ([8, 8, 1], 3, 2), ([4, 6, 1], 1, 4), ([4, 4, 3], 2, 4)]
    {
        check(&multi_scale(row_shape, scales, couplings), 0.3);
        // Triangular matrices with large entries are ill-conditioned.
        check(&multi_scale(row_shape, scales, couplings).mixing_channels(), 0.1);
    }
}

/// Half of what the first scale has goes to the base: a change of the second scale's weights leaves it alone.
#[test]
fn each_scale_sends_half_to_the_base() {
    let flow = multi_scale([8, 8, 1], 2, 2);
    let (program, parameters) = programs(&flow, 1);
    let (x, zeros) = (normals(1, 64), vec![0.0; 64]);
    let mut weights = weights(&parameters, 0.3);
    let before = outputs(&program, &weights, &x, &zeros).remove(0);
    for (parameter, weights) in parameters.iter().zip(&mut weights) {
        if parameter.name.starts_with("scale.1.") {
            weights.iter_mut().for_each(|w| *w += 0.1);
        }
    }
    let after = outputs(&program, &weights, &x, &zeros).remove(0);
    let same = before.iter().zip(&after).filter(|(a, b)| a == b).count();
    assert_eq!(same, 32);
}

/// Fresh couplings are the identity: log p is that of the Gaussian with the data's mean and deviation.
#[test]
fn a_fresh_flow_is_the_standardised_gaussian() {
    let flow = RealNvp::new(&[2], 8, &[16], &[1.0, -2.0], &[0.5, 3.0]).unwrap();
    let (program, parameters) = programs(&flow, 1);
    let start = initialise(&parameters, 1);
    let start: Vec<Vec<f64>> = start.iter().map(|w| w.iter().map(|v| f64::from(*v)).collect()).collect();
    let found = outputs(&program, &start, &[1.5, 1.0], &[0.0; 2]);
    assert!((found[0][0] - 1.0).abs() < 1e-12 && (found[0][1] - 1.0).abs() < 1e-12, "{:?}", found[0]);
    let expected = -1.0 - std::f64::consts::TAU.ln() - 1.5f64.ln();
    assert!((found[2][0] - expected).abs() < 1e-12, "{} {expected}", found[2][0]);
}

/// The sum of p over a grid of this step in ±`bound`, for rows of two elements.
fn integral(flow: &dyn Flow, weights: &[Vec<f64>], bound: f64, step: f64) -> f64 {
    let side = (2.0 * bound / step) as usize;
    let (program, _) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[side, 2]);
        vec![("p".to_string(), flow.log_density(parameters, x))]
    })
    .unwrap();
    let at = |i: usize| -bound + step * (i as f64 + 0.5);
    let column = |i: usize| {
        let x: Vec<f64> = (0..side).flat_map(|j| [at(i), at(j)]).collect();
        let inputs: Vec<Value> = [float(&x)].into_iter().chain(weights.iter().map(|w| float(w))).collect();
        run(&program, &inputs)[0].iter().map(|p| p.exp()).sum::<f64>()
    };
    (0..side).map(column).sum::<f64>() * step * step
}

#[test]
fn densities_integrate_to_one() {
    let flow = RealNvp::new(&[2], 4, &[5], &[0.2, -0.1], &[0.8, 1.3]).unwrap();
    let (_, parameters) = programs(&flow, 1);
    let found = integral(&flow, &weights(&parameters, 0.4), 12.0, 0.04);
    assert!((found - 1.0).abs() < 1e-4, "{found}");
}

/// Four pixels, by quadrature over a grid of four dimensions.
#[test]
fn a_density_of_images_integrates_to_one() {
    let flow = MultiScaleFlow::new([2, 2, 1], 3, 1, 4, &[0.1; 4], &[0.7; 4]).unwrap();
    let (_, parameters) = programs(&flow, 1);
    let weights = weights(&parameters, 0.25);
    let (side, bound) = (24usize, 4.5);
    let step = 2.0 * bound / side as f64;
    let at = |i: usize| -bound + step * (i as f64 + 0.5);
    let (program, _) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[side * side, 2, 2, 1]);
        vec![("p".to_string(), flow.log_density(parameters, x))]
    })
    .unwrap();
    let mut sum = 0.0;
    for i in 0..side * side {
        let row = |j: usize| [at(i / side), at(i % side), at(j / side), at(j % side)];
        let x: Vec<f64> = (0..side * side).flat_map(row).collect();
        let inputs: Vec<Value> = [float(&x)].into_iter().chain(weights.iter().map(|w| float(w))).collect();
        sum += run(&program, &inputs)[0].iter().map(|p| p.exp()).sum::<f64>();
    }
    let integral = sum * step.powi(4);
    assert!((integral - 1.0).abs() < 1e-2, "{integral}");
}

#[test]
fn images_that_the_scales_cannot_halve_are_refused() {
    let refuse = |row_shape: [usize; 3], scales| {
        let row_len = row_shape.iter().product();
        let (mean, deviation) = (vec![0.0; row_len], vec![1.0; row_len]);
        MultiScaleFlow::new(row_shape, 4, scales, 4, &mean, &deviation).unwrap_err().to_string()
    };
    assert!(refuse([28, 28, 1], 3).contains("set model.scales to at most 2"));
    assert!(refuse([7, 8, 1], 1).contains("real-nvp"));
    assert!(refuse([8, 8, 1], 0).contains("scales"));
    assert!(refuse([8, 8, 0], 1).contains("8x8x0"));
}

#[test]
fn what_no_coupling_can_do_is_refused() {
    let refuse = |row_shape: &[usize], couplings, hidden: &[usize], mean: &[f64], deviation: &[f64]| {
        RealNvp::new(row_shape, couplings, hidden, mean, deviation).unwrap_err().to_string()
    };
    assert!(refuse(&[1], 4, &[8], &[0.0], &[1.0]).contains("at least 2 elements"));
    assert!(refuse(&[2], 0, &[8], &[0.0; 2], &[1.0; 2]).contains("couplings"));
    assert!(refuse(&[2], 4, &[0], &[0.0; 2], &[1.0; 2]).contains("hidden"));
    assert!(refuse(&[2], 4, &[8], &[], &[]).contains("mean and standard deviation"));
    assert!(refuse(&[2], 4, &[8], &[0.0, f64::NAN], &[1.0; 2]).contains("mean"));
    assert!(refuse(&[2], 4, &[8], &[0.0; 2], &[1.0, -1.0]).contains("deviation"));
    assert!(refuse(&[2], 4, &[8], &[0.0; 2], &[0.0; 2]).contains("constant"));
    assert!(RealNvp::new(&[2], 4, &[8], &[0.0; 2], &[1.0, 0.0]).is_ok());
}
