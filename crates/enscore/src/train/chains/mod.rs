//! The chains of contrastive divergence, which the host advances before each update with the energy as it
//! stands: Langevin steps of rows of the data, or Gibbs sweeps of two sides of units. The states of chains
//! that persist are part of the checkpoint.

mod gibbs;
mod langevin;
mod surroundings;

use enscore_program::executor::Buffer;

use crate::checkpoint::Tensors;
use crate::error::Result;
use crate::executor::{Routine, WeightsView};
use crate::objective::ChainSettings;

use gibbs::GibbsChains;
use langevin::LangevinChains;
pub(crate) use surroundings::{ChainReport, Surroundings};

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
    pub(crate) fn states(&self) -> &Buffer {
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

    /// Bytes of the chains that are part of a checkpoint.
    pub(crate) fn kept_bytes(&self) -> u64 {
        match self {
            Chains::Langevin(chains) => chains.kept_bytes(),
            Chains::Gibbs(chains) => chains.kept_bytes(),
        }
    }

    /// The compiled transition.
    pub(crate) fn routine(&mut self) -> &mut Routine {
        match self {
            Chains::Langevin(chains) => chains.routine(),
            Chains::Gibbs(chains) => chains.routine(),
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
    pub(crate) fn advance(&mut self, update: u64, weights: WeightsView, data: &[f32]) -> Result<ChainReport> {
        match self {
            Chains::Langevin(chains) => chains.advance(update, weights, data),
            Chains::Gibbs(chains) => chains.advance(update, weights),
        }
    }
}
