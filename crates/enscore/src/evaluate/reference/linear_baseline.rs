//! The NCSN loss of the best affine score network, a bar that a trained network must pass.
//!
//! For data with covariance eigenvalues lambda_j and one affine s(x) = A x + b per noise level, the least
//! loss per dimension, (1/D) E |sigma s(x + sigma z) + z|², is (1/D) sum_j lambda_j / (lambda_j + sigma²):
//! the best affine score is that of the Gaussian with the data's mean and covariance (it follows from
//! Hyvarinen 2005, "Estimation of non-normalized statistical models by score matching", section 3.1, applied
//! to noisy data).

use crate::error::{Error, Result};
use crate::evaluate::{Moments, Rows};
use serde::Serialize;

/// The least loss of an affine score network, per noise level and on average.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinearBaseline {
    /// The loss per dimension at each sigma, in their order.
    pub losses: Vec<f64>,
    /// The mean of the losses over levels.
    pub mean: f64,
}

/// The least affine loss per dimension on `rows` at each of `sigmas`, in units of the data.
///
/// # Errors
/// An input error if there is no sigma or one is not positive and finite, or as
/// [`Moments::of`]; a run error if the eigenvalue
/// iteration does not converge.
pub fn linear_baseline(rows: Rows, sigmas: &[f64]) -> Result<LinearBaseline> {
    let checked = sigmas.iter().all(|s| *s > 0.0 && s.is_finite());
    if sigmas.is_empty() || !checked {
        return Err(Error::input("no usable noise levels")
            .found(format_args!("{sigmas:?}"))
            .expected("at least one, positive and finite"));
    }
    let eigenvalues = Moments::of(rows)?.eigenvalues()?;
    let losses: Vec<f64> = sigmas.iter().map(|sigma| affine_loss(&eigenvalues, *sigma)).collect();
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    Ok(LinearBaseline { losses, mean })
}

/// (1/D) sum_j lambda_j / (lambda_j + sigma²), for a positive sigma.
pub fn affine_loss(eigenvalues: &[f64], sigma: f64) -> f64 {
    let sum: f64 = eigenvalues.iter().map(|lambda| lambda / (lambda + sigma * sigma)).sum();
    sum / eigenvalues.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two points at ±1 on the first axis of three: eigenvalues 1, 0, 0.
    #[test]
    fn the_baseline_of_two_points_is_the_closed_form() {
        let x = [1.0f32, 5.0, 7.0, -1.0, 5.0, 7.0];
        let baseline = linear_baseline(Rows::new(&x, 3).unwrap(), &[1.0, 0.5]).unwrap();
        assert!((baseline.losses[0] - 0.5 / 3.0).abs() < 1e-15);
        assert!((baseline.losses[1] - 0.8 / 3.0).abs() < 1e-15);
        assert!((baseline.mean - 0.65 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn refuses_unusable_sigmas() {
        let rows = Rows::new(&[0.0, 1.0], 1).unwrap();
        for sigmas in [&[][..], &[0.0], &[1.0, -1.0], &[f64::NAN]] {
            assert!(linear_baseline(rows, sigmas).is_err());
        }
    }
}
