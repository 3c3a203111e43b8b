//! A Gaussian with the data's mean and covariance: a mixture of one component, which a single pass fits.

use super::gaussian_mixture::{CovarianceChoice, GaussianMixtureModel};
use crate::error::Result;
use crate::keys::{Kind, keys};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;

keys! {
    /// Settings of a Gaussian.
    GaussianSettings {
        covariance: CovarianceChoice = CovarianceChoice::Full, (), "Shape of the covariance.";
    }
}

impl Kind for GaussianSettings {
    type Facts = ();
}

impl ModelKind for GaussianSettings {
    fn family(&self) -> Family {
        Family::Baseline
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let model = GaussianMixtureModel::new(data.row_shape, 1, self.covariance.shape())?;
        Ok(Network::Normalised(Box::new(model)))
    }

    fn noun(&self) -> &'static str {
        "a Gaussian"
    }
}
