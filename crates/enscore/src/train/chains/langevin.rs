//! Langevin chains on the energy as it stands.
//!
//! - From the data (Hinton 2002): chains start at the batch.
//! - From noise (Nijkamp, Hill, Zhu and Wu 2019): noise of the size of the data at every update.
//! - Persistent (Tieleman 2008; Du and Mordatch 2019): a replay buffer keeps every chain in its slot. Each
//!   update advances the slots of its turn, once around the buffer in an order drawn anew, and puts them
//!   back; a chain starts anew from noise with the restart probability.
//!
//! Every draw is a function of (seed, update, Langevin step, row or slot). A chain that is not finite starts
//! anew and is counted; nothing that is not finite reaches the model.

use enscore_program::executor::{Buffer, Width};
use enscore_program::random::{Key, row_words, uniform};

use super::surroundings::{BUFFER, CHAIN_SEED, ChainReport, Surroundings};
use crate::checkpoint::{TensorData, Tensors};
use crate::data::permutation;
use crate::error::{Error, Result};
use crate::executor::{Routine, WeightsView};
use crate::mcmc::{NoiseStart, langevin_program};
use crate::objective::{ChainStart, LangevinChainSettings};
use crate::streams;

/// The chains of a training.
pub(crate) struct LangevinChains {
    settings: LangevinChainSettings,
    routine: Routine,
    /// `[slots, ..row_shape]`; empty unless persistent.
    buffer: Vec<f32>,
    order: (u64, Vec<u32>),
    x: Buffer,
    moved: Buffer,
    row_len: usize,
    row_shape: Vec<usize>,
    starts: Starts,
    range: [f64; 2],
    range_ratio: f64,
}

/// Noise for chains that start.
struct Starts {
    seed: u64,
    noise: NoiseStart,
}

impl Starts {
    /// Noise for a chain that starts at `update`.
    fn fill(&self, update: u64, row: u64, x: &mut [f32]) {
        self.noise.fill(Key::new(self.seed, update), streams::CHAIN_START, row, x);
    }
}

impl LangevinChains {
    /// The chains that `settings` describe, all of them at noise.
    pub(super) fn new(around: &Surroundings, settings: &LangevinChainSettings) -> Result<LangevinChains> {
        let batch = around.options.batch;
        if settings.start == ChainStart::Persistent && settings.buffer < batch {
            return Err(Error::input("the replay buffer is smaller than a batch")
                .at("objective.buffer")
                .found(settings.buffer)
                .expected(format!("at least train.batch = {batch}")));
        }
        let program = langevin_program(around.model, around.parameters, batch)?;
        let row_shape = around.model.row_shape().to_vec();
        let range = [around.statistics.low, around.statistics.high];
        let deviation = around.statistics.deviation();
        let row_len = row_shape.iter().product();
        let zeros = vec![0.0f32; batch * row_len];
        let mut chains = LangevinChains {
            settings: settings.clone(),
            routine: Routine::compile(around.executor, &program, Width::Single)?,
            buffer: Vec::new(),
            order: (u64::MAX, Vec::new()),
            x: around.executor.upload(zeros[..].into())?,
            moved: around.executor.upload(zeros[..].into())?,
            row_len,
            row_shape,
            starts: Starts {
                seed: around.options.seed ^ CHAIN_SEED,
                noise: NoiseStart::new(settings.start_noise, range, &around.statistics.mean, &deviation),
            },
            range,
            range_ratio: around.options.range_ratio,
        };
        if settings.start == ChainStart::Persistent {
            chains.buffer = vec![0.0; settings.buffer * row_len];
            for (slot, row) in chains.buffer.chunks_exact_mut(row_len).enumerate() {
                chains.starts.fill(0, slot as u64, row);
            }
        }
        Ok(chains)
    }

    /// The chains' states: `[batch, ..row_shape]`.
    pub(super) fn states(&self) -> &Buffer {
        &self.x
    }

    pub(super) fn routine(&mut self) -> &mut Routine {
        &mut self.routine
    }

    /// Bytes that the chains take.
    pub(super) fn bytes(&self) -> u64 {
        4 * (self.buffer.len() + 2 * self.x.count()) as u64 + self.routine.memory() as u64
    }

    pub(super) fn kept_bytes(&self) -> u64 {
        4 * self.buffer.len() as u64
    }

    /// The buffer as a checkpoint holds it, if there is one.
    pub(super) fn save(&self, tensors: &mut Tensors) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let shape = [&[self.settings.buffer][..], &self.row_shape].concat();
        tensors.insert(BUFFER, &shape, TensorData::F32(self.buffer.clone()))
    }

    /// The buffer of a checkpoint.
    ///
    /// # Errors
    /// A checkpoint without one, or with another size.
    pub(super) fn restore(&mut self, tensors: &Tensors) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let values = tensors.f32(BUFFER)?;
        if values.len() != self.buffer.len() {
            return Err(Error::input("the checkpoint's replay buffer has a different size")
                .at(BUFFER)
                .found(values.len() / self.row_len)
                .expected(self.settings.buffer)
                .remedy("keep objective.buffer, or start a new run"));
        }
        self.buffer.copy_from_slice(values);
        Ok(())
    }

    /// The slots whose turn it is: once around the buffer, in an order of its own each time.
    fn slots(&mut self, update: u64) -> Vec<u32> {
        let batch = self.x.count() / self.row_len;
        let turns = (self.settings.buffer / batch) as u64;
        let (round, turn) = (update / turns, (update % turns) as usize);
        if self.order.0 != round {
            self.order = (round, permutation(self.starts.seed, round, self.settings.buffer as u32));
        }
        self.order.1[turn * batch..(turn + 1) * batch].to_vec()
    }

    /// Advances the chains of the update after `update` steps, on the energy with these weights; `data` is
    /// its batch.
    pub(super) fn advance(&mut self, update: u64, weights: WeightsView, data: &[f32]) -> Result<ChainReport> {
        let mut report = ChainReport::default();
        let slots = self.start(update, data, &mut report)?;
        let (drift, noise_std) = step(&self.settings);
        let [sigma, drift, noise_std] = [1.0, drift, noise_std].map(|value| [value as f32]);
        for k in 0..self.settings.steps {
            let key = Key::new(self.starts.seed, update * self.settings.steps + k);
            let call = self.routine.call().weights(weights).with("x", &self.x).with("sigma", &sigma);
            let call = call.with("drift", &drift).with("noise_std", &noise_std).with("key", key);
            call.to("x", &mut self.moved).run()?;
            std::mem::swap(&mut self.x, &mut self.moved);
        }
        self.check(update, &mut report)?;
        if !slots.is_empty() {
            for (slot, row) in slots.iter().zip(self.x.view()?.chunks_exact(self.row_len)) {
                self.buffer[*slot as usize * self.row_len..][..self.row_len].copy_from_slice(row);
            }
        }
        Ok(report)
    }

    /// Puts the chains where they start; the slots that they are put back to.
    fn start(&mut self, update: u64, data: &[f32], report: &mut ChainReport) -> Result<Vec<u32>> {
        match self.settings.start {
            ChainStart::Data => self.x.write(data)?,
            ChainStart::Noise => self.x.edit(|x| {
                for (i, row) in x.chunks_exact_mut(self.row_len).enumerate() {
                    self.starts.fill(update + 1, i as u64, row);
                }
            })?,
            ChainStart::Persistent => {
                let slots = self.slots(update);
                report.restarted = self.take_up(update, &slots)?;
                return Ok(slots);
            }
        }
        Ok(Vec::new())
    }

    /// Puts the chains where these slots left off, or anew at noise; returns how many start anew.
    fn take_up(&mut self, update: u64, slots: &[u32]) -> Result<usize> {
        let key = Key::new(self.starts.seed, update);
        Ok(self.x.edit(|x| {
            let mut restarted = 0;
            for (slot, row) in slots.iter().zip(x.chunks_exact_mut(self.row_len)) {
                let mut word = [0];
                row_words(key, streams::CHAIN_RESTART, u64::from(*slot), &mut word);
                if uniform(word[0]) < self.settings.restart {
                    restarted += 1;
                    self.starts.fill(update + 1, u64::from(*slot), row);
                } else {
                    row.copy_from_slice(&self.buffer[*slot as usize * self.row_len..][..self.row_len]);
                }
            }
            restarted
        })?)
    }

    /// Counts chains that left the range, and starts those anew that are not finite.
    fn check(&mut self, update: u64, report: &mut ChainReport) -> Result<()> {
        let [low, high] = self.range;
        let centre = 0.5 * (low + high);
        let half = 0.5 * (high - low) * self.range_ratio;
        let is_bad = |row: &[f32]| row.iter().any(|value| !value.is_finite());
        let is_outside = |row: &[f32]| row.iter().any(|value| (f64::from(*value) - centre).abs() > half);
        let mut outside = 0;
        for row in self.x.view()?.chunks_exact(self.row_len) {
            report.not_finite += usize::from(is_bad(row));
            outside += usize::from(is_bad(row) || is_outside(row));
        }
        report.escaped = outside as f64 / (self.x.count() / self.row_len).max(1) as f64;
        if report.not_finite == 0 {
            return Ok(());
        }
        Ok(self.x.edit(|x| {
            let numbered = x.chunks_exact_mut(self.row_len).enumerate();
            for (i, row) in numbered.filter(|(_, row)| is_bad(row)) {
                self.starts.fill(update + 1, (1 << 40) + i as u64, row);
            }
        })?)
    }
}

/// The coefficient of the score and the standard deviation of the noise of a chain's step.
fn step(settings: &LangevinChainSettings) -> (f64, f64) {
    let noise = settings.noise_std;
    (settings.step_size, if noise > 0.0 { noise } else { (2.0 * settings.step_size).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::ChainSettings;
    use crate::settings::Settings;
    use crate::train::chains::surroundings::{around, initial_weights, spoilt_weights, weights};
    use crate::train::from_settings::Described;
    use crate::train::training::Training;

    const SETTINGS: &str = "data.name = 'two-gaussians'\nmodel = { kind = 'mlp-energy', hidden = [4] }\n\
        objective = { kind = 'cd', steps = 2, step_size = 0.01, noise_std = 0.05, buffer = 9, restart = 0.0 }\n\
        train = { batch = 4, steps = 10, seed = 3 }";

    fn training() -> Training {
        Described::by(&Settings::parse(SETTINGS, "t.toml", &[]).unwrap()).unwrap().training
    }

    fn chains(training: &Training) -> LangevinChains {
        let Some(ChainSettings::Langevin(cd)) = &training.task().chains else { panic!("other chains") };
        let statistics = crate::data::statistics(training.data()).unwrap();
        LangevinChains::new(&around(training, &statistics), cd).unwrap()
    }

    /// The chains of the first update, where the buffer's slot of this row of it holds `bad`.
    fn advanced(training: &Training, bad: Option<(usize, f32)>) -> (LangevinChains, ChainReport) {
        let mut chains = chains(training);
        if let Some((row, bad)) = bad {
            let slot = permutation(3 ^ CHAIN_SEED, 0, 9)[row] as usize;
            chains.buffer[slot * chains.row_len] = bad;
        }
        let weights = initial_weights(training);
        let report = chains.advance(0, (&weights).into(), &[0.0; 8]).unwrap();
        (chains, report)
    }

    #[test]
    fn a_chain_that_is_not_finite_starts_anew_alone_and_so_it_is_kept() {
        let training = training();
        let (sound, report) = advanced(&training, None);
        assert_eq!((report.not_finite, report.restarted), (0, 0));
        let slots = permutation(3 ^ CHAIN_SEED, 0, 9);
        for (row, bad) in [(0, f32::NAN), (1, f32::INFINITY), (3, f32::NEG_INFINITY)] {
            let (chains, report) = advanced(&training, Some((row, bad)));
            assert_eq!((report.not_finite, report.escaped), (1, sound_escaped(&sound) + 0.25), "{bad}");
            let mut anew = vec![0.0; 2];
            chains.starts.fill(1, (1 << 40) + row as u64, &mut anew);
            let [x, sound_x] = [&chains, &sound].map(|chains| chains.x.read::<f32>().unwrap());
            for (i, slot) in slots.iter().take(4).enumerate() {
                let expected = if i == row { &anew[..] } else { &sound_x[2 * i..][..2] };
                assert_eq!(&x[2 * i..][..2], expected, "row {i} with {bad} in row {row}");
                assert_eq!(&chains.buffer[2 * *slot as usize..][..2], expected, "the slot of row {i}");
            }
            let mut tensors = Tensors::new();
            chains.save(&mut tensors).unwrap();
            let saved = tensors.f32(BUFFER).unwrap();
            assert!(saved.iter().all(|x| x.is_finite()), "the checkpoint holds {saved:?}");
        }
    }

    /// The fraction of sound chains beyond ten times half the width of the data: none.
    fn sound_escaped(chains: &LangevinChains) -> f64 {
        let [low, high] = chains.range;
        let limit = 5.0 * (high - low);
        let out = |x: &&[f32]| x.iter().any(|x| (f64::from(*x) - 0.5 * (low + high)).abs() > limit);
        chains.x.view::<f32>().unwrap().chunks(2).filter(out).count() as f64 / 4.0
    }

    #[test]
    fn weights_that_are_not_finite_leave_noise() {
        let training = training();
        let mut chains = chains(&training);
        let spoilt = spoilt_weights(&training);
        let report = chains.advance(5, (&spoilt).into(), &[0.0; 8]).unwrap();
        assert_eq!((report.not_finite, report.escaped), (4, 1.0));
        let states = chains.states().read::<f32>().unwrap();
        assert!(states.iter().chain(&chains.buffer).all(|x| x.is_finite()));
    }

    /// A chain is outside where a value is further from the data's centre than the ratio times half
    /// their width, and not before.
    #[test]
    fn chains_outside_the_range_are_counted_from_its_limit_on() {
        let text = "data.name = 'two-gaussians'\nmodel.kind = 'gaussian-energy'\ntrain = { batch = 4, seed = 3 }\n\
             stability.range_ratio = 3.0\n\
             objective = { kind = 'cd', start = 'data', steps = 1, step_size = 1e-12, noise_std = 1e-12 }";
        let training = Described::by(&Settings::parse(text, "t.toml", &[]).unwrap()).unwrap().training;
        let mut chains = chains(&training);
        let centre = 0.5 * (chains.range[0] + chains.range[1]);
        let limit = 3.0 * 0.5 * (chains.range[1] - chains.range[0]);
        let parameters = [vec![0.0f32; 2], vec![1.0, 0.0, 0.0, 1.0]];
        let weights = weights(&training, &parameters);
        for (reach, escaped) in [(0.99, 0.0), (1.01, 0.5), (-1.01, 0.5), (1.9, 0.5)] {
            let out = (centre + reach * limit) as f32;
            let inside = centre as f32;
            let data = [inside, out, inside, inside, out, inside, inside, inside];
            let report = chains.advance(0, (&weights).into(), &data).unwrap();
            assert_eq!((report.escaped, report.not_finite), (escaped, 0), "{reach} of the limit");
        }
    }

    /// On f = -|x|²/2 a step is x - a x + b z, with the noise of (seed of the chains, number of the
    /// step, row).
    #[test]
    fn every_step_has_noise_of_its_own() {
        for (noise_std, b) in [(0.4, 0.4), (0.0, (2.0f64 * 0.125).sqrt())] {
            let text = format!(
                "data.name = 'two-gaussians'\nmodel.kind = 'gaussian-energy'\ntrain = {{ batch = 3, seed = 3 }}\n\
                 objective = {{ kind = 'cd', start = 'data', steps = 4, step_size = 0.125, noise_std = {noise_std} }}"
            );
            let training = Described::by(&Settings::parse(&text, "t.toml", &[]).unwrap()).unwrap().training;
            let mut chains = chains(&training);
            let parameters = [vec![0.0f32; 2], vec![1.0, 0.0, 0.0, 1.0]];
            let weights = weights(&training, &parameters);
            let data = [0.5f32, -1.0, 2.0, 0.0, -0.25, 1.5];
            for update in [0u64, 7] {
                chains.advance(update, (&weights).into(), &data).unwrap();
                let states = chains.states().read::<f32>().unwrap();
                for (row, start) in data.chunks(2).enumerate() {
                    let mut x = [f64::from(start[0]), f64::from(start[1])];
                    for step in 0..4 {
                        let mut z = [0.0; 2];
                        let key = Key::new(3 ^ CHAIN_SEED, update * 4 + step);
                        enscore_program::random::normal_row(key, 0, row as u64, &mut z);
                        (0..2).for_each(|i| x[i] += -0.125 * x[i] + b * z[i]);
                    }
                    for (found, expected) in states[2 * row..].iter().zip(x) {
                        let error = (f64::from(*found) - expected).abs();
                        assert!(error < 1e-5, "update {update}, row {row}: {found}, expected {expected}");
                    }
                }
            }
        }
    }
}
