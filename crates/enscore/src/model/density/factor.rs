//! The factor L of a covariance Σ = L L', lower triangular or diagonal: it colours white noise, and its
//! inverse whitens.

use enscore_program::Var;
use nalgebra::{Cholesky, DMatrix};

use crate::error::{Error, Result};

/// L, and for a full one L⁻¹.
#[derive(Clone, Debug)]
pub(crate) enum Factor {
    /// The diagonal of L.
    Diagonal(Vec<f64>),
    /// L and L⁻¹, row-major `[d, d]`.
    Full { lower: Vec<f64>, inverse: Vec<f64> },
}

impl Factor {
    /// The factor of a covariance `[d, d]`, row-major.
    ///
    /// # Errors
    /// A matrix of another size, one that is not symmetric, or not positive definite.
    pub(crate) fn of(covariance: &[f64], d: usize) -> Result<Self> {
        if covariance.len() != d * d {
            return Err(Error::input("the covariance has the wrong size")
                .found(format!("{} values", covariance.len()))
                .expected(format!("{d} x {d}")));
        }
        let matrix = DMatrix::from_row_slice(d, d, covariance);
        let scale = covariance.iter().fold(0.0f64, |largest, c| largest.max(c.abs()));
        if (&matrix - matrix.transpose()).iter().any(|gap| gap.abs() > 1e-9 * scale) {
            return Err(Error::input("the covariance is not symmetric"));
        }
        let factor = Cholesky::new(matrix).ok_or_else(not_positive_definite)?.l();
        // Rounding lets a singular matrix through: what is left of an element's variance, given those before
        // it, is noise.
        let left = |i: usize| factor[(i, i)].powi(2) / covariance[i * d + i];
        if (0..d).any(|i| left(i).is_nan() || left(i) <= 1e-12) {
            return Err(not_positive_definite());
        }
        let inverse =
            factor.solve_lower_triangular(&DMatrix::identity(d, d)).ok_or_else(not_positive_definite)?;
        let row_major = |matrix: DMatrix<f64>| matrix.transpose().as_slice().to_vec();
        Ok(Factor::Full { lower: row_major(factor), inverse: row_major(inverse) })
    }

    /// The factor of the covariance with these variances `[d]` and no correlations.
    ///
    /// # Errors
    /// A variance that is not positive and finite.
    pub(crate) fn diagonal(variances: &[f64]) -> Result<Self> {
        if variances.iter().any(|variance| !(variance.is_finite() && *variance > 0.0)) {
            Err(not_positive_definite())
        } else {
            Ok(Factor::Diagonal(variances.iter().map(|variance| variance.sqrt()).collect()))
        }
    }

    /// ln det L.
    pub(super) fn ln_determinant(&self) -> f64 {
        match self {
            Factor::Diagonal(deviations) => deviations.iter().map(|s| s.ln()).sum(),
            Factor::Full { lower, .. } => {
                let d = dimensions(lower);
                (0..d).map(|i| lower[i * d + i].ln()).sum()
            }
        }
    }

    /// Each row e of `[n, d]` as L e.
    pub(super) fn colour<'s>(&self, e: Var<'s>) -> Var<'s> {
        match self {
            Factor::Diagonal(deviations) => e * e.scope().table(deviations, &[deviations.len()]),
            Factor::Full { lower, .. } => multiply(e, lower),
        }
    }

    /// L e of one row, on the host.
    pub(crate) fn coloured(&self, e: &[f64]) -> Vec<f64> {
        match self {
            Factor::Diagonal(deviations) => e.iter().zip(deviations).map(|(e, s)| e * s).collect(),
            Factor::Full { lower, .. } => {
                let row = |row: &[f64]| row.iter().zip(e).map(|(l, e)| l * e).sum();
                lower.chunks_exact(e.len().max(1)).map(row).collect()
            }
        }
    }

    /// Each row x of `[n, d]` as L⁻¹ x.
    pub(super) fn whiten<'s>(&self, x: Var<'s>) -> Var<'s> {
        match self {
            Factor::Diagonal(deviations) => x / x.scope().table(deviations, &[deviations.len()]),
            Factor::Full { inverse, .. } => multiply(x, inverse),
        }
    }

    /// ‖L⁻¹ x‖² of one row, on the host.
    pub(super) fn square_norm(&self, x: &[f64]) -> f64 {
        match self {
            Factor::Diagonal(deviations) => x.iter().zip(deviations).map(|(x, s)| (x / s).powi(2)).sum(),
            Factor::Full { inverse, .. } => {
                let of_row = |(i, row): (usize, &[f64])| -> f64 {
                    row[..=i].iter().zip(x).map(|(w, x)| w * x).sum::<f64>().powi(2)
                };
                inverse.chunks_exact(x.len().max(1)).enumerate().map(of_row).sum()
            }
        }
    }
}

/// x M' for rows x `[n, d]` and M `[d, d]` row-major.
fn multiply<'s>(x: Var<'s>, matrix: &[f64]) -> Var<'s> {
    let d = dimensions(matrix);
    x.matmul_with(x.scope().table(matrix, &[d, d]), false, true)
}

fn dimensions(matrix: &[f64]) -> usize {
    matrix.len().isqrt()
}

fn not_positive_definite() -> Error {
    Error::input("the covariance is not positive definite")
        .expected("more rows than elements, varying in every direction")
        .remedy("add a ridge to its diagonal, or use a diagonal covariance")
}
