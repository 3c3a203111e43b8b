//! Contrastive divergence of two sides of units with block Gibbs chains (Hinton 2002; persistent: Tieleman 2008), with the
//! centred gradient (Montavon and Müller 2012; Melchior, Fischer and Wiskott 2016, algorithm 1):
//!
//! ```text
//! loss = -(E_data f(x) - E_chains f(x⁻)),         f(x) = g(x) + Σ softplus(c + W'x): minus the free energy, nats.
//! ```
//!
//! Where units of the first side are hidden (a deep machine's second layer), f of the data is its variational bound: f at their mean
//! field and their entropy H, neither of which is differentiated through. The gap that is reported leaves H out.
//!
//! The plain gradient is that of the log-likelihood with the model's expectations over chains. Where units count from offsets
//! μ (first side) and λ (second side), here their means over the batch, the energy is (x-μ)'W(h-λ) + b'(x-μ) + c'(h-λ), and a
//! step along its gradient is, in the parameters without offsets, the step
//!
//! ```text
//! W: dW - μ dc' - db λ' = dW*,      b: db - dW* λ,      c: dc - dW*' μ.
//! ```
//!
//! Chains from the data (CD-k) are traced here: their first product of data and weights is the loss's own. Others are advanced
//! by the host before the update.

use enscore_program::{Parameters, Var};

use super::{Batch, Estimate, Objective};
use crate::model::{Bipartite, Interaction, Network, draw_bernoulli, draw_units, mean_units};

/// Contrastive divergence by Gibbs sampling.
#[derive(Clone, Copy, Debug)]
pub struct GibbsDivergence {
    /// k of chains that start at the batch; none: the batch brings its chains.
    pub sweeps_from_data: Option<u64>,
    /// Whether the gradient is centred.
    pub centring: bool,
}

impl Objective<Network> for GibbsDivergence {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let Some(model) = model.bipartite() else {
            let fail = batch.x.scope().fail("Gibbs sampling needs two sides of units".to_string());
            return Estimate { loss: fail, optimised: fail, diagnostics: Vec::new() };
        };
        let rows = batch.x.extent(0);
        let x = batch.x.reshape(&[rows, batch.dimensions()]);
        let (data, entropy) = model.first_given_data(parameters, x);
        let (chains, reconstruction) = self.chains(model, parameters, batch, data);
        let of_data = batch.mean(model.first_log_density(parameters, data));
        let of_chains = model.first_log_density(parameters, chains).mean_all();
        let gap = of_data - of_chains;
        // Chains draw what of the first side is hidden, so that their f has no entropy to set beside the data's.
        let entropy = batch.mean(entropy);
        let loss = -gap - entropy;
        let optimised = if self.centring { centred(model, parameters, data, loss) } else { loss };
        let mut diagnostics =
            vec![("energy_gap", gap), ("log_density_data", of_data), ("log_density_chains", of_chains)];
        diagnostics.extend(model.is_bound().then_some(("mean_field_entropy", entropy)));
        diagnostics.extend(reconstruction.map(|error| ("reconstruction_error", error)));
        Estimate { loss, optimised, diagnostics }
    }
}

impl GibbsDivergence {
    /// Where the chains are after their sweeps; of chains from the data also the squared distance of each element from the
    /// mean that the first sweep draws it at, a mean over rows and elements.
    fn chains<'s>(
        &self,
        model: &dyn Bipartite,
        parameters: &Parameters<'s>,
        batch: &Batch<'s>,
        data: Var<'s>,
    ) -> (Var<'s>, Option<Var<'s>>) {
        let Some(sweeps) = self.sweeps_from_data else {
            let missing = || data.scope().fail("contrastive divergence needs chains".to_string());
            return (batch.chains.unwrap_or_else(missing), None);
        };
        let (mut x, mut reconstruction) = (data, None);
        for _ in 0..sweeps {
            let h = draw_bernoulli(batch.key, model.second_inputs(parameters, x));
            let inputs = model.first_inputs(parameters, h);
            x = draw_units(batch.key, model.first_units(), inputs);
            reconstruction = reconstruction
                .or_else(|| Some((mean_units(model.first_units(), inputs) - data).square().mean_all()));
        }
        // The law of the chains depends on the parameters; contrastive divergence leaves that part of the gradient out.
        (x.stop_gradient(), reconstruction.map(Var::stop_gradient))
    }
}

/// A function whose gradient is the centred one of `loss`: linear in the parameters, with that gradient as constants. The
/// offsets are the means of `data` `[batch, first]` and of the second side given it.
fn centred<'s>(
    model: &dyn Bipartite,
    parameters: &Parameters<'s>,
    data: Var<'s>,
    loss: Var<'s>,
) -> Var<'s> {
    let scope = data.scope();
    let declared = parameters.declared();
    let variables: Vec<Var<'s>> = declared.iter().map(|(_, var)| *var).collect();
    let mut gradients = scope.gradient(loss, &variables);
    let first = data.mean(&[0]);
    let second = model.second_inputs(parameters, data).sigmoid().mean(&[0]);
    let place = |name: &str| declared.iter().position(|(parameter, _)| parameter.name == name);
    // All biases' plain gradients are used before any is replaced: a unit may have weights to several parts of the other side.
    let plain = gradients.clone();
    for Interaction { weights, transposed, first: (first_bias, xs), second: (second_bias, hs) } in model.interactions() {
        let (Some(w), Some(b), Some(c)) = (place(weights), place(first_bias), place(second_bias)) else {
            return scope.fail(format!("{weights}, {first_bias} or {second_bias} is not declared"));
        };
        let (first, second) = (first.slice(0, xs.start, xs.end), second.slice(0, hs.start, hs.end));
        // Along the rows and the columns of W as it stands.
        let ((b, down), (c, across)) = match transposed {
            false => ((b, first), (c, second)),
            true => ((c, second), (b, first)),
        };
        let (column, row) = (down.reshape(&[down.extent(0), 1]), across.reshape(&[1, across.extent(0)]));
        let (db, dc) = (plain[b].reshape(&column.shape()), plain[c].reshape(&row.shape()));
        let weights = plain[w] - column * dc - db * row;
        gradients[w] = weights;
        gradients[b] = gradients[b] - (weights * row).sum(&[1]);
        gradients[c] = gradients[c] - (weights * column).sum(&[0]);
    }
    let products = variables.iter().zip(gradients).map(|(var, gradient)| (*var * gradient.stop_gradient()).sum_all());
    products.fold(scope.constant(0.0), |sum, product| sum + product)
}
