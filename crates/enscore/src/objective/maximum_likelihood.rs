//! Maximum likelihood: the mean of -log p(x), nats, of a normalised density, a flow; or of two sides of units
//! with log Z by enumeration of a small one, whose gradient is the exact difference of the moments of data
//! and model.
//!
//! Per dimension and divided by ln 2 it is bits per dimension of the scaled data; a factor of the scale and
//! the dequantisation are the reader's to add.

use enscore_program::Parameters;

use super::{Batch, Estimate, Objective};
use crate::model::{LogDensity, Network, enumerated_log_z};

/// Maximum likelihood.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaximumLikelihood;

impl Objective<Network> for MaximumLikelihood {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let log_density = batch.mean(model.log_density(parameters, batch.x));
        let loss = match model {
            Network::Flow(_) => -log_density,
            Network::Bipartite(model) => enumerated_log_z(&**model, parameters, log_density) - log_density,
            _ => batch.x.scope().fail("maximum likelihood needs a normalised density".to_string()),
        };
        Estimate::of_dimensions(batch, loss)
    }
}
