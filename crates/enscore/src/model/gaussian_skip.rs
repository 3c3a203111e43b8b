//! What a score network adds to: the score of independent Gaussians with the data's moments.
//!
//! With mean m_i and variance v_i of each element and a network F whose inputs have unit variance,
//!
//! ```text
//! s(x, σ) = (m - x) / (v + σ²) + √(v / (v + σ²)) F / σ,
//! ```
//!
//! which is the preconditioning of Karras, Aittala, Aila and Laine 2022, table 1 (EDM), as a score: c_skip =
//! v/(v + σ²), c_out = σ √v / √(v + σ²) and s = (D - x)/σ², about the data's mean and element by element. At
//! F = 0 it is exact for independent Gaussian elements at every level, and what F must add has unit variance
//! at every level: at large σ, where the skip knows nearly all, its errors hardly count.

use enscore_program::Var;

use super::standardise::Standardise;
use super::tracing::along_rows;
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Keys, Reader, choice};

choice! {
    /// What the output of a score network is added to.
    Skip {
        /// Nothing.
        None = "none",
        /// The score of independent Gaussians with the data's moments.
        Gaussian = "gaussian",
    }
}

/// The keys of the output of a score network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputSettings {
    /// What the output is added to.
    pub skip: Skip,
}

impl Default for OutputSettings {
    fn default() -> Self {
        OutputSettings { skip: Skip::Gaussian }
    }
}

impl Keys for OutputSettings {
    /// Runs of before the key have none.
    fn read_keys(reader: &mut Reader) -> Result<Self> {
        let OutputSettings { skip } = OutputSettings::default();
        let meaning = "What the output is added to: the score of independent Gaussians with the data's mean and variance of each element, which leaves the network what these don't know (as Karras et al. 2022), or nothing.";
        Ok(OutputSettings { skip: reader.get_since("skip", skip, Skip::None, (), meaning)? })
    }
}

/// The work behind it.
pub(super) const KARRAS: Citation = Citation {
    role: "preconditioned score network",
    authors: "Tero Karras, Miika Aittala, Timo Aila, Samuli Laine",
    year: 2022,
    title: "Elucidating the Design Space of Diffusion-Based Generative Models",
    venue: "Advances in Neural Information Processing Systems 35",
};

/// The least variance that the network is scaled by, as a share of the mean variance: elements that are
/// constant in the training rows may vary elsewhere.
const LEAST: f64 = 0.01;

/// The moments of the data's elements.
#[derive(Clone, Debug)]
pub(super) struct GaussianSkip {
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// The variance that the network's part is scaled by.
    own: Vec<f64>,
}

impl GaussianSkip {
    /// For elements with these means and standard deviations; where there are none, of mean 0 and the common
    /// `variance`.
    ///
    /// # Errors
    /// Moments of another length than a row, or that are not finite.
    pub(super) fn new(row_len: usize, mean: &[f64], deviation: &[f64], variance: f64) -> Result<Self> {
        let (mean, variances): (Vec<f64>, Vec<f64>) = if mean.is_empty() && deviation.is_empty() {
            (vec![0.0; row_len], vec![variance; row_len])
        } else if deviation.iter().all(|d| *d == 0.0) && deviation.len() == row_len {
            (mean.to_vec(), vec![0.0; row_len])
        } else {
            // Checks that there are a mean and a deviation of every element.
            Standardise::new(row_len, mean, deviation)?;
            (mean.to_vec(), deviation.iter().map(|d| d * d).collect())
        };
        let least = (LEAST * variance).max(f64::from(f32::MIN_POSITIVE));
        let own = variances.iter().map(|v| v.max(least)).collect();
        Ok(GaussianSkip { mean, variance: variances, own })
    }

    /// The score at x `[batch, ..]` and σ `[batch]`, for the output F of the network there, of x's shape.
    pub(super) fn add_to<'s>(&self, network: Var<'s>, x: Var<'s>, sigma: Var<'s>) -> Var<'s> {
        let shape = x.shape();
        let row_shape = &shape[1..];
        let table = |values: &[f64]| x.scope().table(values, row_shape);
        let noise = along_rows(sigma.square(), &shape);
        let skip = (table(&self.mean) - x) / (table(&self.variance) + noise);
        let own = table(&self.own);
        let gain = (own / (own + noise)).sqrt();
        skip + gain * network * along_rows(1.0 / sigma, &shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Activation, Mlp, Score, trace};
    use enscore_program::{Kind, Value};

    /// A fresh network is the score of the Gaussian: (m - x) / (v + σ²), to rounding, at every level.
    #[test]
    fn a_fresh_network_is_exact_for_independent_gaussians() {
        let mean = [0.5, -2.0, 0.0];
        let deviation = [0.3, 2.0, 0.0];
        let mlp = Mlp::new(&[3], &[4], Activation::Silu, 4, 1.0).unwrap();
        let mlp = mlp.with_gaussian_skip(&mean, &deviation).unwrap();
        let (program, parameters) = trace(&[], |scope, parameters| {
            let x = scope.input("x", Kind::Float, &[3, 3]);
            let sigma = scope.input("sigma", Kind::Float, &[3]);
            vec![("s".to_string(), mlp.score(parameters, x, sigma))]
        })
        .unwrap();
        let start = crate::model::initialise(&parameters, 1);
        let x = [0.1, 3.0, -0.2, 1.0, -1.0, 0.4, 0.5, -2.0, 0.0];
        let sigmas = [0.01, 0.5, 10.0];
        let weights = start.iter().map(|w| Value::Float(w.iter().map(|w| f64::from(*w)).collect()));
        let inputs: Vec<Value> =
            [Value::Float(x.to_vec()), Value::Float(sigmas.to_vec())].into_iter().chain(weights).collect();
        let found = enscore_program::interpret(&program, &inputs).unwrap();
        let Value::Float(found) = &found[0] else { panic!("numbers") };
        for (row, sigma) in sigmas.iter().enumerate() {
            for i in 0..3 {
                let expected = (mean[i] - x[3 * row + i]) / (deviation[i] * deviation[i] + sigma * sigma);
                let found = found[3 * row + i];
                assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{found} {expected}");
            }
        }
    }

    #[test]
    fn moments_that_do_not_fit_are_refused() {
        assert!(GaussianSkip::new(3, &[0.0; 2], &[1.0; 3], 1.0).is_err());
        assert!(GaussianSkip::new(2, &[0.0; 2], &[1.0, f64::NAN], 1.0).is_err());
        assert!(GaussianSkip::new(2, &[], &[], 1.0).is_ok());
    }
}
