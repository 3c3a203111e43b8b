//! Contrastive divergence of two sides of units with block Gibbs chains (Hinton 2002; persistent: Tieleman
//! 2008):
//!
//! ```text
//! loss = -(E_data f(x) - E_chains f(x⁻)),
//! f(x) = g(x) + Σ softplus(c + W'x): minus the free energy, nats.
//! ```
//!
//! Where units of the first side are hidden (a deep machine's second layer), f of the data is its variational
//! bound: f at their mean field and their entropy H, neither of which is differentiated through. The gap that
//! is reported leaves H out.
//!
//! What is optimised is linear in the parameters with the gradient as constants (`phases.rs`): chains are
//! constants, and the centred gradient is the derivative of no function of the plain parameters.
//!
//! Chains from the data (CD-k) are traced here: their first product of data and weights is the loss's own.
//! Others are advanced by the host before the update.

use enscore_program::{Parameters, Var};

use super::phases::{Phase, contrast_phases};
use super::{Batch, ENERGY_GAP, Estimate, Objective};
use crate::model::{Bipartite, Network, draw_bernoulli, draw_units, mean_units, sum_rows};

/// Contrastive divergence by Gibbs sampling.
#[derive(Clone, Copy, Debug)]
pub struct GibbsDivergence {
    /// k of chains that start at the batch; none: the batch brings its chains.
    pub sweeps_from_data: Option<u64>,
    /// Whether the gradient is centred.
    pub centring: bool,
}

/// A first side with the log odds of the second given it, and what else is known of it.
struct Side<'s> {
    first: Var<'s>,
    inputs: Var<'s>,
}

impl<'s> Side<'s> {
    /// f of each row: `[rows]`.
    fn log_density(&self, model: &dyn Bipartite, parameters: &Parameters<'s>) -> Var<'s> {
        model.first_alone(parameters, self.first) + sum_rows(self.inputs.softplus())
    }

    /// Each row with the probabilities of its second side, at this weight each.
    fn phase(&self, weights: Var<'s>) -> Phase<'s> {
        Phase { first: self.first, second: self.inputs.sigmoid(), weights }
    }
}

impl Objective<Network> for GibbsDivergence {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let Some(model) = model.bipartite() else {
            let fail = batch.x.scope().fail("Gibbs sampling needs a bipartite model".to_string());
            return Estimate { loss: fail, optimised: fail, diagnostics: Vec::new() };
        };
        let x = batch.x.reshape(&[batch.x.extent(0), batch.dimensions()]);
        let (data, entropy) = model.first_given_data(parameters, x);
        let (data, chains, reconstruction) = match self.sweeps_from_data {
            Some(sweeps) => from_data(model, parameters, batch.key, data, sweeps),
            None => brought(model, parameters, batch, data),
        };
        let of_data = batch.mean(data.log_density(model, parameters));
        let of_chains = chains.log_density(model, parameters).mean_all();
        let gap = of_data - of_chains;
        // Chains draw what of the first side is hidden, so that their f has no entropy to set beside the
        // data's.
        let entropy = batch.mean(entropy);
        let count = chains.first.extent(0);
        let phases = [
            data.phase(batch.weights / batch.weights.sum_all()),
            chains.phase(batch.x.scope().constant(1.0 / count as f64).broadcast_to(&[count])),
        ];
        let mut diagnostics =
            vec![(ENERGY_GAP, gap), ("log_density_data", of_data), ("log_density_chains", of_chains)];
        diagnostics.extend(model.is_bound().then_some(("mean_field_entropy", entropy)));
        diagnostics.extend(reconstruction.map(|error| ("reconstruction_error", error)));
        let optimised = -contrast_phases(model, parameters, phases, self.centring);
        Estimate { loss: -gap - entropy, optimised, diagnostics }
    }
}

/// The data and chains after `sweeps` sweeps from it, with the squared distance of each element from the mean
/// that the first sweep draws it at, a mean over rows and elements.
fn from_data<'s>(
    model: &dyn Bipartite,
    parameters: &Parameters<'s>,
    key: Var<'s>,
    x: Var<'s>,
    sweeps: u64,
) -> (Side<'s>, Side<'s>, Option<Var<'s>>) {
    let data = Side { first: x, inputs: model.second_inputs(parameters, x) };
    let (mut chains, mut reconstruction) = (Side { ..data }, None);
    for _ in 0..sweeps {
        let h = draw_bernoulli(key, chains.inputs);
        let inputs = model.first_inputs(parameters, h);
        let first = draw_units(key, model.first_units(), inputs);
        chains = Side { first, inputs: model.second_inputs(parameters, first) };
        let error = || (mean_units(model.first_units(), inputs) - x).square().mean_all();
        reconstruction = reconstruction.or_else(|| Some(error()));
    }
    (data, chains, reconstruction)
}

/// The data and the chains that the batch brings, in one product with the weights.
fn brought<'s>(
    model: &dyn Bipartite,
    parameters: &Parameters<'s>,
    batch: &Batch<'s>,
    data: Var<'s>,
) -> (Side<'s>, Side<'s>, Option<Var<'s>>) {
    let missing = || data.scope().fail("contrastive divergence needs chains".to_string());
    let chains = batch.chains.unwrap_or_else(missing);
    let rows = data.extent(0);
    let all = data.concatenate(&[chains], 0);
    let inputs = model.second_inputs(parameters, all);
    let chains_inputs = inputs.slice(0, rows, all.extent(0));
    let (data, chains) = (
        Side { first: data, inputs: inputs.slice(0, 0, rows) },
        Side { first: chains, inputs: chains_inputs },
    );
    (data, chains, None)
}
