//! What the samplers share: what was drawn, batches of chains, their starts. Every draw depends on (seed,
//! step, chain), so a sample does not depend on how many are drawn beside it or in which batches.

use enscore_program::executor::Buffer;
use enscore_program::random::Key;

use super::arrival::Arrival;
use super::trained::TrainedModel;
use super::transition::{MoveReport, Schedule, Transition};
use crate::error::{Error, Reason, Result};
use crate::mcmc::NoiseStart;
use crate::streams;

/// Rows of a program of chains, and of one whose rows are images.
const ROWS: usize = 64;
const IMAGES: usize = 16;

/// What was drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// `[rows, ..row_shape]`, in the scaled units of the training data.
    pub rows: Vec<f32>,
    /// Where samples are drawn at means that pictures show instead, these: the shape of `rows`.
    pub means: Option<Vec<f32>>,
    /// The first chains from start to end: `[stages, chains, ..row_shape]`.
    pub trajectory: Vec<f32>,
    /// Stages of a trajectory: the start, then the ends of noise levels or of equal parts of the chain.
    pub stages: usize,
    /// How proposals fared, where they could be refused.
    pub moves: Option<MoveReport>,
    /// How the first chains stood over the last part of their steps; none where they need not arrive, or of
    /// too few steps to tell.
    pub arrival: Option<Arrival>,
    /// What to tell the user.
    pub warnings: Vec<String>,
    /// Rows of the first chains at the steps watched, until it is seen how they stand.
    pub(super) watched: Vec<Vec<f32>>,
}

impl Drawn {
    /// What pictures show.
    pub fn shown(&self) -> &[f32] {
        self.means.as_ref().unwrap_or(&self.rows)
    }
}

/// How many samples are drawn, from which seed, in which batches.
#[derive(Clone, Copy, Debug)]
pub struct Drawing {
    /// Samples.
    pub count: usize,
    /// The seed.
    pub seed: u64,
    /// Chains that move together. Programs of chains have this many rows whether or not all are asked for:
    /// another number of rows would round differently.
    pub batch: usize,
    /// Chains whose trajectory is kept.
    pub chains: usize,
}

impl Drawing {
    /// Draws batch after batch: starts the chains, moves them as scheduled, and keeps their ends.
    ///
    /// # Errors
    /// Samples that are not finite, naming the first; whatever `progress` returns.
    pub fn run(
        &self,
        transition: &mut dyn Transition,
        schedule: &Schedule,
        row_len: usize,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Drawn> {
        let stages = schedule.stages.len();
        let rows = Vec::with_capacity(self.count * row_len);
        let mut drawn = Drawn { rows, stages, ..Drawn::default() };
        let mut kept_stages = vec![Vec::new(); stages];
        let total = self.count.div_ceil(self.batch) as u64 * schedule.steps;
        let mut done = 0;
        for first in (0..self.count).step_by(self.batch) {
            let chains = first..(first + self.batch).min(self.count);
            let taken = chains.len() * row_len;
            let kept = self.chains.saturating_sub(first).min(chains.len()) * row_len;
            transition.start(chains)?;
            let mut at = 0;
            loop {
                if let Some(stage) = schedule.stages.iter().position(|stage| *stage == at && kept > 0) {
                    kept_stages[stage].extend_from_slice(&transition.rows()?[..kept]);
                }
                if first == 0 && schedule.watched.contains(&at) {
                    drawn.watched.push(transition.rows()?);
                }
                if at == schedule.steps {
                    break;
                }
                let stops = schedule.stages.iter().chain(&schedule.watched).filter(|stop| **stop > at);
                let stop = stops.min().unwrap_or(&schedule.steps);
                let next = (at + transition.steps_at_once()).min(*stop);
                transition.advance(at + 1..next + 1)?;
                done += next - at;
                at = next;
                progress(done, total)?;
            }
            drawn.rows.extend_from_slice(&transition.rows()?[..taken]);
            if let Some(means) = transition.means()? {
                drawn.means.get_or_insert_default().extend_from_slice(&means[..taken]);
            }
        }
        drawn.trajectory = kept_stages.concat();
        drawn.moves = transition.moves();
        refuse_divergence(drawn, row_len)
    }
}

fn refuse_divergence(drawn: Drawn, row_len: usize) -> Result<Drawn> {
    match drawn.rows.iter().position(|x| !x.is_finite()) {
        Some(position) => Err(Error::new(Reason::Diverged, "the sampler diverged")
            .at(format!("sample {}", position / row_len.max(1)))
            .found(drawn.rows[position])
            .remedy(
                "use a smaller sampler.step_size (`enscore suggest` computes one for annealed sampling)",
            )),
        None => Ok(drawn),
    }
}

/// Rows of a program of chains. It follows from the model alone, so that sample i is the same however many
/// are drawn: chain i is always row i modulo this of a program of this shape, beside the same chains. Images
/// come in few, so that one of them does not cost as much as a sheet.
pub(super) fn rows_at_once(model: &TrainedModel) -> usize {
    let on_host = model.model.bipartite().is_some() || model.model.normalised().is_some();
    let is_image = model.data.row_shape.len() == 3 && !on_host;
    if is_image { IMAGES } else { ROWS }
}

/// `batch` chains from number `first` on, at noise of the size of the data.
pub(super) fn noise_start(model: &TrainedModel, seed: u64, first: usize, batch: usize) -> Result<Buffer> {
    let data = &model.data;
    let noise = NoiseStart::new(model.start_noise, data.range, &data.mean, &data.deviation);
    let mut x = vec![0.0f32; batch * model.row_len()];
    for (chain, row) in x.chunks_exact_mut(model.row_len().max(1)).enumerate() {
        noise.fill(Key::new(seed, 0), streams::SAMPLE_START, (first + chain) as u64, row);
    }
    Ok(model.executor.upload(x[..].into())?)
}
