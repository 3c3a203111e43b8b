//! Samples by Langevin dynamics on one density: x' = x + a s(x) + b z from noise of the size of the data
//! (ULA; Roberts and Tweedie 1996, eq. 2). With b² = 2a the chain targets the density up to its step's bias;
//! a short chain from noise shows what a model learnt by such chains makes of noise, which need not be its
//! density.

use enscore_cpu::Argument;
use enscore_program::random::Key;

use super::Drawn;
use super::drawing::{Drawing, noise_start};
use super::trained::{TrainedModel, refused};
use crate::error::Result;
use crate::mcmc::LangevinProgram;
use crate::settings::Langevin;

/// Parts of a chain at whose ends the trajectory is kept.
const PARTS: u64 = 10;

/// Draws as `settings` say.
pub(super) fn draw(
    model: &TrainedModel,
    settings: &Langevin,
    drawing: &Drawing,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let batch = drawing.batch;
    let program = LangevinProgram::trace(&model.model, &model.parameters, batch)?;
    let mut executable = model.compile(&program.program)?;
    let scalars = [model.levels.last(), settings.step_size, settings.noise_std].map(|value| [value as f32]);
    let parts = PARTS.min(settings.steps);
    let total = drawing.count.div_ceil(batch) as u64 * settings.steps;
    let mut done = 0;
    drawing.by_batches(model, parts as usize + 1, |first, trajectory, kept| {
        let mut x = noise_start(model, drawing.seed, first, batch);
        let mut moved = vec![0.0; x.len()];
        trajectory.extend_from_slice(&x[..kept]);
        for step in 1..=settings.steps {
            let mut inputs = model.arguments();
            inputs.push(Argument::Float(&x));
            inputs.extend(scalars.iter().map(|value| Argument::Float(value)));
            inputs.push(Argument::Key(Key { seed: drawing.seed, step, row: first as u64 }));
            executable.run(&inputs, &mut [&mut moved]).map_err(refused)?;
            std::mem::swap(&mut x, &mut moved);
            if step * parts / settings.steps > (step - 1) * parts / settings.steps {
                trajectory.extend_from_slice(&x[..kept]);
            }
            done += 1;
            progress(done, total)?;
        }
        Ok(x)
    })
}
