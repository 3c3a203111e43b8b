//! Samples by annealed Langevin dynamics (Song and Ermon 2019, Algorithm 1) with a final denoising step.
//!
//! Chains start uniform on the range of the training data. Every draw depends on (seed, step, chain), so a sample does
//! not depend on how many are drawn beside it or in which batches.

use enscore_cpu::Argument;
use enscore_program::random::{Key, row_words, uniform};

use super::trained::{TrainedScore, refused};
use crate::error::{Error, Result};
use crate::mcmc::{DenoiseProgram, LangevinProgram, StepRule};
use crate::settings::Sampler;

/// The stream of the starting points; traced programs number theirs from 0.
const START_STREAM: u32 = 0x7374_6172;

/// What was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// `[rows, ..row_shape]`, in the scaled units of the training data.
    pub rows: Vec<f32>,
    /// The first chains at the start, after each noise level and after denoising: `[stages, chains, ..row_shape]`.
    pub trajectory: Vec<f32>,
}

/// Draws `count` samples under `seed`, keeping the trajectory of the first `chains` of them. `progress` is told how many
/// steps of how many are done, and may end the drawing by returning an error.
///
/// # Errors
/// Samples that are not finite, naming the first; whatever `progress` returns.
pub fn draw(
    score: &TrainedScore,
    sampler: &Sampler,
    count: usize,
    seed: u64,
    chains: usize,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let batch = sampler.batch.min(count.max(1));
    let langevin = LangevinProgram::trace(&*score.model, &score.parameters, batch)?;
    let denoise = DenoiseProgram::trace(&*score.model, &score.parameters, batch)?;
    let mut chain = Annealing {
        score,
        sampler,
        langevin: score.compile(&langevin.program)?,
        denoise: score.compile(&denoise.program)?,
        seed,
        batch,
        done: 0,
        total: (count.div_ceil(batch) * score.levels.as_slice().len()) as u64 * sampler.steps_per_level,
    };
    let row = score.row_len();
    let mut drawn = Drawn { rows: Vec::with_capacity(count * row), trajectory: Vec::new() };
    for first in (0..count).step_by(batch) {
        let kept = if first == 0 { chains.min(batch) * row } else { 0 };
        let rows = chain.run(first, &mut drawn.trajectory, kept, progress)?;
        drawn.rows.extend_from_slice(&rows[..batch.min(count - first) * row]);
    }
    match drawn.rows.iter().position(|x| !x.is_finite()) {
        Some(position) => Err(Error::run("the sampler diverged")
            .at(format!("sample {}", position / row))
            .found(drawn.rows[position])
            .remedy("use a smaller sampler.step_size (`enscore suggest` computes one)")),
        None => Ok(drawn),
    }
}

struct Annealing<'a> {
    score: &'a TrainedScore,
    sampler: &'a Sampler,
    langevin: enscore_cpu::Executable<f32>,
    denoise: enscore_cpu::Executable<f32>,
    seed: u64,
    batch: usize,
    done: u64,
    total: u64,
}

impl Annealing<'_> {
    /// One batch of chains, whose first is number `first`.
    fn run(
        &mut self,
        first: usize,
        trajectory: &mut Vec<f32>,
        kept: usize,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Vec<f32>> {
        let mut x = self.start(first);
        let mut moved = vec![0.0; x.len()];
        let (levels, rule) = (&self.score.levels, StepRule::from(self.sampler.rule));
        trajectory.extend_from_slice(&x[..kept]);
        let mut step = 0;
        for sigma in levels.as_slice() {
            let (drift, noise_std) = rule.step(self.sampler.step_size, *sigma, levels.last());
            let scalars = [*sigma, drift, noise_std].map(|value| [value as f32]);
            for _ in 0..self.sampler.steps_per_level {
                step += 1;
                let mut inputs = self.score.arguments();
                inputs.push(Argument::Float(&x));
                inputs.extend(scalars.iter().map(|value| Argument::Float(value)));
                inputs.push(Argument::Key(Key { seed: self.seed, step, row: first as u64 }));
                self.langevin.run(&inputs, &mut [&mut moved]).map_err(refused)?;
                std::mem::swap(&mut x, &mut moved);
                self.done += 1;
                progress(self.done, self.total)?;
            }
            trajectory.extend_from_slice(&x[..kept]);
        }
        if self.sampler.denoise {
            let sigma = vec![levels.last() as f32; self.batch];
            let mut inputs = self.score.arguments();
            inputs.extend([Argument::Float(&x), Argument::Float(&sigma)]);
            self.denoise.run(&inputs, &mut [&mut moved]).map_err(refused)?;
            std::mem::swap(&mut x, &mut moved);
            trajectory.extend_from_slice(&x[..kept]);
        }
        Ok(x)
    }

    /// Uniform on the range of the training data.
    fn start(&self, first: usize) -> Vec<f32> {
        let row = self.score.row_len();
        let [low, high] = self.score.data.range;
        let mut words = vec![0; row];
        let mut x = Vec::with_capacity(self.batch * row);
        for chain in first..first + self.batch {
            row_words(Key::new(self.seed, 0), START_STREAM, chain as u64, &mut words);
            x.extend(words.iter().map(|word| (low + (high - low) * uniform(*word)) as f32));
        }
        x
    }
}
