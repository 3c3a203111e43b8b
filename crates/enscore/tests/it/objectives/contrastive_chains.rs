//! Contrastive divergence on a Gaussian, where Langevin chains have closed forms.
//!
//! Chains of x' = x + a s(x) + √(2a) z on the energy of precision λ take a variance v₀ to
//!
//! ```text
//! v_k = α^2k v₀ + (1 - α^2k) V,    α = 1 - aλ,    V = 1 / (λ (1 - aλ/2)),
//! ```
//!
//! so that the expected gradient of the loss in λ is (v - v_k)/2 for data of variance v. Without a step of
//! rejection V is not 1/λ: where learning stops, λ (1 - aλ/2) = 1/v. Of chains from the data, α shrinks the
//! gradient by 1 - α^2k and leaves its zero where it is for every k; chains from elsewhere have their start
//! in v_k, and learn what k steps from there reach.

use crate::common::recovery::{Target, moments};
use enscore::mcmc::langevin_program;
use enscore::model::{GaussianEnergy, Network};
use enscore::objective::{Batch, ContrastiveDivergence, Objective};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::random::{Key, normal_row};
use enscore_program::{Kind, Parameter};
use nalgebra::{DMatrix, DVector};

/// The library's Langevin transition and the gradient of its objective for n data rows and as many chains.
struct Divergence {
    step: Executable<f64>,
    gradient: Executable<f64>,
    d: usize,
    steps: u64,
}

impl Divergence {
    fn new(d: usize, n: usize) -> Divergence {
        let model = Network::Energy(Box::new(GaussianEnergy::new(&[d]).unwrap()));
        let (program, parameters) = enscore::model::trace(&parameters(d), |scope, parameters| {
            let batch = Batch {
                x: scope.input("x", Kind::Float, &[n, d]),
                weights: scope.input("weights", Kind::Float, &[n]),
                key: scope.input("key", Kind::Key, &[]),
                chains: Some(scope.input("chains", Kind::Float, &[n, d])),
            };
            let estimate = ContrastiveDivergence::default().estimate(&model, parameters, &batch);
            let values: Vec<_> = parameters.declared().into_iter().map(|(_, var)| var).collect();
            let gradient = scope.gradient(estimate.optimised, &values);
            gradient.into_iter().map(|var| (String::new(), var)).collect()
        })
        .unwrap();
        let step = langevin_program(&model, &parameters, n).unwrap();
        let compile = |program| Executable::compile(program, Options::default()).unwrap();
        Divergence { step: compile(&step), gradient: compile(&program), d, steps: 0 }
    }

    /// Moves chains by k steps of size a.
    fn advance(&mut self, chains: &mut Vec<f64>, [mean, precision]: [&[f64]; 2], a: f64, k: u64) {
        let scalars = [[1.0], [a], [(2.0 * a).sqrt()]];
        for _ in 0..k {
            self.steps += 1;
            let mut inputs = vec![Argument::Float(mean), Argument::Float(precision), Argument::Float(chains)];
            inputs.extend(scalars.iter().map(|scalar| Argument::Float(scalar)));
            inputs.push(Argument::Key(Key::new(5, self.steps)));
            let mut moved = vec![0.0; chains.len()];
            self.step.run(&inputs, &mut [&mut moved]).unwrap();
            *chains = moved;
        }
    }

    /// The gradient in mean and precision.
    fn gradient(&mut self, data: &[f64], chains: &[f64], [mean, precision]: [&[f64]; 2]) -> [Vec<f64>; 2] {
        let weights = vec![1.0; data.len() / self.d];
        let inputs = [mean, precision, data, &weights].map(Argument::Float);
        let inputs = [&inputs[..], &[Argument::Key(Key::new(6, 0)), Argument::Float(chains)]].concat();
        let (mut of_mean, mut of_precision) = (vec![0.0; self.d], vec![0.0; self.d * self.d]);
        self.gradient.run(&inputs, &mut [&mut of_mean, &mut of_precision]).unwrap();
        [of_mean, of_precision]
    }
}

fn parameters(d: usize) -> Vec<Parameter> {
    let parameter = |name: &str, shape: &[usize]| Parameter {
        name: name.to_string(),
        shape: shape.to_vec(),
        initial: enscore_program::Initial::Constant(0.0),
    };
    vec![parameter("mean", &[d]), parameter("precision", &[d, d])]
}

fn gaussian_rows(stream: u32, n: usize, variance: f64) -> Vec<f64> {
    let mut z = vec![0.0; n];
    normal_row(Key::new(9, 0), stream, 0, &mut z);
    z.iter().map(|z| z * variance.sqrt()).collect()
}

/// The variance after k steps on the energy of precision λ, from v₀.
fn after(k: u64, a: f64, precision: f64, start: f64) -> f64 {
    let kept = (1.0 - a * precision).powi(2 * k as i32);
    kept * start + (1.0 - kept) / (precision * (1.0 - 0.5 * a * precision))
}

/// The precision at which [`after`] gives back v: by bisection, since the variance falls with the precision
/// below 1/a.
fn learnt(k: u64, a: f64, v: f64, start: impl Fn() -> f64) -> f64 {
    let (mut low, mut high) = (1e-6, 1.0 / a);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if after(k, a, middle, start()) > v { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

const ROWS: usize = 100_000;

/// The gradient at several precisions and k against its closed form; its standard error is that of two sample
/// variances.
#[test]
fn the_bias_of_short_chains_is_the_closed_form() {
    let (v, a) = (0.8, 0.1);
    let mut divergence = Divergence::new(1, ROWS);
    let data = gaussian_rows(900_310, ROWS, v);
    let elsewhere = gaussian_rows(900_311, ROWS, 3.0);
    println!("data of variance {v}, steps of {a}; true precision {:.4}", 1.0 / v);
    println!("  k  start  precision  gradient  exact    s.e.   of maximum likelihood  learnt precision");
    for k in [1, 5, 20] {
        for (name, start, first) in [("data", &data, v), ("noise", &elsewhere, 3.0)] {
            let fixed = learnt(k, a, v, || first);
            for precision in [0.7, 1.0 / v, 2.0] {
                let theta = [&[0.0][..], &[precision]];
                let mut chains = start.clone();
                divergence.advance(&mut chains, theta, a, k);
                let found = divergence.gradient(&data, &chains, theta)[1][0];
                let there = after(k, a, precision, first);
                let expected = 0.5 * (v - there);
                // Squares of jointly normal x and x': Var(x² - x'²) = 2 v² + 2 v_k² - 4 Cov(x, x')².
                let shared = if name == "data" { (1.0 - a * precision).powi(k as i32) * v } else { 0.0 };
                let square = 2.0 * (v * v + there * there) - 4.0 * shared * shared;
                let error = 0.5 * (square / ROWS as f64).sqrt();
                let likelihood = 0.5 * (v - 1.0 / precision);
                println!(
                    "{k:>3}  {name:>5}  {precision:>9.3}  {found:>8.4}  {expected:>7.4}  {error:.4}  {likelihood:>21.4}  {fixed:>16.4}"
                );
                assert!((found - expected).abs() < 5.0 * error, "k {k}, {name}: {found}, exact {expected}");
                if name == "data" && precision != 1.0 / v {
                    assert!(
                        found * likelihood > 0.0,
                        "from the data the gradient has the sign of the likelihood's"
                    );
                    assert!(found.abs() < likelihood.abs() + 5.0 * error, "and is no larger");
                }
            }
        }
        // From the data every k stops at the same place, above the truth by about aλ/2 of it.
        let fixed = learnt(k, a, v, || v);
        let exact = (1.0 - (1.0 - 2.0 * a / v).sqrt()) / a;
        assert!((fixed - exact).abs() < 1e-9, "{fixed} {exact}");
        assert!((fixed * v - 1.0 - 0.5 * a / v).abs() < 0.01);
    }
    let [short, long] = [1, 20].map(|k| learnt(k, a, v, || 3.0) * v);
    assert!(short > 1.5 && (long - learnt(20, a, v, || v) * v).abs() < 0.05, "{short} {long}");
}

/// P (1 - aP/2) = Σ⁻¹, solved for P: where chains of steps a match the data's covariance.
fn stationary_precision(covariance: &DMatrix<f64>, a: f64) -> DMatrix<f64> {
    let eigen = covariance.clone().symmetric_eigen();
    let of = eigen.eigenvalues.map(|v| (1.0 - (1.0 - 2.0 * a / v).sqrt()) / a);
    &eigen.eigenvectors * DMatrix::from_diagonal(&of) * eigen.eigenvectors.transpose()
}

/// Persistent chains, Langevin steps and the objective's gradient, preconditioned as natural gradients of a
/// Gaussian are: δm = P⁻¹ g_m, δP = 2 P g_P P. Rates fall; the last half of the steps is averaged. What is
/// left beside the rows' own error, against which it is measured, is the chains' noise, of which the average
/// makes little.
#[test]
fn long_chains_recover_a_gaussian() {
    let (a, n) = (0.05, 2000);
    for (d, updates) in [(2, 300), (10, 300), (50, 240)] {
        let target = Target::new(d);
        let data = target.draw(n);
        let (data_mean, data_covariance) = moments(&data, d);
        let mut divergence = Divergence::new(d, n);
        let (mut mean, mut precision) = (DVector::zeros(d), DMatrix::identity(d, d));
        let (mut average_mean, mut average) = (DVector::zeros(d), DMatrix::zeros(d, d));
        let mut chains = data.clone();
        for update in 0..updates {
            let theta = [mean.as_slice().to_vec(), precision.as_slice().to_vec()];
            let views = [&theta[0][..], &theta[1][..]];
            divergence.advance(&mut chains, views, a, 6);
            let [of_mean, of_precision] = divergence.gradient(&data, &chains, views);
            // Where the chains have settled a step of rate 1 would be Newton's.
            let rate = 0.3 / (1.0 + update as f64 / 40.0);
            let of_precision = DMatrix::from_row_slice(d, d, &of_precision);
            let inverse = precision.clone().try_inverse().unwrap();
            mean -= inverse * DVector::from_vec(of_mean) * rate;
            precision -= &precision * of_precision * &precision * (2.0 * rate);
            precision = (&precision + precision.transpose()) * 0.5;
            if update >= updates / 2 {
                let share = 1.0 / (updates - updates / 2) as f64;
                average_mean += &mean * share;
                average += &precision * share;
            }
        }
        // The precision's entries have the standard errors √((P_jj P_kk + P_jk²)/n), the mean's √(Σ_jj/n).
        let expected = stationary_precision(&target.covariance(), a);
        let of_rows = stationary_precision(&data_covariance, a);
        let error = |p: &DMatrix<f64>, j: usize, k: usize| {
            let width = ((expected[(j, j)] * expected[(k, k)] + expected[(j, k)].powi(2)) / n as f64).sqrt();
            (average[(j, k)] - p[(j, k)]).abs() / width
        };
        let worst = |p: &DMatrix<f64>| {
            (0..d).flat_map(|j| (0..d).map(move |k| (j, k))).map(|(j, k)| error(p, j, k)).fold(0.0, f64::max)
        };
        let of_mean = |m: &DVector<f64>| {
            (0..d)
                .map(|j| (average_mean[j] - m[j]).abs() / (target.covariance()[(j, j)] / n as f64).sqrt())
                .fold(0.0, f64::max)
        };
        let truth = target.covariance().try_inverse().unwrap();
        let bias = expected.trace() / truth.trace() - 1.0;
        println!(
            "d {d:>2}: from the truth with the steps' bias ({:.1} %) precision {:.2}, mean {:.2} s.e. at worst; from maximum likelihood {:.2}, {:.2}",
            100.0 * bias,
            worst(&expected),
            of_mean(&target.mean),
            worst(&of_rows),
            of_mean(&data_mean),
        );
        // The inverse of a sample's covariance is too large by about d/n, beside its error of √(2/n) on the
        // diagonal.
        let allowed = 5.0 + d as f64 / (2.0 * n as f64).sqrt();
        assert!(worst(&expected) < allowed && of_mean(&target.mean) < 5.0, "d {d}");
        assert!(worst(&of_rows) < 3.0 && of_mean(&data_mean) < 3.0, "d {d}");
    }
}
