//! The chains of contrastive divergence, which the host advances before each update with the energy as it
//! stands: Langevin steps of rows of the data, or Gibbs sweeps of two sides of units. The states of chains
//! that persist are part of the checkpoint.

mod gibbs;
mod langevin;

use enscore_cpu::Executable;
use enscore_program::Parameter;

use crate::checkpoint::Tensors;
use crate::data::Statistics;
use crate::error::Result;
use crate::model::Network;
use crate::objective::ChainSettings;
use crate::train::options::TrainingOptions;

use gibbs::GibbsChains;
use langevin::LangevinChains;

/// Streams of the host's draws; traced programs number theirs from 0.
const START_STREAM: u32 = 0x6368_7374;
const RESTART_STREAM: u32 = 0x6368_7265;
/// Keeps the chains' noise apart from the updates' draws, which have the run's seed.
const CHAIN_SEED: u64 = 0xC4A1_5EED_0000_0001;
/// The name of chains that persist in a checkpoint.
const BUFFER: &str = "objective.chains";

/// What happened to the chains before one update.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChainReport {
    /// Chains that started anew by the restart probability.
    pub(crate) restarted: usize,
    /// Chains that were not finite and started anew.
    pub(crate) not_finite: usize,
    /// The fraction of chains that left the range of the data; 0 of units, which have none to leave.
    pub(crate) escaped: f64,
    /// Of neighbouring temperatures, the fraction of proposed swaps that were accepted.
    pub(crate) swapped: Option<f64>,
}

/// What the chains of a training are made from.
pub(crate) struct Surroundings<'a> {
    pub(crate) model: &'a Network,
    pub(crate) parameters: &'a [Parameter],
    pub(crate) options: &'a TrainingOptions,
    /// Of the training rows.
    pub(crate) statistics: &'a Statistics,
    /// The first update that learns from the chains.
    pub(crate) first: u64,
}

/// The chains of a training.
pub(crate) enum Chains {
    Langevin(LangevinChains),
    Gibbs(GibbsChains),
}

impl Chains {
    /// The chains that `settings` describe, all of them at noise.
    pub(crate) fn new(settings: &ChainSettings, surroundings: &Surroundings) -> Result<Chains> {
        match settings {
            ChainSettings::Langevin(cd) => LangevinChains::new(surroundings, cd).map(Chains::Langevin),
            ChainSettings::Gibbs(cd) => GibbsChains::new(surroundings, cd).map(Chains::Gibbs),
        }
    }

    /// The chains' states: `[chains, ..row_shape]`, or `[chains, first]` of two sides of units.
    pub(crate) fn states(&self) -> &[f32] {
        match self {
            Chains::Langevin(chains) => chains.states(),
            Chains::Gibbs(chains) => chains.states(),
        }
    }

    /// Bytes that the chains take.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Chains::Langevin(chains) => chains.bytes(),
            Chains::Gibbs(chains) => chains.bytes(),
        }
    }

    /// The compiled transition.
    pub(crate) fn executable(&mut self) -> &mut Executable<f32> {
        match self {
            Chains::Langevin(chains) => chains.executable(),
            Chains::Gibbs(chains) => chains.executable(),
        }
    }

    /// The chains as a checkpoint holds them, where they persist.
    pub(crate) fn save(&self, tensors: &mut Tensors) -> Result<()> {
        match self {
            Chains::Langevin(chains) => chains.save(tensors),
            Chains::Gibbs(chains) => chains.save(tensors),
        }
    }

    /// The chains of a checkpoint.
    ///
    /// # Errors
    /// A checkpoint without them, or with another number.
    pub(crate) fn restore(&mut self, tensors: &Tensors) -> Result<()> {
        match self {
            Chains::Langevin(chains) => chains.restore(tensors),
            Chains::Gibbs(chains) => chains.restore(tensors),
        }
    }

    /// Advances the chains of the update after `update` steps, on the energy with these weights; `data` is
    /// its batch.
    pub(crate) fn advance(&mut self, update: u64, weights: &[&[f32]], data: &[f32]) -> Result<ChainReport> {
        match self {
            Chains::Langevin(chains) => chains.advance(update, weights, data),
            Chains::Gibbs(chains) => chains.advance(update, weights),
        }
    }
}

/// What the chains of a training are made from, for tests of one kind of them.
#[cfg(test)]
fn around<'a>(training: &'a super::training::Training, statistics: &'a Statistics) -> Surroundings<'a> {
    Surroundings {
        model: training.model(),
        parameters: training.parameters(),
        options: training.options(),
        statistics,
        first: 0,
    }
}
