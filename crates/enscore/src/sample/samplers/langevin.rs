//! Samples by Langevin dynamics on one density: x' = x + a s(x) + b z from noise of the size of the data
//! (ULA; Roberts and Tweedie 1996, eq. 2). With b² = 2a the chain targets the density up to its step's bias;
//! a short chain from noise shows what a model learnt by such chains makes of noise, which need not be its
//! density.

use std::ops::Range;

use enscore_program::executor::Buffer;
use enscore_program::random::Key;

use super::pilots::{Settled, settled};
use crate::error::Result;
use crate::executor::Routine;
use crate::keys::{Fit, Keys, Kind, LARGEST_STEP, Reader, at_least, within};
use crate::mcmc::{LangevinDefaults, SamplerFacts, TrainedLevels, langevin_program};
use crate::model::Family;
use crate::sample::drawing::{Drawing, noise_start};
use crate::sample::kind::{SamplerKind, Sampling, Tell};
use crate::sample::trained::TrainedModel;
use crate::sample::transition::{Schedule, Transition};

/// Settings of Langevin dynamics on one density, starting from noise at the scale of the data: x +
/// step_size s + noise_std z.
#[derive(Clone, Debug, PartialEq)]
pub struct LangevinSettings {
    /// Coefficient of the score, in squared units of the scaled data; 0: chosen by pilot chains.
    pub step_size: f64,
    /// Standard deviation of the noise; 0 where the step size is chosen, of which it follows.
    pub noise_std: f64,
    /// Steps of each chain; 0: as many as pilot chains need to arrive.
    pub steps: u64,
    /// Whether the model was trained on chains of this length that start from noise: they need not arrive.
    pub is_short_run: bool,
}

impl Keys for LangevinSettings {
    fn read_keys(reader: &mut Reader) -> Result<Self> {
        LangevinSettings::read(reader, &SamplerFacts::default())
    }
}

impl Kind for LangevinSettings {
    type Facts = SamplerFacts;

    fn fits(facts: &SamplerFacts) -> Fit {
        match (facts.family, facts.levels) {
            (Family::Score | Family::Energy, TrainedLevels::None) => Fit::Default,
            (Family::Score | Family::Energy, TrainedLevels::One) => Fit::Yes,
            (Family::Score | Family::Energy, TrainedLevels::Many) => Fit::No,
            (
                Family::Bipartite
                | Family::Flow
                | Family::Autoregressive
                | Family::LatentVariable
                | Family::Generator
                | Family::Baseline,
                _,
            ) => Fit::No,
        }
    }

    /// Defaults to the chains that taught the model, if there were any.
    fn read(reader: &mut Reader, facts: &SamplerFacts) -> Result<Self> {
        let LangevinDefaults { step_size, noise_std, steps, short_run } = facts.langevin;
        let step_size = reader.get(
            "step_size",
            step_size,
            within(0.0, LARGEST_STEP),
            "Step size: a step is x + step_size s + noise_std z, s the score at x, z standard normal; in squared units of the scaled data. 0: chosen by pilot chains, for an acceptance of 0.9 if proposals could be refused.",
        )?;
        let noise_std = reader.get(
            "noise_std",
            noise_std,
            within(0.0, LARGEST_STEP),
            "Standard deviation of the noise per step; 0: sqrt(2 step_size), which samples at temperature 1.",
        )?;
        let steps = reader.get(
            "steps",
            steps,
            at_least(0),
            "Steps per chain, starting from noise at the scale of the data. 0: as many as pilot chains need to arrive.",
        )?;
        if step_size == 0.0 && noise_std > 0.0 {
            return Err(reader
                .wrong("noise_std")
                .found(noise_std)
                .expected("0 with step_size = 0, which chooses both")
                .remedy("set sampler.step_size, too"));
        }
        let noise_std = if noise_std > 0.0 { noise_std } else { (2.0 * step_size).sqrt() };
        let is_short_run = short_run && steps == facts.langevin.steps;
        Ok(LangevinSettings { step_size, noise_std, steps, is_short_run })
    }
}

impl SamplerKind for LangevinSettings {
    fn sampling<'a>(
        &'a self,
        model: &'a TrainedModel,
        drawing: &Drawing,
        tell: &mut Tell,
    ) -> Result<Sampling<'a>> {
        let LangevinSettings { step_size, noise_std, steps, .. } = self.chosen(model, drawing.seed, tell)?;
        let program = langevin_program(&model.model, model.parameters(), drawing.batch)?;
        let x = noise_start(model, drawing.seed, 0, drawing.batch)?;
        let chains = LangevinChains {
            model,
            step: model.compile(&program)?,
            scalars: [model.levels.last(), step_size, noise_std].map(|value| [value as f32]),
            seed: drawing.seed,
            batch: drawing.batch,
            first: 0,
            moved: model.executor.upload(vec![0.0f32; x.count()][..].into())?,
            x,
        };
        let mut schedule = Schedule::in_parts(steps);
        if self.is_short_run {
            schedule.watched.clear();
        }
        Ok(Sampling { chains: Box::new(chains), schedule })
    }
}

impl LangevinSettings {
    /// The settings with what is open chosen.
    fn chosen(&self, model: &TrainedModel, seed: u64, tell: &mut Tell) -> Result<LangevinSettings> {
        if self.step_size > 0.0 && self.steps > 0 {
            return Ok(self.clone());
        }
        // Pilot chains move on f/T, whose score is 1/T of the model's.
        let scale = model.temperature;
        let asked = Settled { step_size: self.step_size * scale, steps: self.steps };
        let Settled { step_size, steps } = settled(model, asked, seed, tell)?;
        if self.step_size > 0.0 {
            return Ok(LangevinSettings { steps, ..self.clone() });
        }
        let noise_std = (2.0 * step_size).sqrt();
        Ok(LangevinSettings { step_size: step_size / scale, noise_std, steps, is_short_run: false })
    }
}

struct LangevinChains<'a> {
    model: &'a TrainedModel,
    step: Routine,
    /// σ, the coefficient of the score, the standard deviation of the noise.
    scalars: [[f32; 1]; 3],
    seed: u64,
    batch: usize,
    /// The number of the first chain.
    first: u64,
    x: Buffer,
    moved: Buffer,
}

impl Transition for LangevinChains<'_> {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.first = chains.start as u64;
        self.x = noise_start(self.model, self.seed, chains.start, self.batch)?;
        Ok(())
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        let [sigma, drift, noise_std] = &self.scalars;
        for step in steps {
            let key = Key { seed: self.seed, step, row: self.first };
            let call = self.step.call().weights(&self.model.weights).with("x", &self.x).with("sigma", sigma);
            let call = call.with("drift", drift).with("noise_std", noise_std).with("key", key);
            call.to("x", &mut self.moved).run()?;
            std::mem::swap(&mut self.x, &mut self.moved);
        }
        Ok(())
    }

    fn rows(&self) -> Result<Vec<f32>> {
        Ok(self.x.read()?)
    }
}
