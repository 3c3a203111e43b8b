//! The log density and score of a trained model as the host sees them: rows in, double precision out,
//! computed in single precision by a compiled program, batch by batch.

use enscore_cpu::{Argument, Executable};
use enscore_program::Kind;

use super::trained::{TrainedModel, refused};
use crate::error::{Error, Reason, Result};
use crate::model::{HostDensity, LogDensity, Score, batch_shape, trace};

/// Rows that a program takes at once.
const BATCH: usize = 256;

/// f/T and its gradient: the log density, up to log Z, that the model stands for at its temperature T. Of a
/// score network the score at its smallest noise level alone.
pub struct TrainedDensity<'a> {
    model: &'a TrainedModel,
    log_density: Option<Executable<f32>>,
    score: Executable<f32>,
}

impl<'a> TrainedDensity<'a> {
    /// Compiles the model's log density, if it has one, and its score.
    ///
    /// # Errors
    /// A model that does not fit its own rows.
    pub fn new(model: &'a TrainedModel) -> Result<Self> {
        let shape = batch_shape(BATCH, LogDensity::row_shape(&model.model));
        let (score, _) = trace(&model.parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &shape);
            let sigma = scope.constant(model.levels.last()).broadcast_to(&shape[..1]);
            let score = model.model.score(parameters, x, sigma) * (1.0 / model.temperature);
            vec![("score".to_string(), score)]
        })?;
        let log_density = if model.model.has_density() {
            let (program, _) = trace(&model.parameters, |scope, parameters| {
                let x = scope.input("x", Kind::Float, &shape);
                let f = model.model.log_density(parameters, x) * (1.0 / model.temperature);
                vec![("f".to_string(), f)]
            })?;
            Some(model.compile(&program)?)
        } else {
            None
        };
        Ok(TrainedDensity { model, log_density, score: model.compile(&score)? })
    }

    /// Runs one of the programs over `rows`: one number a row, or the gradient.
    fn run(&mut self, rows: &[f64], gradient: bool) -> Result<Vec<f64>> {
        let len = self.model.row_len();
        let width = if gradient { len } else { 1 };
        if !rows.len().is_multiple_of(len) {
            return Err(Error::new(Reason::Shape, "the values do not fill whole rows")
                .found(rows.len())
                .expected(format!("a multiple of {len}")));
        }
        let mut values = Vec::with_capacity(rows.len() / len * width);
        let (mut x, mut out) = (vec![0.0f32; BATCH * len], vec![0.0f32; BATCH * width]);
        let executable = match (gradient, &mut self.log_density) {
            (true, _) => &mut self.score,
            (false, Some(log_density)) => log_density,
            (false, None) => {
                return Err(Error::input("a score network has no log density")
                    .at("model.kind")
                    .expected("an energy or a flow"));
            }
        };
        for chunk in rows.chunks(BATCH * len) {
            x.iter_mut().zip(chunk).for_each(|(x, value)| *x = *value as f32);
            let mut inputs = self.model.arguments();
            inputs.push(Argument::Float(&x));
            executable.run(&inputs, &mut [&mut out]).map_err(refused)?;
            values.extend(out.iter().take(chunk.len() / len * width).map(|value| f64::from(*value)));
        }
        Ok(values)
    }
}

impl HostDensity for TrainedDensity<'_> {
    fn row_len(&self) -> usize {
        self.model.row_len()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        self.run(rows, false)
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        self.run(rows, true)
    }
}
