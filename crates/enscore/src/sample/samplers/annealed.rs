//! Samples by annealed Langevin dynamics (Song and Ermon 2019, Algorithm 1) with a final denoising step.

use std::ops::Range;

use enscore_program::executor::Buffer;
use enscore_program::random::Key;

use super::pilots::{Settled, settled};
use crate::error::Result;
use crate::executor::Routine;
use crate::keys::{Fit, Kind, LARGEST_STEP, at_least, keys, within};
use crate::mcmc::{SamplerFacts, StepRule, TrainedLevels, denoise_program, langevin_program};
use crate::model::Family;
use crate::sample::arrival::watched;
use crate::sample::drawing::{Drawing, noise_start};
use crate::sample::kind::{SamplerKind, Sampling, Tell};
use crate::sample::suggest::best_step_size;
use crate::sample::trained::TrainedModel;
use crate::sample::transition::{Schedule, Transition};

keys! {
    /// Settings of annealed Langevin dynamics.
    AnnealedSettings {
        rule: StepRule = StepRule::Algorithm1, (), "Convention of the step size a: a step is x + a/2 s + sqrt(a) z as in Algorithm 1 of the paper, or x + a s + sqrt(2a) z as in its published code; s is the score at x, z standard normal.";
        step_size: f64 = 0.0, within(0.0, LARGEST_STEP),
            "Step size at the smallest noise level, in squared units of the scaled data; scaled by (sigma / sigma_min)^2 at the others. 0: chosen; with one level by pilot chains, with several so that a step multiplies the score by 0.1 sigma^2, or more where few steps ask for it.";
        steps_per_level: u64 = 0, at_least(0), "Steps at each noise level. 0: 100; with one level as many as pilot chains need to arrive.";
        denoise: bool = true, (), "Finish with a noiseless step x + sigma^2 s, s the score at x, that removes the smallest noise sigma.";
    }
}

impl Kind for AnnealedSettings {
    type Facts = SamplerFacts;

    fn fits(facts: &SamplerFacts) -> Fit {
        match facts.family {
            Family::Score | Family::Energy if facts.levels != TrainedLevels::None => Fit::Default,
            Family::Score
            | Family::Energy
            | Family::Bipartite
            | Family::Flow
            | Family::Autoregressive
            | Family::LatentVariable
            | Family::Generator
            | Family::Baseline => Fit::No,
        }
    }
}

impl SamplerKind for AnnealedSettings {
    fn sampling<'a>(
        &'a self,
        model: &'a TrainedModel,
        drawing: &Drawing,
        tell: &mut Tell,
    ) -> Result<Sampling<'a>> {
        let (step_size, steps_per_level) = self.chosen(model, drawing.seed, tell)?;
        let langevin = langevin_program(&model.model, model.parameters(), drawing.batch)?;
        let denoise = denoise_program(&model.model, model.parameters(), drawing.batch)?;
        let levels = model.levels.as_slice().len() as u64;
        let x = noise_start(model, drawing.seed, 0, drawing.batch)?;
        let chains = AnnealedChains {
            model,
            rule: self.rule,
            step_size,
            steps_per_level,
            langevin: model.compile(&langevin)?,
            denoise: model.compile(&denoise)?,
            seed: drawing.seed,
            batch: drawing.batch,
            first: 0,
            moved: model.executor.upload(vec![0.0f32; x.count()][..].into())?,
            x,
        };
        let last = levels * steps_per_level;
        let steps = last + u64::from(self.denoise);
        let ends = (0..=levels).map(|level| level * steps_per_level);
        let stages = ends.chain(self.denoise.then_some(steps)).collect();
        // The last level is where chains must have arrived.
        let watched = watched(last - steps_per_level / 2, last);
        Ok(Sampling { chains: Box::new(chains), schedule: Schedule { steps, stages, watched } })
    }

    fn remedy(&self) -> &'static str {
        "raise sampler.steps_per_level, or set sampler.step_size and sampler.steps_per_level to 0 to have \
         them chosen"
    }
}

/// Steps at a level of several where none are given.
const STEPS_PER_LEVEL: u64 = 100;
/// What a step multiplies the score by, in units of σ²: that of the published settings at σ = 0.01.
const SHARE: f64 = 0.1;

impl AnnealedSettings {
    /// The step size and the steps of a level, those that are open chosen.
    fn chosen(&self, model: &TrainedModel, seed: u64, tell: &mut Tell) -> Result<(f64, u64)> {
        let levels = model.levels.as_slice();
        let last = model.levels.last();
        let is_open = self.step_size == 0.0 || self.steps_per_level == 0;
        if levels.len() == 1 && is_open {
            let (drift, _) = self.rule.step(self.step_size, last, last);
            let asked = Settled { step_size: drift, steps: self.steps_per_level };
            let Settled { step_size, steps } = settled(model, asked, seed, tell)?;
            let own = self.rule.from_reference_code(step_size);
            return Ok((if self.step_size > 0.0 { self.step_size } else { own }, steps));
        }
        let steps = if self.steps_per_level > 0 { self.steps_per_level } else { STEPS_PER_LEVEL };
        if self.step_size > 0.0 {
            return Ok((self.step_size, steps));
        }
        let ratio = (levels[0] / last).powf(1.0 / (levels.len() - 1).max(1) as f64);
        let few = u32::try_from(steps).unwrap_or(u32::MAX).min(i32::MAX as u32 / 2);
        let (drift, _) = best_step_size(ratio, last, few);
        Ok((self.rule.from_reference_code(drift.max(SHARE * last * last)), steps))
    }
}

struct AnnealedChains<'a> {
    model: &'a TrainedModel,
    rule: StepRule,
    step_size: f64,
    steps_per_level: u64,
    langevin: Routine,
    denoise: Routine,
    seed: u64,
    batch: usize,
    /// The number of the first chain.
    first: u64,
    x: Buffer,
    moved: Buffer,
}

impl AnnealedChains<'_> {
    /// A step at a noise level.
    fn anneal(&mut self, step: u64, sigma: f64) -> Result<()> {
        let (drift, noise_std) = self.rule.step(self.step_size, sigma, self.model.levels.last());
        let [sigma, drift, noise_std] = [sigma, drift, noise_std].map(|value| [value as f32]);
        let key = Key { seed: self.seed, step, row: self.first };
        let call = self.langevin.call().weights(&self.model.weights).with("x", &self.x).with("sigma", &sigma);
        let call = call.with("drift", &drift).with("noise_std", &noise_std).with("key", key);
        call.to("x", &mut self.moved).run()
    }

    /// The last step, without noise.
    fn denoise(&mut self) -> Result<()> {
        let sigma = vec![self.model.levels.last() as f32; self.batch];
        let call = self.denoise.call().weights(&self.model.weights).with("x", &self.x).with("sigma", &sigma);
        call.to("x", &mut self.moved).run()
    }
}

impl Transition for AnnealedChains<'_> {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.first = chains.start as u64;
        self.x = noise_start(self.model, self.seed, chains.start, self.batch)?;
        Ok(())
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        for step in steps {
            let level = (step - 1) / self.steps_per_level;
            match self.model.levels.as_slice().get(level as usize) {
                Some(sigma) => self.anneal(step, *sigma)?,
                None => self.denoise()?,
            }
            std::mem::swap(&mut self.x, &mut self.moved);
        }
        Ok(())
    }

    fn rows(&self) -> Result<Vec<f32>> {
        Ok(self.x.read()?)
    }
}
