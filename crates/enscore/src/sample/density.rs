//! The log density and score of a trained model as the host sees them: rows in, double precision out,
//! computed in single precision by a compiled program, batch by batch.

use enscore_program::Kind;

use super::trained::TrainedModel;
use crate::error::{Error, Result};
use crate::executor::{Routine, RowSlice};
use crate::model::{HostDensity, LogDensity, Score, batch_shape, trace};

/// Rows that a program takes at once.
const BATCH: usize = 256;

/// f/T and its gradient: the log density, up to log Z, that the model stands for at its temperature T. Of a
/// score network the score at its smallest noise level alone.
pub struct TrainedDensity<'a> {
    model: &'a TrainedModel,
    log_density: Option<Routine>,
    /// None where rows have no gradient.
    score: Option<Routine>,
}

impl<'a> TrainedDensity<'a> {
    /// Compiles the model's log density, if it has one, and its score.
    ///
    /// # Errors
    /// A model that does not fit its own rows.
    pub fn new(model: &'a TrainedModel) -> Result<Self> {
        Self::in_batches(model, BATCH)
    }

    /// The same for programs that take this many rows at once.
    pub(crate) fn in_batches(model: &'a TrainedModel, batch: usize) -> Result<Self> {
        let shape = batch_shape(batch, model.model.row_shape());
        let score = if model.model.has_score() {
            let (program, _) = trace(model.parameters(), |scope, parameters| {
                let x = scope.input("x", Kind::Float, &shape);
                let sigma = scope.constant(model.levels.last()).broadcast_to(&shape[..1]);
                let score = model.model.score(parameters, x, sigma) * (1.0 / model.temperature);
                vec![("score".to_string(), score)]
            })?;
            Some(model.compile(&program)?)
        } else {
            None
        };
        let log_density = if model.model.has_density() {
            let (program, _) = trace(model.parameters(), |scope, parameters| {
                let x = scope.input("x", Kind::Float, &shape);
                let f = model.model.log_density(parameters, x) * (1.0 / model.temperature);
                vec![("f".to_string(), f)]
            })?;
            Some(model.compile(&program)?)
        } else {
            None
        };
        Ok(TrainedDensity { model, log_density, score })
    }
}

impl HostDensity for TrainedDensity<'_> {
    fn row_len(&self) -> usize {
        self.model.row_len()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        let rows = RowSlice::new(rows, self.model.row_len())?;
        let Some(log_density) = &mut self.log_density else {
            return Err(Error::input("a score network has no log density")
                .at("model.kind")
                .expected("an energy or a flow"));
        };
        log_density.over::<f32>(&rows).weights(&self.model.weights).per_row("f")
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        let rows = RowSlice::new(rows, self.model.row_len())?;
        let Some(score) = &mut self.score else {
            return Err(Error::input("this model has no score")
                .at("model.kind")
                .expected("a score network, or a density of real values"));
        };
        score.over::<f32>(&rows).weights(&self.model.weights).per_row("score")
    }
}
