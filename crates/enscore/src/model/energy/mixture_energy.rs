//! A mixture of isotropic Gaussians as an energy, whose normaliser is known: f(x) = ln Σ_k exp(a_k) N(x;
//! m_k, v_k I), Z = Σ_k exp(a_k).

use enscore_program::{Initial, Parameters, Var};

use super::gaussian_energy::check_row_shape;
use crate::error::{Error, Result};
use crate::model::traits::LogDensity;

/// A mixture of isotropic Gaussians that is free to have any mass. Parameters `logits` a `[k]`, which start
/// at 0, `means` `[k, d]`, which start at normal numbers, and `log_variances` ln v `[k]`, which start at 0.
///
/// ```
/// use enscore::model::{GaussianMixtureEnergy, Network};
///
/// let model = GaussianMixtureEnergy::new(&[2], 3, 1.0)?;      // three components in the plane
/// assert_eq!(Network::Energy(Box::new(model)).row_shape(), [2]);
/// # Ok::<(), enscore::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaussianMixtureEnergy {
    row_shape: Vec<usize>,
    components: usize,
    spread: f64,
}

impl GaussianMixtureEnergy {
    /// A mixture of `components` Gaussians for rows of this shape; `spread` is the standard deviation of
    /// the means at the start.
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
        let n = x.extent(0);
        let k = self.components;
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
