//! Every consistent objective finds the mean and the precision of a Gaussian in 2, 10 and 50 dimensions: the
//! minimiser of its loss on fixed rows and draws differs from the truth by at most five standard errors. A
//! new objective joins by one line of `OBJECTIVES`.
//!
//! The energy is f = -x'Px/2 + h'x, in which every loss here is convex; its mean is P⁻¹h. A network without
//! hidden layers is the same as a score. Denoising finds the Gaussian with noise, of precision (Σ + σ² I)⁻¹.
//! Against uniform noise the data must lie in the box; beyond a few dimensions hardly a noise row falls where
//! the data are, so that it is tried in two only. In 50 dimensions the losses with the least noise are tried,
//! and exact score matching against its closed form. Contrastive divergence has no loss to minimise:
//! `contrastive_chains.rs` has its recovery.

use crate::common::recovery::{AffineScore, Fit, Target, moments, normals};
use enscore::model::{Activation, Gaussian, GaussianEnergy, LogDensity, Mlp, Network, Uniform};
use enscore::objective::{
    Directions, Dsm, EnergyDiscrepancy, LOG_Z, Noise, NoiseContrastive, Objective, ScoreMatching,
    SlicedScoreMatching,
};
use enscore_program::{Initial, Parameters, Var};
use nalgebra::{DMatrix, DVector};

type Make = fn(&Target) -> Box<dyn Objective<Network>>;

/// What is tried: the name, the objective, the standard deviation of the noise that it adds to the data, the
/// dimensions, and whether it trains scores too.
const OBJECTIVES: &[(&str, Make, f64, &[usize], bool)] = &[
    ("sm", |_| Box::new(ScoreMatching { tangents: 0 }), 0.0, &[2, 10], true),
    ("sm, 3 tangents", |_| Box::new(ScoreMatching { tangents: 3 }), 0.0, &[10], true),
    ("ssm, signs", |_| sliced(1, Directions::Rademacher, false), 0.0, ALL, true),
    ("ssm, normal", |_| sliced(1, Directions::Gaussian, false), 0.0, &[2, 10], true),
    ("ssm, sphere", |_| sliced(1, Directions::Sphere, false), 0.0, &[2, 10], true),
    ("ssm, 4 signs", |_| sliced(4, Directions::Rademacher, false), 0.0, &[2, 10], true),
    ("ssm-vr, signs", |_| sliced(1, Directions::Rademacher, true), 0.0, ALL, true),
    ("ssm-vr, sphere", |_| sliced(1, Directions::Sphere, true), 0.0, &[2, 10], true),
    ("dsm, 0.3", |_| Box::new(Dsm::new(0.3).unwrap()), 0.3, ALL, true),
    ("dsm, 1", |_| Box::new(Dsm::new(1.0).unwrap()), 1.0, &[2, 10], true),
    ("nce, 1", |target| against_gaussian(target, 1), 0.0, ALL, false),
    ("nce, 4", |target| against_gaussian(target, 4), 0.0, &[2, 10], false),
    ("ed, 4", |_| discrepancy(0.7, 4), 0.0, &[2, 10], false),
    ("ed, 16", |_| discrepancy(1.5, 16), 0.0, &[2], false),
    ("nce, box", |target| against_box(target), 0.0, &[2], false),
];
const ALL: &[usize] = &[2, 10, 50];

fn sliced(
    projections: usize,
    directions: Directions,
    variance_reduction: bool,
) -> Box<dyn Objective<Network>> {
    Box::new(SlicedScoreMatching { projections, directions, variance_reduction })
}

/// With w = 1, at which the minimiser is exact for any number of candidates.
fn discrepancy(sigma: f64, samples: usize) -> Box<dyn Objective<Network>> {
    Box::new(EnergyDiscrepancy { sigma, samples, stabiliser: 1.0 })
}

/// Noise that is wider than the data and lies beside them.
fn noise_moments(target: &Target) -> (DVector<f64>, DMatrix<f64>) {
    (target.mean.add_scalar(0.1), target.covariance() * 1.3)
}

fn against_gaussian(target: &Target, ratio: usize) -> Box<dyn Objective<Network>> {
    let (mean, covariance) = noise_moments(target);
    let noise = Gaussian::new(&[mean.len()], mean.as_slice(), covariance.as_slice()).unwrap();
    Box::new(NoiseContrastive { noise: Noise::new(noise), ratio, log_z: 0.0 })
}

fn contrastive(name: &str) -> bool {
    name.starts_with("nce")
}

/// The parameters of [`Tilted`], and log Z, at which it is that noise.
fn tilted_noise(target: &Target) -> Vec<(&'static str, Vec<f64>)> {
    let (mean, covariance) = noise_moments(target);
    let slope = covariance.clone().try_inverse().unwrap() * &mean;
    let precision = covariance.clone().try_inverse().unwrap().as_slice().to_vec();
    let log_z = log_z(&mean, &covariance);
    vec![("slope", slope.as_slice().to_vec()), ("precision", precision), (LOG_Z, vec![log_z])]
}

/// ln ∫ exp(-x'Px/2 + h'x) dx with P = Σ⁻¹, h = P m: m'P m/2 + (d/2) ln 2π + (1/2) ln det Σ.
fn log_z(mean: &DVector<f64>, covariance: &DMatrix<f64>) -> f64 {
    let factor = covariance.clone().cholesky().unwrap();
    let ln_det = 2.0 * factor.l().diagonal().iter().map(|l| l.ln()).sum::<f64>();
    0.5 * (mean.dot(&factor.solve(mean)) + mean.len() as f64 * std::f64::consts::TAU.ln() + ln_det)
}

/// A box of six standard deviations about the mean, which holds all but 1 in 10⁸ rows.
fn against_box(target: &Target) -> Box<dyn Objective<Network>> {
    let reach = target.covariance().diagonal().map(|v| 6.0 * v.sqrt());
    let (low, high) = (&target.mean - &reach, &target.mean + &reach);
    let noise = Uniform::new(&[low.len()], low.as_slice(), high.as_slice()).unwrap();
    Box::new(NoiseContrastive { noise: Noise::new(noise), ratio: 4, log_z: 0.0 })
}

/// f = -x'Px/2 + h'x: the library's quadratic energy about 0, and a slope.
struct Tilted(GaussianEnergy);

impl LogDensity for Tilted {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let d = x.extent(1);
        parameters.fix("mean", x.scope().constant(0.0).broadcast_to(&[d]));
        let slope = parameters.get("slope", &[d], Initial::Constant(0.0));
        self.0.log_density(parameters, x) + (x * slope).sum(&[1])
    }

    fn row_shape(&self) -> &[usize] {
        self.0.row_shape()
    }
}

fn energy(d: usize) -> Network {
    Network::Energy(Box::new(Tilted(GaussianEnergy::new(&[d]).unwrap())))
}

fn affine(d: usize) -> Network {
    Network::Score(Box::new(Mlp::new(&[d], &[], Activation::Silu, 0, 1.0).unwrap()))
}

/// Rows: so many that the second order of the error, p/n for p parameters, is below its standard error.
fn rows(d: usize) -> usize {
    if d > 10 { 16 * 1024 } else { 16 * 320 }
}

/// Coefficients (u, V) of numbers u's(m) + <V, P>, of which the error is measured: mean and precision along
/// random directions, and two entries of the precision. u = Σ w makes the first the error of w'm̂.
fn numbers(target: &Target, covariance: &DMatrix<f64>) -> Vec<(&'static str, DVector<f64>, DMatrix<f64>)> {
    let d = target.dimensions();
    let z = normals(900_202, d * d + d);
    let (none, nothing) = (DVector::zeros(d), DMatrix::zeros(d, d));
    let entry = |j: usize, k: usize| DMatrix::from_fn(d, d, |a, b| f64::from(u8::from((a, b) == (j, k))));
    vec![
        ("m along a direction", covariance * DVector::from_column_slice(&z[d * d..]), nothing),
        ("P[0, 0]", none.clone(), entry(0, 0)),
        ("P[1, 0]", none.clone(), entry(1, 0)),
        ("P along a direction", none, DMatrix::from_column_slice(d, d, &z[..d * d])),
    ]
}

/// The largest error of [`numbers`] in standard errors; fails beyond five, or where standard errors would
/// hide a factor of two.
fn check(name: &str, target: &Target, model: &Network, objective: &dyn Objective<Network>, sigma: f64) {
    let d = target.dimensions();
    let covariance = target.covariance() + DMatrix::identity(d, d) * sigma * sigma;
    let precision = covariance.clone().try_inverse().unwrap();
    let data = target.draw(rows(d));
    let began = std::time::Instant::now();
    let mut fit = Fit::new(model, objective, &data);
    // Every loss is convex, so that where it starts only costs time: against noise, at the noise, which
    // nothing tells apart.
    let start = if contrastive(name) { tilted_noise(target) } else { Vec::new() };
    let theta = fit.minimise(1e-3, &start);
    let score = AffineScore::of(&fit, if sigma > 0.0 { sigma } else { 1.0 });
    let (at_mean, found) = score.read(&theta, &target.mean);
    let mut worst: f64 = 0.0;
    let mut of_first = 0.0;
    for (what, u, v) in numbers(target, &covariance) {
        let error = u.dot(&at_mean) + v.dot(&(&found - &precision));
        let gradient = score.gradient(&theta, &target.mean, &u, &v);
        let std_err = fit.std_err(&theta, &gradient);
        let errors = error / std_err;
        assert!(errors.abs() < 5.0, "{name}, d = {d}: {what} off by {error}, {errors:.1} standard errors");
        worst = worst.max(errors.abs());
        if what == "P[0, 0]" {
            of_first = std_err / precision[(0, 0)];
        }
    }
    // Half or twice the precision would be at least five standard errors off.
    assert!(of_first < 0.1, "{name}, d = {d}: the relative standard error is {of_first}");
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{name:>16}  d {d:>2}  worst {worst:.2} s.e.  s.e. of P[0,0] {of_first:.4} of it  {seconds:.2} s"
    );
    if let Some(log_z) = fit.scalar(LOG_Z, &theta) {
        check_log_z(&mut fit, &theta, log_z, target);
    }
}

/// c is log Z of the fitted energy's target.
fn check_log_z(fit: &mut Fit, theta: &[f64], found: f64, target: &Target) {
    let expected = log_z(&target.mean, &target.covariance());
    let mut along = vec![0.0; theta.len()];
    along[0] = 1.0;
    let errors = (found - expected) / fit.std_err(theta, &along);
    println!("{:>16}  log Z {found:.4}, exact {expected:.4}: {errors:.2} s.e.", "");
    assert!(errors.abs() < 5.0, "log Z {found}, exact {expected}: {errors:.1} standard errors");
}

fn check_all(d: usize) {
    let target = Target::new(d);
    for (name, make, sigma, dimensions, scores) in OBJECTIVES {
        if dimensions.contains(&d) {
            check(name, &target, &energy(d), &*make(&target), *sigma);
            if *scores && d <= 10 {
                check(&format!("{name}, net"), &target, &affine(d), &*make(&target), *sigma);
            }
        }
    }
}

#[test]
fn every_objective_recovers_a_gaussian_in_two_dimensions() {
    check_all(2);
}

#[test]
fn every_objective_recovers_a_gaussian_in_ten_dimensions() {
    check_all(10);
}

#[test]
fn every_objective_recovers_a_gaussian_in_fifty_dimensions() {
    check_all(50);
}

/// Exact score matching on given rows has a minimiser in closed form, that of maximum likelihood.
#[test]
fn exact_score_matching_is_maximum_likelihood() {
    for (d, tangents) in [(2, 0), (2, 1), (10, 0), (10, 4), (50, 0), (50, 7)] {
        let target = Target::new(d);
        let data = target.draw(16 * 16);
        let (mean, covariance) = moments(&data, d);
        let precision = covariance.try_inverse().unwrap();
        for model in [energy(d), affine(d)] {
            let objective = ScoreMatching { tangents };
            let mut fit = Fit::new(&model, &objective, &data);
            let theta = fit.minimise(1e-9, &[]);
            let (at_mean, found) = AffineScore::of(&fit, 1.0).read(&theta, &mean);
            let error = (&found - &precision).abs().max() / precision.abs().max();
            println!(
                "d {d}, {tangents} tangents: precision {error:.1e}, score at the mean {:.1e}",
                at_mean.abs().max()
            );
            assert!(error < 1e-6 && at_mean.abs().max() < 1e-6, "d {d}, {tangents} tangents: {error}");
        }
    }
}
