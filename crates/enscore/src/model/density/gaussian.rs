//! The Gaussian with mean m and covariance Σ = L L': log p(x) = -‖L⁻¹(x - m)‖²/2 - ln det L - (d/2) ln 2π,
//! drawn as m + L e.

use enscore_program::Var;
use nalgebra::DMatrix;

use super::factor::Factor;
use super::{check_elements, check_rows, flat};
use crate::error::{Error, Result};
use crate::model::{NoiseDensity, batch_shape, standard_normal};

/// Rows of data that are multiplied at once.
const BLOCK: usize = 1024;

/// N(m, Σ).
#[derive(Clone, Debug)]
pub struct Gaussian {
    pub(super) row_shape: Vec<usize>,
    pub(super) mean: Vec<f64>,
    pub(super) factor: Factor,
}

impl Gaussian {
    /// Mean `[d]` and full covariance `[d, d]`, row-major, for rows of d elements in this shape.
    ///
    /// # Errors
    /// Sizes that don't fit, numbers that are not finite, a covariance that is not symmetric and positive
    /// definite.
    pub fn new(row_shape: &[usize], mean: &[f64], covariance: &[f64]) -> Result<Self> {
        check_elements("mean", mean, row_shape)?;
        let factor = Factor::of(covariance, mean.len())?;
        Ok(Gaussian { row_shape: row_shape.to_vec(), mean: mean.to_vec(), factor })
    }

    /// Mean `[d]` and variances `[d]` of independent elements.
    ///
    /// # Errors
    /// Sizes that don't fit, numbers that are not finite, a variance that is not positive.
    pub fn diagonal(row_shape: &[usize], mean: &[f64], variances: &[f64]) -> Result<Self> {
        check_elements("mean", mean, row_shape)?;
        check_elements("variance", variances, row_shape)?;
        let factor = Factor::diagonal(variances)?;
        Ok(Gaussian { row_shape: row_shape.to_vec(), mean: mean.to_vec(), factor })
    }

    /// The Gaussian with the mean and covariance of `rows` `[n, d]` (divided by n): its covariance is
    /// widen² (Σ + ridge v I), where v is the mean variance of the elements. With ridge = 0 the data must
    /// vary in every direction; with fewer rows than elements only a ridge makes the covariance definite.
    /// Takes time n d².
    ///
    /// # Errors
    /// Data that are not whole rows of finite numbers, a factor that is not positive, a negative ridge, a
    /// covariance that is not positive definite.
    pub fn fitted(rows: &[f64], row_shape: &[usize], widen: f64, ridge: f64) -> Result<Self> {
        let n = check_rows(rows, row_shape, widen)?;
        if !(ridge.is_finite() && ridge >= 0.0) {
            return Err(Error::input("invalid ridge")
                .at("ridge")
                .found(ridge)
                .expected("a finite number, at least 0"));
        }
        let mean = mean_of(rows, rows.len() / n);
        let d = mean.len();
        let mut covariance = covariance_about(rows, &mean);
        let added = ridge * covariance.trace() / d as f64;
        (0..d).for_each(|i| covariance[(i, i)] += added);
        covariance *= widen * widen;
        // Symmetric up to rounding, so that columns are rows.
        Gaussian::new(row_shape, &mean, covariance.as_slice())
    }

    /// log p of one row, on the host, in nats; NaN where the row has another length.
    pub fn log_density_of(&self, x: &[f64]) -> f64 {
        if x.len() != self.mean.len() {
            return f64::NAN;
        }
        let centred: Vec<f64> = x.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        self.ln_peak() - 0.5 * self.factor.square_norm(&centred)
    }

    /// log p at the mean.
    fn ln_peak(&self) -> f64 {
        -self.factor.ln_determinant() - 0.5 * self.mean.len() as f64 * std::f64::consts::TAU.ln()
    }

    /// L⁻¹(x - m) of x `[n, d]`.
    pub(super) fn whiten<'s>(&self, x: Var<'s>) -> Var<'s> {
        self.factor.whiten(x - x.scope().table(&self.mean, &[self.mean.len()]))
    }

    /// m + L e of e `[n, d]`.
    pub(super) fn colour<'s>(&self, e: Var<'s>) -> Var<'s> {
        self.factor.colour(e) + e.scope().table(&self.mean, &[self.mean.len()])
    }
}

impl NoiseDensity for Gaussian {
    fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        standard_normal(self.whiten(flat(x))) - self.factor.ln_determinant()
    }

    fn draw_each<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s> {
        let d = self.mean.len();
        let e = key.normal(&[rows, each * d]).reshape(&[rows * each, d]);
        self.colour(e).reshape(&batch_shape(rows * each, &self.row_shape))
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

/// The mean of each element of `rows` `[n, d]`.
pub(crate) fn mean_of(rows: &[f64], d: usize) -> Vec<f64> {
    let mut mean = vec![0.0; d];
    for row in rows.chunks_exact(d) {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += x);
    }
    let scale = d as f64 / rows.len() as f64;
    mean.into_iter().map(|sum| sum * scale).collect()
}

/// The covariance of `rows` `[n, d]` about `mean`, divided by n.
pub(crate) fn covariance_about(rows: &[f64], mean: &[f64]) -> DMatrix<f64> {
    let d = mean.len();
    let mut covariance = DMatrix::zeros(d, d);
    for block in rows.chunks(BLOCK * d) {
        // Column i is row i of the data.
        let mut centred = DMatrix::from_column_slice(d, block.len() / d, block);
        for mut column in centred.column_iter_mut() {
            column.iter_mut().zip(mean).for_each(|(x, m)| *x -= m);
        }
        covariance.gemm(1.0, &centred, &centred.transpose(), 1.0);
    }
    covariance * (d as f64 / rows.len() as f64)
}
