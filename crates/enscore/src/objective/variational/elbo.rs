//! The evidence lower bound (Kingma and Welling 2014, eq. 10):
//!
//! ```text
//! ln p(x) >= E_q ln p(x|z) - β KL(q(z|x) ‖ N(0, I)),   z = m(x) + s(x) e,   e ~ N(0, I),
//! ```
//!
//! with the divergence in closed form and the expectation by draws; β = 1 is the bound, another β trades
//! reconstruction against it (Higgins et al. 2017, eq. 4). The loss is minus that, nats.

use enscore_program::Parameters;

use super::weights::{LatentDraws, normals};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, above, keys, within};
use crate::model::{Family, Network, VAE};
use crate::objective::estimate::{Batch, Diagnostic, Estimate, Objective};
use crate::objective::kind::{ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

keys! {
    /// Settings of the evidence lower bound.
    ElboSettings {
        beta: f64 = 1.0, above(0.0), "Weight of the divergence from the prior; the loss is a bound of the log-likelihood at 1.";
        draws: usize = 1, within(1, 4096), "Draws of the latent variables for each row.";
    }
}

impl Kind for ElboSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::LatentVariable { Fit::Default } else { Fit::No }
    }
}

impl ObjectiveKind for ElboSettings {
    fn build(&self, _scene: Scene) -> Result<Task> {
        Ok(Task::new(Elbo { beta: self.beta, draws: self.draws }))
    }

    fn loss_unit(&self) -> &'static str {
        "nats per dimension"
    }

    fn cites(&self) -> Vec<Citation> {
        if self.beta == 1.0 { vec![VAE] } else { vec![VAE, BETA] }
    }
}

const BETA: Citation = Citation {
    role: "evidence lower bound with a weighted divergence",
    authors: "Irina Higgins, Loic Matthey, Arka Pal, Christopher Burgess, Xavier Glorot, Matthew Botvinick, \
              Shakir Mohamed, Alexander Lerchner",
    year: 2017,
    title: "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework",
    venue: "International Conference on Learning Representations",
};

/// The evidence lower bound.
#[derive(Clone, Copy, Debug)]
pub struct Elbo {
    /// The weight of the divergence from the prior.
    pub beta: f64,
    /// Draws for each row.
    pub draws: usize,
}

impl Elbo {
    /// E_q ln p(x|z) over the draws, and KL(q(z|x) ‖ N(0, I)), of each row: `[n]` each, nats.
    pub fn terms<'s>(draws: &LatentDraws<'s>) -> [enscore_program::Var<'s>; 2] {
        [draws.log_likelihood.mean(&[1]), draws.divergence()]
    }
}

impl Objective<Network> for Elbo {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let Some(model) = model.latent_variable() else { return no_latents(batch) };
        let e = normals(model, batch.x, batch.key, self.draws);
        let draws = LatentDraws::of(model, parameters, batch.x, e);
        let [likelihood, divergence] = Elbo::terms(&draws);
        let divergence = batch.mean(divergence);
        let loss = divergence * self.beta - batch.mean(likelihood);
        let mut estimate = Estimate::of_dimensions(batch, loss);
        estimate.diagnostics.push((Diagnostic::Named("divergence"), divergence));
        estimate
    }
}

/// What is estimated of a model without latent variables: a mistake that tracing reports.
pub(super) fn no_latents<'s>(batch: &Batch<'s>) -> Estimate<'s> {
    let loss = batch.x.scope().fail("this objective needs a latent variable model".to_string());
    Estimate::of_dimensions(batch, loss)
}
