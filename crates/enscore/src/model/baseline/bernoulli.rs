//! Independent bits with the data's rates: a mixture of one component, which a single pass fits.

use super::bernoulli_mixture::BernoulliMixture;
use crate::error::Result;
use crate::keys::{Kind, keys};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;

keys! {
    /// Settings of independent bits: none.
    BernoulliSettings {}
}

impl Kind for BernoulliSettings {
    type Facts = ();
}

impl ModelKind for BernoulliSettings {
    fn family(&self) -> Family {
        Family::Baseline
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        Ok(Network::Normalised(Box::new(BernoulliMixture::new(data.row_shape, 1)?)))
    }

    fn noun(&self) -> &'static str {
        "a density of independent bits"
    }
}
