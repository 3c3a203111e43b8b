//! A density in the plane with its truth: what figures of points share.

use enscore_program::random::{Key, normal_row};

use crate::data::{ToyDensity, toy};
use crate::error::{Error, Result};
use crate::evaluate::{FisherDivergence, LogZ, Quadrature, QuadratureSettings, Window};
use crate::model::{ClosedForm, HostDensity};
use crate::sample::{TrainedDensity, TrainedModel};
use crate::streams;

const INTERVALS: usize = 160;

/// Settings of an energy of two moons, but for its objective and the length of its training.
pub(super) const MOONS_ENERGY: &str = "data.name = 'two-moons'\n\
    optimiser = { learning_rate = 2e-3, warmup_steps = 50, decay = 'cosine' }\n\
    [model]\nkind = 'mlp-energy'\nhidden = [128, 128]\nactivation = 'softplus'\nconfinement = 2.0\n";

/// A built-in density.
pub(super) struct Plane {
    truth: ToyDensity,
}

impl Plane {
    /// The density of this name.
    ///
    /// # Errors
    /// A name that is not built in.
    pub(super) fn of(name: &str) -> Result<Plane> {
        let truth = toy(name).ok_or_else(|| Error::run("no such density").found(name))?;
        Ok(Plane { truth })
    }

    /// A box that holds nearly all of it.
    pub(super) fn window(&self) -> [[f64; 2]; 2] {
        self.truth.window()
    }

    /// It, as the host sees a density.
    ///
    /// # Errors
    /// None of points of the plane.
    pub(super) fn density(&self) -> Result<impl HostDensity + '_> {
        let point = |x: &[f64]| [x[0], x[1]];
        ClosedForm::new(
            2,
            move |x: &[f64]| self.truth.log_density(&point(x)),
            move |x: &[f64], score: &mut [f64]| score.copy_from_slice(&self.truth.score(&point(x))),
        )
    }

    /// Exact, independent draws, `[count, 2]`.
    pub(super) fn rows(&self, seed: u64, count: usize) -> Vec<f64> {
        (0..count as u64).flat_map(|row| self.truth.draw(seed, row)).collect()
    }

    /// A density over a grid.
    ///
    /// # Errors
    /// As [`Quadrature::new`].
    pub(super) fn grid(&self, density: &mut dyn HostDensity) -> Result<Quadrature> {
        grid(density, self.window())
    }

    /// The Fisher divergence of a model's score under the truth.
    ///
    /// # Errors
    /// As [`Quadrature::fisher_divergence`].
    pub(super) fn fisher_divergence(&self, model: &TrainedModel) -> Result<FisherDivergence> {
        let grid = self.grid(&mut self.density()?)?;
        grid.fisher_divergence(&mut self.density()?, &mut TrainedDensity::new(model)?)
    }

    /// log Z of a model's log density by quadrature, nats.
    ///
    /// # Errors
    /// As [`Quadrature::new`].
    pub(super) fn log_z(&self, model: &TrainedModel) -> Result<LogZ> {
        let window = self.window().map(|[low, high]| [low - 0.25 * (high - low), high + 0.25 * (high - low)]);
        Ok(grid(&mut TrainedDensity::new(model)?, window)?.log_z())
    }
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
