//! The updates of a task's players, and what a training of them needs before they are compiled.

use super::memory::MemoryNeed;
use super::options::TrainingOptions;
use super::update::{Steps, UpdateProgram};
use crate::data::Subset;
use crate::error::Result;
use crate::model::{self, Network};
use crate::objective::{self, ChainSettings, Task};

/// The update of each of the task's players.
pub(super) fn trace_updates(
    model: &Network,
    task: &Task,
    options: &TrainingOptions,
) -> Result<Vec<UpdateProgram>> {
    let row_shape = model.row_shape();
    let chains = task.chains.as_ref().map(|chains| chain_shape(chains, model, options.batch));
    let trace = |player: &objective::Player| {
        let chains = chains.as_deref().filter(|_| player.learns_from_chains);
        let steps = Steps { batch: options.batch, row_shape, chains, moves: &*player.moves };
        UpdateProgram::trace_steps(model, &*player.objective, &options.optimiser, &steps)
    };
    task.players.iter().map(trace).collect()
}

/// The extents of the chains that an update learns from.
fn chain_shape(chains: &ChainSettings, model: &Network, batch: usize) -> Vec<usize> {
    match (chains, model.bipartite()) {
        (ChainSettings::Gibbs(cd), Some(model)) => {
            let count = if cd.chains == 0 { batch } else { cd.chains };
            vec![count, model.first_width()]
        }
        _ => model::batch_shape(batch, model.row_shape()),
    }
}

/// What rows, parameters and chains that persist take.
pub(super) fn needed(
    data: &Subset,
    model: &Network,
    task: &Task,
    update: &UpdateProgram,
    options: &TrainingOptions,
) -> MemoryNeed {
    let need = MemoryNeed::of(data, &update.parameters);
    let Some(chains) = &task.chains else { return need };
    let row_len: usize = chain_shape(chains, model, options.batch).iter().skip(1).product();
    need.with_chains(0.0, 4.0 * chains.kept(options.batch) as f64 * row_len as f64)
}
