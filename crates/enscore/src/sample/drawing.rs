//! What the samplers share: what was drawn, batches of chains, their starts. Every draw depends on (seed,
//! step, chain), so a sample does not depend on how many are drawn beside it or in which batches.

use enscore_program::executor::Buffer;
use enscore_program::random::Key;

use super::trained::TrainedModel;
use crate::error::{Error, Reason, Result};
use crate::mcmc::NoiseStart;
use crate::streams;

/// What was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// `[rows, ..row_shape]`, in the scaled units of the training data.
    pub rows: Vec<f32>,
    /// Where samples are drawn at means that pictures show instead, these: the shape of `rows`.
    pub means: Option<Vec<f32>>,
    /// The first chains from start to end: `[stages, chains, ..row_shape]`.
    pub trajectory: Vec<f32>,
    /// Stages of a trajectory: the start, then the ends of noise levels or of equal parts of the chain.
    pub stages: usize,
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
    /// Samples drawn at once.
    pub batch: usize,
    /// Chains whose trajectory is kept.
    pub chains: usize,
}

impl Drawing {
    /// Draws batch after batch: `run` gives the rows of the batch whose first chain is number `first`, and
    /// appends the first `kept` values of each stage to the trajectory.
    pub(super) fn by_batches(
        &self,
        model: &TrainedModel,
        stages: usize,
        mut run: impl FnMut(usize, &mut Vec<f32>, usize) -> Result<Vec<f32>>,
    ) -> Result<Drawn> {
        let row = model.row_len();
        let rows = Vec::with_capacity(self.count * row);
        let mut drawn = Drawn { rows, means: None, trajectory: Vec::new(), stages };
        for first in (0..self.count).step_by(self.batch) {
            let kept = if first == 0 { self.chains.min(self.batch) * row } else { 0 };
            let rows = run(first, &mut drawn.trajectory, kept)?;
            drawn.rows.extend_from_slice(&rows[..self.batch.min(self.count - first) * row]);
        }
        match drawn.rows.iter().position(|x| !x.is_finite()) {
            Some(position) => Err(Error::new(Reason::Diverged, "the sampler diverged")
                .at(format!("sample {}", position / row))
                .found(drawn.rows[position])
                .remedy(
                    "use a smaller sampler.step_size (`enscore suggest` computes one for annealed sampling)",
                )),
            None => Ok(drawn),
        }
    }
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
