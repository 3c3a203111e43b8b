//! Maximum likelihood: the mean of -log p(x), nats, of a normalised density, a flow; or of two sides of units
//! with log Z by enumeration of a small one, whose gradient is the exact difference of the moments of data
//! and model.
//!
//! Per dimension and divided by ln 2 it is bits per dimension of the scaled data; a factor of the scale and
//! the dequantisation are the reader's to add.

use enscore_program::Parameters;

use super::estimate::{Batch, Estimate, Objective};
use super::kind::{ObjectiveFacts, ObjectiveKind, Scene};
use super::task::Task;
use crate::error::{Error, Result};
use crate::keys::{Fit, Kind, keys};
use crate::model::{Family, LogDensity, MOST_TRACED_UNITS, Network, enumerated_log_z, is_enumerable};

keys! {
    /// Settings of maximum likelihood: none.
    MaximumLikelihoodSettings {}
}

impl Kind for MaximumLikelihoodSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        match facts.family {
            Family::Autoregressive => Fit::Default,
            Family::Flow | Family::Bipartite => Fit::Yes,
            Family::Score
            | Family::Energy
            | Family::LatentVariable
            | Family::Generator
            | Family::Baseline => Fit::No,
        }
    }
}

impl ObjectiveKind for MaximumLikelihoodSettings {
    fn loss_unit(&self) -> &'static str {
        "nats per dimension"
    }

    /// The likelihood of a bipartite model enumerates its smaller side.
    fn build(&self, scene: Scene) -> Result<Task> {
        match scene.network.bipartite() {
            Some(units) if !is_enumerable(units) => {
                Err(Error::input("too many units to enumerate the exact likelihood")
                    .at("objective.kind = \"ml\"")
                    .found(format!("{} hidden units", units.second_width()))
                    .expected(format!("at most {MOST_TRACED_UNITS} on one side"))
                    .remedy("set objective.kind = \"cd\", or fewer model.hidden"))
            }
            _ => Ok(Task::new(MaximumLikelihood)),
        }
    }
}

/// Maximum likelihood.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaximumLikelihood;

impl Objective<Network> for MaximumLikelihood {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let log_density = batch.mean(match model {
            Network::Normalised(model) => model.log_density_in_training(parameters, batch.x, batch.key),
            _ => model.log_density(parameters, batch.x),
        });
        let loss = match model {
            _ if model.is_normalised() => -log_density,
            Network::Bipartite(model) => enumerated_log_z(&**model, parameters, log_density) - log_density,
            _ => batch.x.scope().fail("maximum likelihood needs a normalised density".to_string()),
        };
        Estimate::of_dimensions(batch, loss)
    }
}
