//! Samples by Langevin dynamics on one density: x' = x + a s(x) + b z from noise of the size of the data
//! (ULA; Roberts and Tweedie 1996, eq. 2). With b² = 2a the chain targets the density up to its step's bias;
//! a short chain from noise shows what a model learnt by such chains makes of noise, which need not be its
//! density.

use std::ops::Range;

use enscore_program::executor::Buffer;
use enscore_program::random::Key;

use crate::error::Result;
use crate::executor::Routine;
use crate::keys::{Fit, Keys, Kind, Reader, above, at_least};
use crate::mcmc::{LangevinDefaults, SamplerFacts, TrainedLevels, langevin_program};
use crate::model::Family;
use crate::sample::drawing::{Drawing, noise_start};
use crate::sample::kind::{SamplerKind, Sampling};
use crate::sample::trained::TrainedModel;
use crate::sample::transition::{Schedule, Transition};

/// Settings of Langevin dynamics on one density, starting from noise at the scale of the data: x +
/// step_size s + noise_std z.
#[derive(Clone, Debug, PartialEq)]
pub struct LangevinSettings {
    /// Coefficient of the score, in squared units of the scaled data.
    pub step_size: f64,
    /// Standard deviation of the noise.
    pub noise_std: f64,
    /// Steps of each chain.
    pub steps: u64,
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
            (Family::Bipartite | Family::Flow, _) => Fit::No,
        }
    }

    /// Defaults to the chains that taught the model, if there were any.
    fn read(reader: &mut Reader, facts: &SamplerFacts) -> Result<Self> {
        let LangevinDefaults { step_size, noise_std, steps } = facts.langevin;
        let step_size = reader.get(
            "step_size",
            step_size,
            above(0.0),
            "Step size: a step is x + step_size s + noise_std z with score s and standard normal z; in squared units of the scaled data.",
        )?;
        let noise_std = reader.get(
            "noise_std",
            noise_std,
            at_least(0.0),
            "Standard deviation of the noise per step; 0: sqrt(2 step_size), which samples at temperature 1.",
        )?;
        let steps = reader.get(
            "steps",
            steps,
            at_least(1),
            "Steps per chain, starting from noise at the scale of the data.",
        )?;
        let noise_std = if noise_std > 0.0 { noise_std } else { (2.0 * step_size).sqrt() };
        Ok(LangevinSettings { step_size, noise_std, steps })
    }
}

impl SamplerKind for LangevinSettings {
    fn sampling<'a>(&'a self, model: &'a TrainedModel, drawing: &Drawing) -> Result<Sampling<'a>> {
        let program = langevin_program(&model.model, model.parameters(), drawing.batch)?;
        let x = noise_start(model, drawing.seed, 0, drawing.batch)?;
        let chains = LangevinChains {
            model,
            step: model.compile(&program)?,
            scalars: [model.levels.last(), self.step_size, self.noise_std].map(|value| [value as f32]),
            seed: drawing.seed,
            batch: drawing.batch,
            first: 0,
            moved: model.executor.upload(vec![0.0f32; x.count()][..].into())?,
            x,
        };
        Ok(Sampling { chains: Box::new(chains), schedule: Schedule::in_parts(self.steps) })
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
