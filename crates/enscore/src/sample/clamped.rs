//! Samples of what is unknown of a row given what is known: Gibbs sweeps of two sides of units after each of which the known
//! elements are put back, which is block Gibbs sampling of p(unknown, h | known).

use enscore_cpu::Argument;
use enscore_program::random::Key;

use super::Drawn;
use super::drawing::START_STREAM;
use super::trained::{TrainedModel, refused};
use crate::error::{Error, Result};
use crate::mcmc::{GibbsProgram, UnitStart};

/// Draws `count` rows that agree with `row` where `known` is true, each after `steps` sweeps from independent units with the
/// data's means. Means are those that the last sweep drew at.
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
        return Err(Error::input("clamped sampling needs two sides of units")
            .at("model.kind")
            .expected("a run with model.kind = \"rbm\""));
    };
    let (width, len) = (units.first_width(), model.row_len());
    if row.len() != len || known.len() != len {
        return Err(Error::input("the row or its mask has another size than the model's rows")
            .found(format!("{} and {}", row.len(), known.len()))
            .expected(len));
    }
    let mut executable = model.compile(&GibbsProgram::trace(units, &model.parameters, count)?.program)?;
    let start = UnitStart::new(units.first_units(), &model.data.mean, &model.data.deviation);
    let mut x = vec![0.0; count * width];
    for (chain, x) in x.chunks_exact_mut(width).enumerate() {
        start.fill(Key::new(seed, 0), START_STREAM, chain as u64, x);
    }
    let clamp = |x: &mut [f32]| {
        for x in x.chunks_exact_mut(width) {
            x.iter_mut().zip(row).zip(known).filter(|(_, known)| **known).for_each(|((x, row), _)| *x = *row);
        }
    };
    clamp(&mut x);
    let (mut moved, mut mean) = (x.clone(), x.clone());
    for step in 1..=steps {
        let mut inputs = model.arguments();
        inputs.extend([Argument::Float(&x), Argument::Key(Key { seed, step, row: 0 })]);
        executable.run(&inputs, &mut [&mut moved, &mut mean]).map_err(refused)?;
        std::mem::swap(&mut x, &mut moved);
        clamp(&mut x);
        progress(step, steps)?;
    }
    clamp(&mut mean);
    let data = |x: &[f32]| -> Vec<f32> { x.chunks_exact(width).flat_map(|x| &x[..len]).copied().collect() };
    Ok(Drawn { rows: data(&x), means: Some(data(&mean)), trajectory: Vec::new(), stages: 0 })
}
