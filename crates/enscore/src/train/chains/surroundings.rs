//! What all chains of a training share: what they are made from, what they report, how their draws are
//! kept apart.

use enscore_program::Parameter;
use enscore_program::executor::Executor;

use crate::data::Statistics;
#[cfg(test)]
use crate::executor::Weights;
use crate::model::Network;
use crate::train::options::TrainingOptions;

/// Keeps the chains' noise apart from the updates' draws, which have the run's seed.
pub(super) const CHAIN_SEED: u64 = 0xC4A1_5EED_0000_0001;
/// The name of chains that persist in a checkpoint.
pub(super) const BUFFER: &str = "objective.chains";

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
    pub(crate) executor: &'a dyn Executor,
    /// Of the training rows.
    pub(crate) statistics: &'a Statistics,
    /// The first update that learns from the chains.
    pub(crate) first: u64,
}

/// Weights of a training with these values.
#[cfg(test)]
pub(super) fn weights(training: &crate::train::training::Training, values: &[Vec<f32>]) -> Weights {
    Weights::upload(&*training.executors().other, training.parameters(), values).unwrap()
}

/// The weights that a training starts from.
#[cfg(test)]
pub(super) fn initial_weights(training: &crate::train::training::Training) -> Weights {
    weights(training, &training.update().initial_state(3)[..training.parameters().len()])
}

/// Weights that are not finite.
#[cfg(test)]
pub(super) fn spoilt_weights(training: &crate::train::training::Training) -> Weights {
    let spoilt = training.parameters().iter().map(|parameter| vec![f32::NAN; parameter.size()]);
    weights(training, &spoilt.collect::<Vec<_>>())
}

/// What the chains of a training are made from, for tests of one kind of them.
#[cfg(test)]
pub(super) fn around<'a>(
    training: &'a crate::train::training::Training,
    statistics: &'a Statistics,
) -> Surroundings<'a> {
    Surroundings {
        model: training.model(),
        parameters: training.parameters(),
        options: training.options(),
        executor: &*training.executors().other,
        statistics,
        first: 0,
    }
}
