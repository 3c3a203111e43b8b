//! Samples of two sides of units by block Gibbs sampling from independent units with the data's means.

use enscore_cpu::Argument;
use enscore_program::random::Key;

use super::Drawn;
use super::drawing::{Drawing, START_STREAM};
use super::trained::{TrainedModel, refused};
use crate::error::{Error, Result};
use crate::mcmc::{GibbsProgram, UnitStart};
use crate::settings::{Gibbs, Shown};

/// Parts of a chain at whose ends the trajectory is kept.
const PARTS: u64 = 10;

/// Draws as `settings` say.
pub(super) fn draw(
    model: &TrainedModel,
    settings: &Gibbs,
    drawing: &Drawing,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let Some(units) = model.model.bipartite() else {
        return Err(Error::input("Gibbs sampling needs two sides of units").at("sampler.kind"));
    };
    let (batch, width, row) = (drawing.batch, units.first_width(), model.row_len());
    let mut executable = model.compile(&GibbsProgram::trace(units, &model.parameters, batch)?.program)?;
    let start = UnitStart::new(units.first_units(), &model.data.mean, &model.data.deviation);
    // The data's units come first.
    let data = |x: &[f32]| -> Vec<f32> { x.chunks_exact(width).flat_map(|x| &x[..row]).copied().collect() };
    let parts = PARTS.min(settings.steps);
    let total = drawing.count.div_ceil(batch) as u64 * settings.steps;
    let (mut done, mut means) = (0, Vec::new());
    let mut drawn = drawing.by_batches(model, parts as usize + 1, |first, trajectory, kept| {
        let mut x = vec![0.0; batch * width];
        for (chain, x) in x.chunks_exact_mut(width).enumerate() {
            start.fill(Key::new(drawing.seed, 0), START_STREAM, (first + chain) as u64, x);
        }
        let (mut moved, mut mean) = (x.clone(), x.clone());
        trajectory.extend_from_slice(&data(&x)[..kept]);
        for step in 1..=settings.steps {
            let mut inputs = model.arguments();
            let key = Key { seed: drawing.seed, step, row: first as u64 };
            inputs.extend([Argument::Float(&x), Argument::Key(key)]);
            executable.run(&inputs, &mut [&mut moved, &mut mean]).map_err(refused)?;
            std::mem::swap(&mut x, &mut moved);
            if step * parts / settings.steps > (step - 1) * parts / settings.steps {
                trajectory.extend_from_slice(&data(&x)[..kept]);
            }
            done += 1;
            progress(done, total)?;
        }
        means.extend(data(&mean));
        Ok(data(&x))
    })?;
    means.truncate(drawn.rows.len());
    drawn.means = (settings.pictures == Shown::Means).then_some(means);
    Ok(drawn)
}
