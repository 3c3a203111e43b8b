//! Samples from trained models: the samplers' loops, log densities on the host, and noise levels and step
//! sizes suggested from data.

mod arrival;
mod clamped;
mod density;
mod drawing;
mod far;
mod files;
mod kind;
mod kinds;
mod latents;
mod own_network;
mod samplers;
mod suggest;
mod trained;
mod transition;
mod weighted_bipartite;

pub use arrival::Arrival;
pub use clamped::draw_clamped;
pub use density::TrainedDensity;
pub use drawing::{Drawing, Drawn};
pub use files::{
    Average, FileDrawing, ModelFile, RbmFile, RowMap, SpinAverages, draw_from_file, draw_spins, ising_sides,
    read_image_tables,
};
pub use kind::{SamplerKind, Sampling, Tell};
pub use kinds::{Sampler, SamplerSettings, WeightsChoice};
pub use latents::LatentCoder;
pub(crate) use samplers::UnitChains;
pub use samplers::{
    AnnealedSettings, ExactSettings, GibbsSettings, HmcSettings, LangevinSettings, MalaSettings, Shown,
    draw_completed,
};
pub use suggest::{
    LARGEST_RATIO, Suggestion, SuggestionSettings, best_step_size, largest_distance, level_count,
    overlap_ratio, suggest,
};
pub use trained::TrainedModel;
pub use transition::{MoveReport, Schedule, Transition};
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
    let drawing = Drawing { count, seed, batch: drawing::rows_at_once(model), chains };
    let mut settling = 0;
    let mut tell = || {
        settling += 1;
        progress(0, settling)
    };
    let method = sampler.method.method();
    let Sampling { mut chains, schedule } = method.sampling(model, &drawing, &mut tell)?;
    let mut drawn = drawing.run(&mut *chains, &schedule, model.row_len(), progress)?;
    drawn.arrival = arrival::arrival(model, &std::mem::take(&mut drawn.watched))?;
    let remedy = method.remedy();
    drawn.warnings.extend(drawn.arrival.as_ref().and_then(|arrival| arrival.warning(remedy)));
    drawn.warnings.extend(drawn.moves.as_ref().and_then(MoveReport::warning));
    drawn.warnings.extend(far::far_warning(model, &drawn.rows, method.far_remedy()));
    Ok(drawn)
}
