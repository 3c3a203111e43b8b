//! Step size and number of steps of Langevin chains, chosen from the model and its data by pilot chains that
//! no sample is taken from, so that they depend on model and seed alone.
//!
//! The step size ε is tuned (Robbins and Monro 1951) until steps x' = x + ε s(x) + √(2ε) z would be accepted
//! with a mean probability of 0.9 by the Metropolis-adjusted algorithm. With f(x') - f(x) by the trapezoidal
//! rule along the step, its log ratio is
//!
//! ```text
//! -ε/4 (‖s(x')‖² - ‖s(x)‖²),
//! ```
//!
//! exact for Gaussian densities, and known of score networks, too. The number of steps is the smallest power
//! of two times 64 at which chains from noise have stopped drifting (see `arrival`) for the second time in a
//! row, and at which free steps would cover the spread of the data: 2 ε n ≥ v.

use enscore_program::random::{Key, normal_row, row_words, uniform};

use crate::error::Result;
use crate::model::HostDensity;
use crate::sample::arrival::{arrival, spread, watched};
use crate::sample::density::TrainedDensity;
use crate::sample::drawing::{noise_start, rows_at_once};
use crate::sample::kind::Tell;
use crate::sample::trained::TrainedModel;
use crate::streams;

/// The number of the first pilot chain: no sample has it.
pub(super) const FIRST_PILOT: usize = 1 << 40;
/// The acceptance that the step size is tuned to: some 5 % too much variance across the narrowest direction.
const ACCEPTANCE: f64 = 0.9;
/// Steps that tune it.
const TUNING: u64 = 300;
/// By how much the log of the step moves for each unit by which the acceptance misses its aim.
const GAIN: f64 = 0.5;
/// The first number of steps tried.
const FEWEST: u64 = 128;
/// The most, of vectors and of images; of rows so long that a chain would move more numbers than this in
/// all, fewer, but never fewer than the last.
const MOST: u64 = 1 << 15;
const MOST_OF_IMAGES: u64 = 1 << 11;
const MOST_NUMBERS: u64 = 1 << 21;
const LEAST_OF_LONG: u64 = 1 << 9;

/// How Langevin chains on f/T move: x + ε ∇(f/T) + √(2ε) z, and for how many steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Settled {
    /// ε, in squared units of the scaled data.
    pub(super) step_size: f64,
    pub(super) steps: u64,
}

/// Chooses what is 0 of `asked`.
pub(super) fn settled(model: &TrainedModel, asked: Settled, seed: u64, tell: &mut Tell) -> Result<Settled> {
    let mut pilots = Pilots {
        model,
        density: TrainedDensity::in_batches(model, rows_at_once(model))?,
        seed,
        x: Vec::new(),
        score: Vec::new(),
    };
    let step_size = if asked.step_size > 0.0 { asked.step_size } else { pilots.tuned(tell)? };
    let steps = if asked.steps > 0 { asked.steps } else { pilots.arrived(step_size, tell)? };
    Ok(Settled { step_size, steps })
}

struct Pilots<'a> {
    model: &'a TrainedModel,
    density: TrainedDensity<'a>,
    seed: u64,
    x: Vec<f64>,
    score: Vec<f64>,
}

impl Pilots<'_> {
    fn len(&self) -> usize {
        self.model.row_len().max(1)
    }

    fn begin(&mut self) -> Result<()> {
        let start: Vec<f32> =
            noise_start(self.model, self.seed, FIRST_PILOT, rows_at_once(self.model))?.read()?;
        self.x = start.into_iter().map(f64::from).collect();
        self.score = self.density.score(&self.x)?;
        Ok(())
    }

    /// Where a step of every chain would lead, and the score there.
    fn proposed(&mut self, step_size: f64, step: u64) -> Result<(Vec<f64>, Vec<f64>)> {
        let len = self.len();
        let mut y = vec![0.0; self.x.len()];
        for (chain, y) in y.chunks_exact_mut(len).enumerate() {
            normal_row(self.key(step), streams::MOVE, (FIRST_PILOT + chain) as u64, y);
        }
        let noise = (2.0 * step_size).sqrt();
        for ((y, x), s) in y.iter_mut().zip(&self.x).zip(&self.score) {
            *y = x + step_size * s + noise * *y;
        }
        let score = self.density.score(&y)?;
        Ok((y, score))
    }

    fn key(&self, step: u64) -> Key {
        Key { seed: self.seed, step, row: FIRST_PILOT as u64 }
    }

    /// The step size: the mean of its log over the second half of the steps that tune it. Steps that would
    /// be refused are not taken, so that large first ones lead nowhere.
    fn tuned(&mut self, tell: &mut Tell) -> Result<f64> {
        self.begin()?;
        let len = self.len();
        let mut log_step = (1e-3 * spread(self.model)).ln();
        let mut sum = 0.0;
        for step in 1..=TUNING {
            let step_size = log_step.exp();
            let (y, score) = self.proposed(step_size, step)?;
            let mut accepted = 0.0;
            for chain in 0..self.x.len() / len {
                let row = chain * len..(chain + 1) * len;
                let square = |s: &[f64]| s[row.clone()].iter().map(|s| s * s).sum::<f64>();
                let ratio = -0.25 * step_size * (square(&score) - square(&self.score));
                let probability = if ratio.is_nan() { 0.0 } else { ratio.exp().min(1.0) };
                accepted += probability;
                let mut word = [0; 1];
                row_words(self.key(step), streams::ACCEPT, (FIRST_PILOT + chain) as u64, &mut word);
                if uniform(word[0]) < probability {
                    self.x[row.clone()].copy_from_slice(&y[row.clone()]);
                    self.score[row.clone()].copy_from_slice(&score[row]);
                }
            }
            log_step += GAIN * (accepted * len as f64 / self.x.len() as f64 - ACCEPTANCE);
            sum += if step > TUNING / 2 { log_step } else { 0.0 };
            tell()?;
        }
        Ok((sum / (TUNING - TUNING / 2) as f64).exp())
    }

    /// The number of steps after which chains from noise no longer drift.
    fn arrived(&mut self, step_size: f64, tell: &mut Tell) -> Result<u64> {
        self.begin()?;
        let most = if self.model.data.row_shape.len() == 3 { MOST_OF_IMAGES } else { MOST };
        let most = most.min((MOST_NUMBERS / self.len() as u64).max(LEAST_OF_LONG));
        let covering = 0.5 * spread(self.model) / step_size;
        let mut step = 0;
        let mut at_rest = 0;
        let mut steps = FEWEST;
        loop {
            let at = watched(steps / 2, steps);
            let mut rows = Vec::with_capacity(at.len());
            while step < steps {
                step += 1;
                // Steps that tune the step size have other numbers.
                (self.x, self.score) = self.proposed(step_size, TUNING + step)?;
                if at.contains(&step) {
                    rows.push(self.x.iter().map(|x| *x as f32).collect::<Vec<f32>>());
                }
                tell()?;
            }
            if self.x.iter().any(|x| !x.is_finite()) {
                // The step size was asked for; the samples will show where it leads.
                return Ok(steps);
            }
            let found = arrival(self.model, &rows)?;
            at_rest = if found.is_some_and(|found| found.drifts) { 0 } else { at_rest + 1 };
            if steps >= most || (at_rest >= 2 && steps as f64 >= covering) {
                return Ok(steps);
            }
            steps *= 2;
        }
    }
}
