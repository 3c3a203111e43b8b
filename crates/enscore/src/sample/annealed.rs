//! Samples by annealed Langevin dynamics (Song and Ermon 2019, Algorithm 1) with a final denoising step.

use enscore_program::random::Key;

use super::drawing::{Drawing, Drawn, noise_start};
use super::kind::SamplerKind;
use super::trained::TrainedModel;
use crate::error::Result;
use crate::executor::Routine;
use crate::keys::{Fit, Kind, above, at_least, keys};
use crate::mcmc::{SamplerFacts, StepRule, TrainedLevels, denoise_program, langevin_program};
use crate::model::Family;

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
    fn draw(
        &self,
        model: &TrainedModel,
        drawing: &Drawing,
        progress: &mut dyn FnMut(u64, u64) -> Result<()>,
    ) -> Result<Drawn> {
        draw(model, self, drawing, progress)
    }
}

/// Draws as `settings` say.
fn draw(
    model: &TrainedModel,
    settings: &AnnealedSettings,
    drawing: &Drawing,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let batch = drawing.batch;
    let langevin = langevin_program(&model.model, model.parameters(), batch)?;
    let denoise = denoise_program(&model.model, model.parameters(), batch)?;
    let levels = model.levels.as_slice().len();
    let mut chain = Annealing {
        model,
        settings,
        langevin: model.compile(&langevin)?,
        denoise: model.compile(&denoise)?,
        seed: drawing.seed,
        batch,
        done: 0,
        total: (drawing.count.div_ceil(batch) * levels) as u64 * settings.steps_per_level,
    };
    let stages = levels + 1 + usize::from(settings.denoise);
    drawing.by_batches(model, stages, |first, trajectory, kept| chain.run(first, trajectory, kept, progress))
}

struct Annealing<'a> {
    model: &'a TrainedModel,
    settings: &'a AnnealedSettings,
    langevin: Routine,
    denoise: Routine,
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
        let model = self.model;
        let mut x = noise_start(model, self.seed, first, self.batch)?;
        let mut moved = model.executor.upload(vec![0.0f32; x.count()][..].into())?;
        let (levels, rule) = (&model.levels, self.settings.rule);
        trajectory.extend_from_slice(&x.view()?[..kept]);
        let mut step = 0;
        for sigma in levels.as_slice() {
            let (drift, noise_std) = rule.step(self.settings.step_size, *sigma, levels.last());
            let [sigma, drift, noise_std] = [*sigma, drift, noise_std].map(|value| [value as f32]);
            for _ in 0..self.settings.steps_per_level {
                step += 1;
                let call = self.langevin.call().weights(&model.weights).with("x", &x);
                let call = call.with("sigma", &sigma).with("drift", &drift).with("noise_std", &noise_std);
                let key = Key { seed: self.seed, step, row: first as u64 };
                call.with("key", key).to("x", &mut moved).run()?;
                std::mem::swap(&mut x, &mut moved);
                self.done += 1;
                progress(self.done, self.total)?;
            }
            trajectory.extend_from_slice(&x.view()?[..kept]);
        }
        if self.settings.denoise {
            let sigma = vec![levels.last() as f32; self.batch];
            let call = self.denoise.call().weights(&model.weights).with("x", &x);
            call.with("sigma", &sigma).to("x", &mut moved).run()?;
            std::mem::swap(&mut x, &mut moved);
            trajectory.extend_from_slice(&x.view()?[..kept]);
        }
        Ok(x.read()?)
    }
}
