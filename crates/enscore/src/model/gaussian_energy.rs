//! Energies whose normaliser is known, to prove that an objective finds its target.
//!
//! ```text
//! f(x) = -(x - m)' P (x - m) / 2,                          Z = (2π)^(d/2) / √det P;
//! f(x) = ln Σ_k exp(a_k) N(x; m_k, v_k I),                 Z = Σ_k exp(a_k).
//! ```

use enscore_program::{Initial, Parameters, Var};

use super::{LogDensity, sum_rows};
use crate::error::{Error, Result};

/// A quadratic form. Parameters `mean` m `[d]`, which starts at 0, and `precision` A `[d, d]`, which starts
/// at the identity; P = (A + A')/2, since a quadratic form sees no more of A. Its density is Gaussian where P
/// is positive definite, which nothing forces it to be. Images are taken for one long vector.
#[derive(Clone, Debug)]
pub struct GaussianEnergy {
    row_shape: Vec<usize>,
}

impl GaussianEnergy {
    /// For rows of this shape.
    ///
    /// # Errors
    /// Rows without elements.
    pub fn new(row_shape: &[usize]) -> Result<Self> {
        check_row_shape(row_shape)?;
        Ok(GaussianEnergy { row_shape: row_shape.to_vec() })
    }
}

impl LogDensity for GaussianEnergy {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let d: usize = self.row_shape.iter().product();
        let mean = parameters.get("mean", &[d], Initial::Constant(0.0));
        let precision = parameters.get("precision", &[d, d], Initial::Identity);
        let centred = x.reshape(&[x.extent(0), d]) - mean;
        sum_rows(centred.matmul(precision) * centred) * -0.5
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

/// A mixture of isotropic Gaussians that is free to have any mass. Parameters `logits` a `[k]`, which start
/// at 0, `means` `[k, d]`, which start at normal numbers, and `log_variances` ln v `[k]`, which start at 0.
#[derive(Clone, Debug)]
pub struct GaussianMixtureEnergy {
    row_shape: Vec<usize>,
    components: usize,
    spread: f64,
}

impl GaussianMixtureEnergy {
    /// For rows of this shape: so many components; the standard deviation of the first means about 0.
    ///
    /// # Errors
    /// Rows without elements, no component, a spread that is not positive and finite.
    pub fn new(row_shape: &[usize], components: usize, spread: f64) -> Result<Self> {
        check_row_shape(row_shape)?;
        if components == 0 {
            return Err(Error::input("a mixture without components")
                .at("components")
                .found(0)
                .expected("at least 1"));
        }
        if !(spread.is_finite() && spread > 0.0) {
            // Means that start alike stay alike: their gradients are the same.
            return Err(Error::input("means that start at the same point stay together")
                .at("spread")
                .found(spread)
                .expected("a finite standard deviation above 0"));
        }
        Ok(GaussianMixtureEnergy { row_shape: row_shape.to_vec(), components, spread })
    }
}

impl LogDensity for GaussianMixtureEnergy {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (n, k) = (x.extent(0), self.components);
        let d: usize = self.row_shape.iter().product();
        let logits = parameters.get("logits", &[k], Initial::Constant(0.0));
        let means = parameters.get("means", &[k, d], Initial::Normal(self.spread));
        let log_variances = parameters.get("log_variances", &[k], Initial::Constant(0.0));
        let square = (x.reshape(&[n, 1, d]) - means).square().sum(&[2]);
        let peak = logits - (log_variances + std::f64::consts::TAU.ln()) * (0.5 * d as f64);
        (peak - square * (-log_variances).exp() * 0.5).log_sum_exp(1)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

fn check_row_shape(row_shape: &[usize]) -> Result<()> {
    match row_shape.iter().product::<usize>() {
        0 => Err(Error::input("rows without elements")
            .at("row shape")
            .found(format!("{row_shape:?}"))
            .expected("dimensions of at least 1")),
        _ => Ok(()),
    }
}
