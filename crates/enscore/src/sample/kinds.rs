//! The list of samplers that settings can name, and `[sampler]`: how samples are drawn.

use super::kind::SamplerKind;
use crate::error::Result;
use crate::keys::{Keys, Reader, choice, keys, kinds, within};
use crate::mcmc::SamplerFacts;

kinds! {
    /// A way to draw samples, with its settings.
    SamplerSettings: SamplerKind, by SamplerFacts, in "sampler", "Sampler; the default follows from model and objective. With objective.kind = \"fce\", \"exact\" draws from the flow." {
        /// Langevin dynamics over falling noise levels.
        Annealed(super::samplers::AnnealedSettings) = "annealed",
        /// Langevin dynamics on one density.
        Langevin(super::samplers::LangevinSettings) = "langevin",
        /// The Metropolis-adjusted Langevin algorithm on one density.
        Mala(super::samplers::MalaSettings) = "mala",
        /// Hamiltonian Monte Carlo on one density.
        Hmc(super::samplers::HmcSettings) = "hmc",
        /// Block Gibbs sweeps of a bipartite model.
        Gibbs(super::samplers::GibbsSettings) = "gibbs",
        /// Base draws mapped through a flow.
        Exact(super::samplers::ExactSettings) = "exact",
    }
}

choice! {
    /// The weights to sample with.
    WeightsChoice {
        /// Their exponential moving average.
        Ema = "ema",
        /// Those of the last step.
        Raw = "raw",
    }
}

keys! {
    /// What every sampler has.
    Common {
        batch: usize = 64, within(1, 1 << 20), "Has no effect any more: how many samples are computed at once is fixed, so that each is the same however many are drawn.";
        count: usize = 64, within(1, 1 << 30), "Number of samples if the command doesn't give one.";
        weights: WeightsChoice = WeightsChoice::Ema, (), "Weights to sample with: their moving average, or those of the last step.";
    }
}

/// How samples are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler {
    /// The method with its own keys.
    pub method: SamplerSettings,
    /// Has no effect: how many samples are computed at once is fixed.
    pub batch: usize,
    /// Number of samples if the command doesn't give one.
    pub count: usize,
    /// The weights to sample with.
    pub weights: WeightsChoice,
}

impl Sampler {
    /// Reads the table: the sampler that fits model and objective is the default.
    pub(crate) fn read(reader: &mut Reader, facts: &SamplerFacts) -> Result<Sampler> {
        let method = SamplerSettings::TABLE.read(reader, facts, "this model and objective")?;
        let Common { batch, count, weights } = Common::read_keys(reader)?;
        Ok(Sampler { method, batch, count, weights })
    }

    /// Reads the keys of every kind, for the reference.
    pub(crate) fn read_all(reader: &mut Reader) -> Result<()> {
        SamplerSettings::TABLE.read_all(reader)?;
        Common::read_keys(reader).map(drop)
    }
}
