//! Contrastive divergence with chains (Hinton 2002; for neural energies Nijkamp, Hill, Zhu and Wu 2019,
//! algorithm 1; Du and Mordatch 2019, algorithm 1): the gradient of the log-likelihood with the model's
//! expectation taken over chains x⁻,
//!
//! ```text
//! loss = -(E_data f(x) - E_chains f(x⁻)) + λ (E_data f² + E_chains f²).
//! ```
//!
//! The host advances the chains before each update by Langevin steps x + a ∇f(x) + b z; they are constants
//! here. With chains that converge it is maximum likelihood at the temperature T = b²/(2a); short chains
//! learn what k steps from their start reach, and their energy is no likelihood. E_data f - E_chains f, the
//! gap, hovers about 0 when learning is stable.

use enscore_program::Parameters;

use super::{Batch, ENERGY_GAP, Estimate, Objective};
use crate::model::{LogDensity, Network};

/// Contrastive divergence.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContrastiveDivergence {
    /// λ, the weight of the mean of squared log densities of data and of chains.
    pub energy_l2: f64,
    /// The standard deviation of noise added to the data.
    pub data_noise: f64,
}

impl Objective<Network> for ContrastiveDivergence {
    fn estimate<'s>(&self, model: &Network, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let x = match self.data_noise > 0.0 {
            true => batch.x + self.data_noise * batch.key.normal(&batch.x.shape()),
            false => batch.x,
        };
        let chains =
            batch.chains.unwrap_or_else(|| x.scope().fail("contrastive divergence needs chains".to_string()));
        let data = model.log_density(parameters, x);
        let chains = model.log_density(parameters, chains);
        let (of_data, of_chains) = (batch.mean(data), chains.mean_all());
        let gap = of_data - of_chains;
        let mut loss = -gap;
        if self.energy_l2 > 0.0 {
            loss = loss + self.energy_l2 * (batch.mean(data.square()) + chains.square().mean_all());
        }
        let diagnostics =
            vec![(ENERGY_GAP, gap), ("log_density_data", of_data), ("log_density_chains", of_chains)];
        Estimate { loss, optimised: loss, diagnostics }
    }
}
