//! A quadratic form as an energy, whose normaliser is known: f(x) = -(x - m)' P (x - m) / 2,
//! Z = (2π)^(d/2) / √det P.

use enscore_program::{Initial, Parameters, Var};

use crate::error::{Error, Result};
use crate::keys::{Kind, keys};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;
use crate::model::tracing::sum_rows;
use crate::model::traits::LogDensity;

keys! {
    /// Settings of a quadratic energy: none.
    GaussianEnergySettings {}
}

impl Kind for GaussianEnergySettings {
    type Facts = ();
}

impl ModelKind for GaussianEnergySettings {
    fn family(&self) -> Family {
        Family::Energy
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        Ok(Network::Energy(Box::new(GaussianEnergy::new(data.row_shape)?)))
    }
}

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

/// Refuses rows without elements.
pub(super) fn check_row_shape(row_shape: &[usize]) -> Result<()> {
    match row_shape.iter().product::<usize>() {
        0 => Err(Error::input("rows without elements")
            .at("row shape")
            .found(format!("{row_shape:?}"))
            .expected("dimensions of at least 1")),
        _ => Ok(()),
    }
}
