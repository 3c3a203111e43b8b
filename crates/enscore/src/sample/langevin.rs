//! Samples by Langevin dynamics on one density: x' = x + a s(x) + b z from noise of the size of the data
//! (ULA; Roberts and Tweedie 1996, eq. 2). With b² = 2a the chain targets the density up to its step's bias;
//! a short chain from noise shows what a model learnt by such chains makes of noise, which need not be its
//! density.

use enscore_program::random::Key;

use super::drawing::{Drawing, Drawn, noise_start};
use super::kind::SamplerKind;
use super::trained::TrainedModel;
use crate::error::Result;
use crate::keys::{Fit, Keys, Kind, Reader, above, at_least};
use crate::mcmc::{LangevinDefaults, SamplerFacts, TrainedLevels, langevin_program};
use crate::model::Family;

/// Parts of a chain at whose ends the trajectory is kept.
const PARTS: u64 = 10;

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
    settings: &LangevinSettings,
    drawing: &Drawing,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let batch = drawing.batch;
    let program = langevin_program(&model.model, model.parameters(), batch)?;
    let mut routine = model.compile(&program)?;
    let sigma = [model.levels.last() as f32];
    let drift = [settings.step_size as f32];
    let noise_std = [settings.noise_std as f32];
    let parts = PARTS.min(settings.steps);
    let total = drawing.count.div_ceil(batch) as u64 * settings.steps;
    let mut done = 0;
    drawing.by_batches(model, parts as usize + 1, |first, trajectory, kept| {
        let mut x = noise_start(model, drawing.seed, first, batch)?;
        let mut moved = model.executor.upload(vec![0.0f32; x.count()][..].into())?;
        trajectory.extend_from_slice(&x.view()?[..kept]);
        for step in 1..=settings.steps {
            let call = routine.call().weights(&model.weights).with("x", &x);
            let call = call.with("sigma", &sigma).with("drift", &drift).with("noise_std", &noise_std);
            let key = Key { seed: drawing.seed, step, row: first as u64 };
            call.with("key", key).to("x", &mut moved).run()?;
            std::mem::swap(&mut x, &mut moved);
            if step * parts / settings.steps > (step - 1) * parts / settings.steps {
                trajectory.extend_from_slice(&x.view()?[..kept]);
            }
            done += 1;
            progress(done, total)?;
        }
        Ok(x.read()?)
    })
}
