//! Trained scores against the exact scores of the smoothed data: a network that minimises the loss must find
//! them.
//!
//! A wrong sign in the loss leaves a relative Fisher divergence of 4, a factor of two one of 1 (or 1/4).

use crate::common::oracles::{case, expected, number, numbers};
use crate::common::training::{Course, Fitted, train};
use enscore::evaluate::IsotropicMixture;
use enscore::model::{Activation, Mlp, Network, NoiseLevels};
use enscore::objective::{Dsm, Ncsn};
use enscore_program::random::{Key, normal_row, row_words, uniform};

/// The streams of the data: traced draws number theirs from 0.
const DATA: u32 = 900_100;
const COMPONENTS: u32 = 900_101;

/// The mixture of the cases `dsm.gmm1d.optimal_score.*`, to draw from and in closed form.
struct Mixture {
    parts: [Vec<f64>; 3],
    exact: IsotropicMixture,
}

impl Mixture {
    fn of(id: &str) -> Mixture {
        let params = case(id)["params"].clone();
        let parts = ["w", "means", "vars"].map(|name| numbers(&params[name]));
        let exact = IsotropicMixture::new(&parts[0], &parts[1], &parts[2], 1).unwrap();
        Mixture { parts, exact }
    }

    fn draw(&self, step: u64, x: &mut [f32]) {
        let [weights, means, variances] = &self.parts;
        let (mut z, mut words) = (vec![0.0; x.len()], vec![0; x.len()]);
        normal_row(Key::new(1, step), DATA, 0, &mut z);
        row_words(Key::new(1, step), COMPONENTS, 0, &mut words);
        for ((x, z), word) in x.iter_mut().zip(z).zip(words) {
            let part = usize::from(uniform(word) > weights[0]);
            *x = (means[part] + variances[part].sqrt() * z) as f32;
        }
    }

    /// E |fitted - s|² / E |s|² under the smoothed density, by the trapezoid rule.
    fn relative_fisher_divergence(&self, fitted: &Fitted, sigma: f64) -> f64 {
        let noisy = self.exact.noisy(sigma).unwrap();
        let points: Vec<f64> = (0..=1200).map(|i| -6.0 + 0.01 * f64::from(i)).collect();
        let (mut error, mut size) = (0.0, 0.0);
        for (x, found) in points.iter().zip(fitted.score(&points, sigma)) {
            let density = noisy.log_density(&[*x]).unwrap().exp();
            let score = noisy.score(&[*x]).unwrap()[0];
            error += density * (found - score).powi(2);
            size += density * score * score;
        }
        error / size
    }

    /// Checks the score at the case's points where the density is at least 0.02, and on average.
    fn check(&self, fitted: &Fitted, id: &str, bound: f64, tolerance: f64) {
        let params = case(id)["params"].clone();
        let (points, sigma) = (numbers(&params["points"]), number(&params["sigma"]));
        let mut checked = 0;
        for ((x, pair), found) in
            points.iter().zip(expected(id).chunks_exact(2)).zip(fitted.score(&points, sigma))
        {
            let (density, score) = (pair[0].exp(), pair[1]);
            println!("{id}: x {x}, density {density:.3}, found {found:.3}, expected {score:.3}");
            if density >= 0.02 {
                checked += 1;
                let error = (found - score).abs();
                assert!(error < tolerance * (1.0 + score.abs()), "{id} at {x}: {found} and {score}");
            }
        }
        assert!(checked >= 3);
        let divergence = self.relative_fisher_divergence(fitted, sigma);
        println!("{id}: relative Fisher divergence {divergence:.5}");
        assert!(divergence < bound, "{id}: relative Fisher divergence {divergence}");
    }
}

const IDS: [&str; 2] = ["dsm.gmm1d.optimal_score.sigma0.1", "dsm.gmm1d.optimal_score.sigma0.5"];

#[test]
fn denoising_at_one_level_finds_the_score_of_a_mixture() {
    for (id, steps, bound) in [(IDS[0], 4000, 0.005), (IDS[1], 1500, 0.002)] {
        let mixture = Mixture::of(id);
        let sigma = number(&case(id)["params"]["sigma"]);
        let model = Mlp::new(&[1], &[32, 32], Activation::Silu, 0, 0.3).unwrap();
        let training = Course { batch: 2048, steps, learning_rate: 1e-2, seed: 1 };
        let fitted = train(Network::Score(Box::new(model)), Dsm::new(sigma).unwrap(), training, |step, x| {
            mixture.draw(step, x)
        });
        mixture.check(&fitted, id, bound, 0.06);
    }
}

#[test]
fn denoising_at_many_levels_finds_the_score_at_each() {
    let mixture = Mixture::of(IDS[0]);
    let levels = NoiseLevels::geometric(0.5, 0.1, 4).unwrap();
    let model = Mlp::new(&[1], &[32, 32], Activation::Silu, 16, 0.3).unwrap();
    let training = Course { batch: 1024, steps: 3000, learning_rate: 1e-2, seed: 2 };
    let objective = Ncsn { levels: levels.clone() };
    let fitted = train(Network::Score(Box::new(model)), objective, training, |step, x| mixture.draw(step, x));
    for id in IDS {
        mixture.check(&fitted, id, 0.02, 0.1);
    }
    for sigma in levels.as_slice() {
        let divergence = mixture.relative_fisher_divergence(&fitted, *sigma);
        println!("sigma {sigma:.3}: relative Fisher divergence {divergence:.5}");
        assert!(divergence < 0.02, "{sigma}: {divergence}");
    }
}

/// A lower-triangular factor L of the covariance Σ = L Lᵀ, and a mean, both fixed.
fn gaussian(d: usize) -> (Vec<f64>, Vec<f64>) {
    let mut z = vec![0.0; d * d + d];
    normal_row(Key::new(d as u64, 0), 900_102, 0, &mut z);
    let mean = z.split_off(d * d);
    for row in 0..d {
        for column in 0..d {
            let entry = &mut z[row * d + column];
            *entry = match row.cmp(&column) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => 0.6 + 0.2 * entry.tanh(),
                std::cmp::Ordering::Greater => *entry * 0.5 / (d as f64).sqrt(),
            };
        }
    }
    (z, mean)
}

/// The score of N(m, Σ) with noise is -P (x - m) with P = (Σ + σ² I)⁻¹. A network without hidden layers is
/// affine; least squares on n rows finds entry jk of P with a standard error of √(r_j (Σ + σ² I)⁻¹_kk / n),
/// where r_j = (1 - σ² P_jj) / σ² is the variance of the target z/σ that x̃ leaves. Stochastic steps with
/// averaging use the rows less well than least squares; the bound supposes, conservatively, that a tenth of
/// all rows seen counts.
#[test]
fn an_affine_network_finds_the_precision_of_a_gaussian() {
    for (d, steps) in [(2, 4000), (10, 6000)] {
        let (factor, mean) = gaussian(d);
        let sigma: f64 = 0.5;
        let model = Mlp::new(&[d], &[], Activation::Silu, 0, 1.0).unwrap();
        let training = Course { batch: 256, steps, learning_rate: 1e-2, seed: 3 };
        let fitted = train(Network::Score(Box::new(model)), Dsm::new(sigma).unwrap(), training, |step, x| {
            let mut z = vec![0.0; x.len()];
            normal_row(Key::new(2, step), DATA, 0, &mut z);
            for (x, z) in x.chunks_exact_mut(d).zip(z.chunks_exact(d)) {
                for (j, x) in x.iter_mut().enumerate() {
                    let correlated: f64 = factor[j * d..][..d].iter().zip(z).map(|(l, z)| l * z).sum();
                    *x = (mean[j] + correlated) as f32;
                }
            }
        });
        let factor = nalgebra::DMatrix::from_row_slice(d, d, &factor);
        let noisy = &factor * factor.transpose() + nalgebra::DMatrix::identity(d, d) * sigma * sigma;
        let precision = noisy.try_inverse().unwrap();
        // At the mean, and one step along every axis.
        let mut x = mean.repeat(d + 1);
        (0..d).for_each(|k| x[(k + 1) * d + k] += 1.0);
        let score = fitted.score(&x, sigma);
        let rows = (training.batch as u64 * steps / 10) as f64;
        let mut worst: f64 = 0.0;
        for j in 0..d {
            let left = (1.0 - sigma * sigma * precision[(j, j)]) / (sigma * sigma);
            worst = worst.max(score[j].abs() / (left / rows).sqrt());
            for k in 0..d {
                let found = score[j] - score[(k + 1) * d + j];
                let error = (left * precision[(k, k)] / rows).sqrt();
                worst = worst.max((found - precision[(j, k)]).abs() / error);
            }
        }
        println!("{d} dimensions: {worst:.2} standard errors at worst");
        assert!(worst < 5.0, "{d} dimensions: {worst} standard errors");
    }
}
