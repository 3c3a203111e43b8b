//! The importance-weighted bound (Burda, Grosse and Salakhutdinov 2016, eq. 8):
//!
//! ```text
//! ln p(x) >= E ln (1/K) Σ_k w_k,   w_k = p(x|z_k) N(z_k; 0, I) / q(z_k|x),   z_k ~ q(z|x),
//! ```
//!
//! which K = 1 makes the evidence lower bound and a large K brings to ln p(x). The loss is minus that, nats.

use enscore_program::Parameters;

use super::elbo::no_latents;
use super::weights::log_weights;
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, keys, within};
use crate::model::{Family, Network, VAE};
use crate::objective::estimate::{Batch, Estimate, Objective};
use crate::objective::kind::{ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

keys! {
    /// Settings of the importance-weighted bound.
    ImportanceWeightedSettings {
        draws: usize = 5, within(1, 4096), "Draws of the latent variables for each row, K.";
    }
}

impl Kind for ImportanceWeightedSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::LatentVariable { Fit::Yes } else { Fit::No }
    }
}

impl ObjectiveKind for ImportanceWeightedSettings {
    fn build(&self, _scene: Scene) -> Result<Task> {
        Ok(Task::new(ImportanceWeighted { draws: self.draws }))
    }

    fn loss_unit(&self) -> &'static str {
        "nats per dimension"
    }

    fn cites(&self) -> Vec<Citation> {
        let bound = Citation {
            role: "importance-weighted bound",
            authors: "Yuri Burda, Roger Grosse, Ruslan Salakhutdinov",
            year: 2016,
            title: "Importance Weighted Autoencoders",
            venue: "International Conference on Learning Representations",
        };
        vec![VAE, bound]
    }
}

/// The importance-weighted bound.
#[derive(Clone, Copy, Debug)]
pub struct ImportanceWeighted {
    /// Draws for each row.
    pub draws: usize,
}

impl Objective<Network> for ImportanceWeighted {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let Some(model) = model.latent_variable() else { return no_latents(batch) };
        let weights = log_weights(model, parameters, batch.x, batch.key, self.draws);
        let bound = weights.log_sum_exp(1) - (self.draws as f64).ln();
        Estimate::of_dimensions(batch, -batch.mean(bound))
    }
}
