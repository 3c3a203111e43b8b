//! The NCSN loss of the best affine score network, a bar that a trained network must pass.
//!
//! For data with covariance eigenvalues lambda_j and one affine s(x) = A x + b per noise level, the least
//! loss per dimension, (1/D) E |sigma s(x + sigma z) + z|², is (1/D) sum_j lambda_j / (lambda_j + sigma²):
//! the best affine score is that of the Gaussian with the data's mean and covariance (it follows from
//! Hyvarinen 2005, "Estimation of non-normalized statistical models by score matching", section 3.1, applied
//! to noisy data).
//!
//! On rows that were held out, the affine score learnt from the training rows has
//! (1/D) sum_j (lambda_j² + sigma² c_j) / (lambda_j + sigma²)², where c_j is the mean square of the held-out
//! rows about the training mean, along the eigenvector of lambda_j: z - sigma (Sigma + sigma²)^-1 (x - m +
//! sigma z) along it, squared and averaged over x and z. That is the bar of a network that learnt from the
//! same rows; the least loss on the rows themselves is below what any affine network reaches on others.

use crate::error::{Error, Result};
use crate::evaluate::{Moments, Rows, eigen, right_side, shifted};
use serde::Serialize;

/// Rows per matrix product.
const BLOCK: usize = 512;

/// The loss of an affine score network, per noise level and on average.
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
    check(sigmas)?;
    let eigenvalues = Moments::of(rows)?.eigenvalues()?;
    Ok(LinearBaseline::of(sigmas.iter().map(|sigma| affine_loss(&eigenvalues, *sigma)).collect()))
}

/// The loss per dimension on `held_out` of the affine score network that is best on `training`, averaged over
/// the noise.
///
/// # Errors
/// As [`linear_baseline`]; rows of different lengths.
pub fn held_out_linear_baseline(training: Rows, held_out: Rows, sigmas: &[f64]) -> Result<LinearBaseline> {
    check(sigmas)?;
    training.same_row_len(held_out)?;
    let moments = Moments::of(training)?;
    let found = eigen(moments.covariance().clone())?;
    let directions = found.eigenvectors;
    let mut squares = vec![0.0; directions.ncols()];
    for block in held_out.values().chunks(BLOCK * training.row_len()) {
        let centred = shifted(block, moments.mean());
        let along = right_side(&centred, training.row_len()).into_owned() * &directions;
        for (square, column) in squares.iter_mut().zip(along.column_iter()) {
            *square += column.norm_squared() / held_out.count() as f64;
        }
    }
    let loss = |sigma: &f64| {
        let noise = sigma * sigma;
        let along = |(lambda, square): (&f64, &f64)| {
            let lambda = lambda.max(0.0);
            (lambda * lambda + noise * square) / (lambda + noise).powi(2)
        };
        found.eigenvalues.iter().zip(&squares).map(along).sum::<f64>() / squares.len() as f64
    };
    Ok(LinearBaseline::of(sigmas.iter().map(loss).collect()))
}

impl LinearBaseline {
    fn of(losses: Vec<f64>) -> Self {
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        LinearBaseline { losses, mean }
    }
}

fn check(sigmas: &[f64]) -> Result<()> {
    let checked = sigmas.iter().all(|s| *s > 0.0 && s.is_finite());
    if sigmas.is_empty() || !checked {
        return Err(Error::input("no usable noise levels")
            .found(format_args!("{sigmas:?}"))
            .expected("at least one, positive and finite"));
    }
    Ok(())
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

    /// On its own rows it is the least loss; on others, the square error written out with the moments of
    /// noise: E z² = 1.
    #[test]
    fn the_baseline_of_other_rows_is_the_square_error() {
        let x = [1.0f32, 0.5, -1.0, -0.25, 0.5, 2.0, 3.0, -1.0];
        let rows = Rows::new(&x, 2).unwrap();
        let sigmas = [1.5, 0.1];
        let own = held_out_linear_baseline(rows, rows, &sigmas).unwrap();
        let least = linear_baseline(rows, &sigmas).unwrap();
        own.losses.iter().zip(&least.losses).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
        let y = [0.0f32, 4.0, 2.0, 1.0, -3.0, 0.5];
        let found = held_out_linear_baseline(rows, Rows::new(&y, 2).unwrap(), &sigmas).unwrap();
        let moments = Moments::of(rows).unwrap();
        for (loss, sigma) in found.losses.iter().zip(sigmas) {
            let noisy = moments.covariance() + nalgebra::DMatrix::identity(2, 2) * (sigma * sigma);
            let inverse = noisy.try_inverse().unwrap();
            let of_noise = nalgebra::DMatrix::identity(2, 2) - &inverse * (sigma * sigma);
            let mut expected = of_noise.norm_squared();
            for row in y.chunks(2) {
                let c = nalgebra::DVector::from_fn(2, |i, _| f64::from(row[i]) - moments.mean()[i]);
                expected += (&inverse * c * sigma).norm_squared() / 3.0;
            }
            assert!((loss - expected / 2.0).abs() < 1e-9 * expected, "{loss} {expected}");
        }
    }

    #[test]
    fn refuses_unusable_sigmas() {
        let rows = Rows::new(&[0.0, 1.0], 1).unwrap();
        for sigmas in [&[][..], &[0.0], &[1.0, -1.0], &[f64::NAN]] {
            assert!(linear_baseline(rows, sigmas).is_err());
        }
    }
}
