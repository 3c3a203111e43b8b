//! Samples of what is unknown of a row given what is known: Gibbs sweeps of two sides of units after each of
//! which the known elements are put back, which is block Gibbs sampling of p(unknown, h | known).

use enscore_program::executor::Buffer;

use super::drawing::{Drawn, rows_at_once};
use super::samplers::UnitChains;
use super::trained::TrainedModel;
use crate::error::{Error, Result};

/// Draws `count` rows that agree with `row` where `known` is true, each after `steps` sweeps from independent
/// units with the data's means. Means are those that the last sweep drew at.
///
/// # Errors
/// A model without two sides of units; a row or mask of another size; whatever `progress` returns.
pub fn draw_clamped(
    model: &TrainedModel,
    (row, known): (&[f32], &[bool]),
    count: usize,
    steps: u64,
    seed: u64,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let Some(units) = model.model.bipartite() else {
        return Err(Error::input("this model can't be clamped to known values")
            .at("model.kind")
            .expected("a Boltzmann machine, or an autoregressive model"));
    };
    let width = units.first_width();
    let len = model.row_len();
    if row.len() != len || known.len() != len {
        return Err(Error::input("the row or its mask does not match the model's rows in size")
            .found(format!("{} and {}", row.len(), known.len()))
            .expected(len));
    }
    let batch = rows_at_once(model);
    let mut chains = UnitChains::of(model, units, batch, seed)?;
    let clamp = |chains: &mut [f32]| {
        for x in chains.chunks_exact_mut(width) {
            x.iter_mut().zip(row).zip(known).filter(|(_, known)| **known).for_each(|((x, row), _)| *x = *row);
        }
    };
    let total = count.div_ceil(batch) as u64 * steps;
    let [mut rows, mut means] = [Vec::new(), Vec::new()];
    for (block, first) in (0..count).step_by(batch).enumerate() {
        chains.begin(first)?;
        chains.states.edit(clamp)?;
        for step in 1..=steps {
            chains.sweep(step)?;
            chains.states.edit(clamp)?;
            progress(block as u64 * steps + step, total)?;
        }
        chains.means.edit(clamp)?;
        let taken = batch.min(count - first);
        let take = |all: &mut Vec<f32>, x: &Buffer| -> Result<()> {
            all.extend(x.view()?.chunks_exact(width).take(taken).flat_map(|x| &x[..len]));
            Ok(())
        };
        take(&mut rows, &chains.states)?;
        take(&mut means, &chains.means)?;
    }
    Ok(Drawn { rows, means: Some(means), ..Drawn::default() })
}
