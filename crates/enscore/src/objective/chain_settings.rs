//! The settings of chains that objectives learn from: Langevin steps of rows of the data, or Gibbs sweeps
//! of units.

use crate::keys::{above, at_least, choice, keys, within};
use crate::mcmc::StartNoise;

choice! {
    /// Where the chains of contrastive divergence start at each update.
    ChainStart {
        /// At the batch: CD-k.
        Data = "data",
        /// At uniform noise on the data's range: short-run.
        Noise = "noise",
        /// Where they stopped at the last update: persistent, from a replay buffer.
        Persistent = "persistent",
    }
}

keys! {
    /// Langevin chains.
    LangevinChainSettings {
        start: ChainStart = ChainStart::Persistent, (), "Where chains start at each update: at the batch, at noise, or where they stopped.";
        start_noise: StartNoise = StartNoise::Uniform, (), "Noise that chains start from, in training and sampling.";
        steps: u64 = 40, within(1, 1 << 20), "Langevin steps per update.";
        step_size: f64 = 0.01, above(0.0),
            "Step size: a step is x + step_size s + noise_std z, s the score at x, z standard normal; in squared units of the scaled data.";
        noise_std: f64 = 0.0, at_least(0.0),
            "Standard deviation of the noise per step; 0: sqrt(2 step_size), which samples at temperature 1.";
        buffer: usize = 10_000, within(1, 1 << 24), "With start = \"persistent\": chains in the replay buffer.";
        restart: f64 = 0.05, within(0.0, 1.0),
            "With start = \"persistent\": probability that a chain restarts from noise at an update.";
    }
}

impl LangevinChainSettings {
    /// T = b²/(2a): a chain with step a on the score and noise of standard deviation b targets the density
    /// to the power 1/T, so exp(f/T) is what chains of f reach in the long run.
    pub fn temperature(&self) -> f64 {
        if self.noise_std > 0.0 { self.noise_std * self.noise_std / (2.0 * self.step_size) } else { 1.0 }
    }
}

keys! {
    /// Chains of block Gibbs sweeps.
    GibbsChainSettings {
        start: ChainStart = ChainStart::Persistent, (), "Where chains start at each update: at the batch, at noise, or where they stopped.";
        steps: u64 = 1, within(1, 1 << 20), "Gibbs sweeps per update.";
        chains: usize = 0, within(0, 1 << 20),
            "Number of chains, all updated at every step; 0: train.batch. Must be 0 with start = \"data\".";
        temperatures: usize = 1, within(1, 256),
            "With start = \"persistent\": inverse temperatures of parallel tempering, from 0 to 1, each with its own set of chains; 1: no tempering.";
    }
}

/// The chains that an objective learns from.
#[derive(Clone, Debug, PartialEq)]
pub enum ChainSettings {
    /// Langevin steps of rows of the data.
    Langevin(LangevinChainSettings),
    /// Gibbs sweeps of the first side of units.
    Gibbs(GibbsChainSettings),
}

impl ChainSettings {
    /// Chains that a training with batches of so many rows keeps between updates.
    pub(crate) fn kept(&self, batch: usize) -> usize {
        match self {
            ChainSettings::Langevin(chains) if chains.start == ChainStart::Persistent => chains.buffer,
            ChainSettings::Gibbs(chains) if chains.start == ChainStart::Persistent => {
                let count = if chains.chains == 0 { batch } else { chains.chains };
                count * chains.temperatures
            }
            ChainSettings::Langevin(_) | ChainSettings::Gibbs(_) => 0,
        }
    }
}
