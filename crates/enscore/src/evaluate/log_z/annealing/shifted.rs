//! Densities of known log Z, for tests.

use super::GaussianBase;
use crate::error::Result;
use crate::evaluate::Moments;
use crate::model::HostDensity;

/// A normalised density with log Z moved to this.
pub(in crate::evaluate::log_z) struct Shifted<B>(
    pub(in crate::evaluate::log_z) B,
    pub(in crate::evaluate::log_z) f64,
);

impl<B: HostDensity> HostDensity for Shifted<B> {
    fn row_len(&self) -> usize {
        self.0.row_len()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        Ok(self.0.log_density(rows)?.iter().map(|f| f + self.1).collect())
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        self.0.score(rows)
    }
}

/// A Gaussian of d dimensions whose neighbours are correlated.
///
/// # Errors
/// None for any d above 0.
pub(in crate::evaluate::log_z) fn correlated_gaussian(d: usize) -> Result<GaussianBase> {
    let mean: Vec<f64> = (0..d).map(|i| 0.5 * (i as f64).sin()).collect();
    let entry = |i: usize, j: usize| 0.4f64.powi(i.abs_diff(j) as i32) * if i == j { 0.5 } else { 0.3 };
    let covariance: Vec<f64> = (0..d * d).map(|at| entry(at / d, at % d)).collect();
    GaussianBase::new(&Moments::new(&mean, &covariance)?)
}
