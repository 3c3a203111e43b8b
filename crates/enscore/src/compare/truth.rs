//! The density that the data are drawn from, where it is known, and how far a model's score is from its.

use crate::data::{ToyDensity, toy, wide_rows_of};
use crate::error::Result;
use crate::evaluate::{FisherDivergence, HeldOut, Mean, Quadrature, QuadratureSettings, Window, run_data};
use crate::model::{ClosedForm, HostDensity};
use crate::sample::{TrainedDensity, TrainedModel};
use crate::trained::Trained;

/// Steps of the grid along each axis.
const INTERVALS: usize = 200;
/// Held-out rows whose likelihood is taken, at most.
const MAX_ROWS: usize = 10_000;

/// The density that the data are drawn from.
pub struct Truth(ToyDensity);

impl Truth {
    /// The built-in density of this name, if there is one.
    pub fn named(name: &str) -> Option<Truth> {
        toy(name).map(Truth)
    }

    /// The truth of the data that `trained` learnt from, if it is known.
    pub fn of(trained: &Trained) -> Option<Truth> {
        let unscaled = trained.model.scale().is_ok_and(|scale| scale.is_none());
        Truth::named(&trained.model.data.name).filter(|_| unscaled)
    }

    /// It, as the host sees a density.
    ///
    /// # Errors
    /// None for points of the plane.
    pub fn density(&self) -> Result<impl HostDensity + '_> {
        let point = |x: &[f64]| [x[0], x[1]];
        ClosedForm::new(
            2,
            move |x: &[f64]| self.0.log_density(&point(x)),
            move |x: &[f64], score: &mut [f64]| score.copy_from_slice(&self.0.score(&point(x))),
        )
    }

    /// A box that holds nearly all of it.
    pub fn window(&self) -> [[f64; 2]; 2] {
        self.0.window()
    }

    /// `count` exact, independent draws `[count, 2]`.
    pub fn draw(&self, seed: u64, count: usize) -> Vec<f64> {
        (0..count as u64).flat_map(|row| self.0.draw(seed, row)).collect()
    }

    /// A density over a grid on its window.
    ///
    /// # Errors
    /// As [`Quadrature::new`].
    pub fn grid(&self, density: &mut dyn HostDensity) -> Result<Quadrature> {
        let [x, y] = self.window();
        let window = Window::new(&[x[0], y[0]], &[x[1], y[1]])?;
        let settings = QuadratureSettings { intervals: INTERVALS, ..Default::default() };
        Quadrature::new(density, &window, settings)
    }

    /// The Fisher divergence of a model's score to its own, under it.
    ///
    /// # Errors
    /// As [`Quadrature::fisher_divergence`].
    pub fn fisher_divergence(&self, model: &TrainedModel) -> Result<FisherDivergence> {
        let grid = self.grid(&mut self.density()?)?;
        grid.fisher_divergence(&mut self.density()?, &mut TrainedDensity::new(model)?)
    }

    /// The mean of its log density over rows.
    ///
    /// # Errors
    /// No rows.
    pub fn log_likelihood(&self, rows: &[f64]) -> Result<Mean> {
        Mean::of(&self.density()?.log_density(rows)?)
    }
}

/// All held-out rows of a run; none where it holds none out.
pub(super) fn held_out(trained: &Trained) -> Result<Option<Vec<f64>>> {
    let data = run_data(trained, None)?;
    let held_out = (data.origin != HeldOut::Training).then_some(&data.held_out);
    held_out.map(|held_out| wide_rows_of(held_out, MAX_ROWS)).transpose()
}

/// The Fisher divergence of the model's score to the truth's, under the truth; none where the truth is not
/// known.
pub(super) fn fisher_divergence(trained: &Trained) -> Result<Option<FisherDivergence>> {
    let truth = Truth::of(trained).filter(|_| trained.model.model.has_score());
    truth.map(|truth| truth.fisher_divergence(&trained.model)).transpose()
}
