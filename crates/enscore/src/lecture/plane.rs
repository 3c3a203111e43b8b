//! What figures of points in the plane share.

use enscore_program::random::{Key, normal_row};

use crate::compare::Truth;
use crate::error::{Error, Result};
use crate::evaluate::{Quadrature, QuadratureSettings, Window};
use crate::model::HostDensity;
use crate::sample::{TrainedDensity, TrainedModel};
use crate::streams;

const INTERVALS: usize = 160;

/// Settings of an energy of two moons, but for its objective and the length of its training.
pub(super) const MOONS_ENERGY: &str = "data.name = 'two-moons'\n\
    optimiser = { learning_rate = 2e-3, warmup_steps = 50, decay = 'cosine' }\n\
    [model]\nkind = 'mlp-energy'\nhidden = [128, 128]\nactivation = 'softplus'\nconfinement = 2.0\n";

/// The built-in density of this name.
///
/// # Errors
/// A name that is not built in.
pub(super) fn truth(name: &str) -> Result<Truth> {
    Truth::named(name).ok_or_else(|| Error::run("no such density").found(name))
}

/// log Z of a model of points by quadrature, nats, over a window half as wide again as the truth's.
///
/// # Errors
/// As [`Quadrature::new`].
pub(super) fn log_z(truth: &Truth, model: &TrainedModel) -> Result<f64> {
    let wider = |[low, high]: [f64; 2]| [low - 0.25 * (high - low), high + 0.25 * (high - low)];
    Ok(grid(&mut TrainedDensity::new(model)?, truth.window().map(wider))?.log_z().value)
}

/// A density over a grid on a window.
///
/// # Errors
/// As [`Quadrature::new`].
pub(super) fn grid(density: &mut dyn HostDensity, window: [[f64; 2]; 2]) -> Result<Quadrature> {
    let window = Window::new(&window.map(|side| side[0]), &window.map(|side| side[1]))?;
    Quadrature::new(density, &window, QuadratureSettings { intervals: INTERVALS, ..Default::default() })
}

/// Unadjusted Langevin dynamics of rows `[n, 2]` on a known score: `steps` times
/// x + ε s(x) + sqrt(2ε) z. `numbered` says which numbers are drawn.
///
/// # Errors
/// The score's own.
pub(super) fn langevin(
    score: &mut dyn FnMut(&[f64]) -> Result<Vec<f64>>,
    rows: &mut [f64],
    step_size: f64,
    steps: u64,
    numbered: Key,
) -> Result<()> {
    for step in 0..steps {
        let drift = score(rows)?;
        for (chain, (row, drift)) in rows.chunks_exact_mut(2).zip(drift.chunks_exact(2)).enumerate() {
            let mut z = [0.0; 2];
            let key = Key { step: numbered.step + step, ..numbered };
            normal_row(key, streams::LECTURE, chain as u64, &mut z);
            for (x, (s, z)) in row.iter_mut().zip(drift.iter().zip(z)) {
                *x += step_size * s + (2.0 * step_size).sqrt() * z;
            }
        }
    }
    Ok(())
}

/// Rows as points.
pub(super) fn points(rows: &[f64]) -> impl Iterator<Item = [f64; 2]> + '_ {
    rows.chunks_exact(2).map(|row| [row[0], row[1]])
}
