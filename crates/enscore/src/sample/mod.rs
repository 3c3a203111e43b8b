//! Samples from trained models: the samplers' loops, log densities on the host, and noise levels and step
//! sizes suggested from data.

mod annealed;
mod clamped;
mod density;
mod drawing;
mod exact;
mod files;
mod gibbs;
mod kind;
mod kinds;
mod langevin;
mod own_network;
mod suggest;
mod trained;
mod weighted_bipartite;

pub use annealed::AnnealedSettings;
pub use clamped::draw_clamped;
pub use density::TrainedDensity;
pub use drawing::{Drawing, Drawn};
pub use exact::ExactSettings;
pub use files::{FileDraws, ModelFile, RbmFile, draw_from_file, ising_sides};
pub use gibbs::{GibbsSettings, Shown};
pub use kind::SamplerKind;
pub use kinds::{Sampler, SamplerSettings, WeightsChoice};
pub use langevin::LangevinSettings;
pub use suggest::{
    LARGEST_RATIO, Suggestion, SuggestionSettings, best_step_size, largest_distance, level_count,
    overlap_ratio, suggest,
};
pub use trained::TrainedModel;
pub use weighted_bipartite::WeightedBipartite;

use crate::error::Result;

/// Draws `count` samples under `seed`, keeping the trajectory of the first `chains` of them. `progress` is
/// told how many steps of how many are done, and may end the drawing by returning an error.
///
/// # Errors
/// Samples that are not finite, naming the first; whatever `progress` returns.
pub fn draw(
    model: &TrainedModel,
    sampler: &Sampler,
    count: usize,
    seed: u64,
    chains: usize,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let drawing = Drawing { count, seed, batch: sampler.batch.min(count.max(1)), chains };
    sampler.method.method().draw(model, &drawing, progress)
}
