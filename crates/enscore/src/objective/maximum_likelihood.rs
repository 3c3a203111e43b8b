//! Maximum likelihood of a normalised density, a flow: the mean of -log p(x), nats.
//!
//! Per dimension and divided by ln 2 it is bits per dimension of the scaled data; a factor of the scale and the
//! dequantisation are the reader's to add.

use enscore_program::Parameters;

use super::{Batch, Estimate, Objective};
use crate::model::{LogDensity, Network};

/// Maximum likelihood.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaximumLikelihood;

impl Objective<Network> for MaximumLikelihood {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        if model.flow().is_none() {
            let loss = batch.x.scope().fail("maximum likelihood needs a normalised density".to_string());
            return Estimate::of_dimensions(batch, loss);
        }
        Estimate::of_dimensions(batch, -batch.mean(model.log_density(parameters, batch.x)))
    }
}
