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

use super::chain_settings::{ChainSettings, ChainStart, LangevinChainSettings};
use super::estimate::{Batch, Diagnostic, Estimate, Objective};
use super::kind::{HeldOutLoss, ObjectiveFacts, ObjectiveKind, Scene};
use super::task::Task;
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, at_least, keys};
use crate::mcmc::{LangevinDefaults, SamplerFacts, StartNoise};
use crate::model::{Family, LogDensity, Network};

/// Contrastive divergence.
pub(super) const HINTON: Citation = Citation {
    role: "contrastive divergence",
    authors: "Geoffrey E. Hinton",
    year: 2002,
    title: "Training Products of Experts by Minimizing Contrastive Divergence",
    venue: "Neural Computation 14(8), 1771-1800",
};

keys! {
    /// Settings of contrastive divergence with Langevin chains.
    ContrastiveDivergenceSettings {
        [..chains: LangevinChainSettings]
        energy_l2: f64 = 0.0, at_least(0.0), "Weight of the penalty on squared log densities of data and chains.";
        data_noise: f64 = 0.0, at_least(0.0),
            "Standard deviation of noise added to the data, in units of the scaled data; 0: none.";
    }
}

impl Kind for ContrastiveDivergenceSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::Energy { Fit::Yes } else { Fit::No }
    }
}

impl ObjectiveKind for ContrastiveDivergenceSettings {
    fn build(&self, _scene: Scene) -> Result<Task> {
        let objective = ContrastiveDivergence { energy_l2: self.energy_l2, data_noise: self.data_noise };
        let chains = Some(ChainSettings::Langevin(self.chains.clone()));
        Ok(Task { chains, ..Task::new(objective) })
    }

    fn held_out(&self) -> HeldOutLoss {
        HeldOutLoss::None
    }

    fn temperature(&self) -> f64 {
        self.chains.temperature()
    }

    fn start_noise(&self) -> StartNoise {
        self.chains.start_noise
    }

    fn sampling(&self, family: Family) -> SamplerFacts {
        let LangevinChainSettings { step_size, noise_std, steps, start, .. } = self.chains;
        let short_run = start == ChainStart::Noise;
        let langevin = LangevinDefaults { step_size, noise_std, steps: steps.max(100), short_run };
        SamplerFacts { family, langevin, ..SamplerFacts::default() }
    }

    fn cites(&self) -> Vec<Citation> {
        let short_run = Citation {
            role: "short-run Langevin chains from noise",
            authors: "Erik Nijkamp, Mitch Hill, Song-Chun Zhu, Ying Nian Wu",
            year: 2019,
            title: "Learning Non-Convergent Non-Persistent Short-Run MCMC Toward Energy-Based Model",
            venue: "Advances in Neural Information Processing Systems 32",
        };
        let replay_buffer = Citation {
            role: "persistent Langevin chains in a replay buffer",
            authors: "Yilun Du, Igor Mordatch",
            year: 2019,
            title: "Implicit Generation and Modeling with Energy Based Models",
            venue: "Advances in Neural Information Processing Systems 32",
        };
        vec![HINTON, short_run, replay_buffer]
    }
}

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
        let x = if self.data_noise > 0.0 {
            batch.x + self.data_noise * batch.key.normal(&batch.x.shape())
        } else {
            batch.x
        };
        let chains =
            batch.chains.unwrap_or_else(|| x.scope().fail("contrastive divergence needs chains".to_string()));
        let data = model.log_density(parameters, x);
        let chains = model.log_density(parameters, chains);
        let of_data = batch.mean(data);
        let of_chains = chains.mean_all();
        let gap = of_data - of_chains;
        let mut loss = -gap;
        if self.energy_l2 > 0.0 {
            loss = loss + self.energy_l2 * (batch.mean(data.square()) + chains.square().mean_all());
        }
        let diagnostics = vec![
            (Diagnostic::EnergyGap, gap),
            (Diagnostic::Named("log_density_data"), of_data),
            (Diagnostic::Named("log_density_chains"), of_chains),
        ];
        Estimate { loss, optimised: loss, diagnostics }
    }
}
