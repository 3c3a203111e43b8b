//! Samples by annealed Langevin dynamics (Song and Ermon 2019, Algorithm 1) with a final denoising step.

use std::ops::Range;

use enscore_program::executor::Buffer;
use enscore_program::random::Key;

use crate::error::Result;
use crate::executor::Routine;
use crate::keys::{Fit, Kind, above, at_least, keys};
use crate::mcmc::{SamplerFacts, StepRule, TrainedLevels, denoise_program, langevin_program};
use crate::model::Family;
use crate::sample::drawing::{Drawing, noise_start};
use crate::sample::kind::{SamplerKind, Sampling};
use crate::sample::trained::TrainedModel;
use crate::sample::transition::{Schedule, Transition};

keys! {
    /// Settings of annealed Langevin dynamics.
    AnnealedSettings {
        rule: StepRule = StepRule::Algorithm1, (), "Convention of step_size: x + a/2 s + sqrt(a) z as in Algorithm 1 of the paper, or x + a s + sqrt(2a) z as in its published code.";
        step_size: f64 = 2e-5, above(0.0),
            "Step size at the smallest noise level, in squared units of the scaled data; scaled by (sigma / sigma_min)^2 at the others.";
        steps_per_level: u64 = 100, at_least(1), "Steps at each noise level.";
        denoise: bool = true, (), "Finish with a noiseless step x + sigma^2 s that removes the smallest noise.";
    }
}

impl Kind for AnnealedSettings {
    type Facts = SamplerFacts;

    fn fits(facts: &SamplerFacts) -> Fit {
        match facts.family {
            Family::Score | Family::Energy if facts.levels != TrainedLevels::None => Fit::Default,
            Family::Score | Family::Energy | Family::Bipartite | Family::Flow => Fit::No,
        }
    }
}

impl SamplerKind for AnnealedSettings {
    fn sampling<'a>(&'a self, model: &'a TrainedModel, drawing: &Drawing) -> Result<Sampling<'a>> {
        let langevin = langevin_program(&model.model, model.parameters(), drawing.batch)?;
        let denoise = denoise_program(&model.model, model.parameters(), drawing.batch)?;
        let levels = model.levels.as_slice().len() as u64;
        let x = noise_start(model, drawing.seed, 0, drawing.batch)?;
        let chains = AnnealedChains {
            model,
            settings: self,
            langevin: model.compile(&langevin)?,
            denoise: model.compile(&denoise)?,
            seed: drawing.seed,
            batch: drawing.batch,
            first: 0,
            moved: model.executor.upload(vec![0.0f32; x.count()][..].into())?,
            x,
        };
        let steps = levels * self.steps_per_level + u64::from(self.denoise);
        let ends = (0..=levels).map(|level| level * self.steps_per_level);
        let stages = ends.chain(self.denoise.then_some(steps)).collect();
        Ok(Sampling { chains: Box::new(chains), schedule: Schedule { steps, stages } })
    }
}

struct AnnealedChains<'a> {
    model: &'a TrainedModel,
    settings: &'a AnnealedSettings,
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
        let rule = self.settings.rule;
        let (drift, noise_std) = rule.step(self.settings.step_size, sigma, self.model.levels.last());
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
            let level = (step - 1) / self.settings.steps_per_level;
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
