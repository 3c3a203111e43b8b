//! The log density of a trained energy or flow as the host sees it: rows in, double precision out, computed in single
//! precision by a compiled program, batch by batch.

use enscore_cpu::{Argument, Executable};
use enscore_program::Kind;

use super::trained::{TrainedModel, refused};
use crate::error::{Error, Result};
use crate::model::{HostDensity, LogDensity, batch_shape, trace};

/// Rows that a program takes at once.
const BATCH: usize = 256;

/// f/T and its gradient: the log density, up to log Z, that the model stands for at its temperature T.
pub struct TrainedDensity<'a> {
    model: &'a TrainedModel,
    log_density: Executable<f32>,
    score: Executable<f32>,
}

impl<'a> TrainedDensity<'a> {
    /// Compiles the model's log density and its gradient.
    ///
    /// # Errors
    /// A score network, which has no log density.
    pub fn new(model: &'a TrainedModel) -> Result<Self> {
        if !model.model.has_density() {
            return Err(Error::input("a score network has no log density")
                .at("model.kind")
                .expected("an energy or a flow"));
        }
        let program = |gradient: bool| {
            trace(&model.parameters, |scope, parameters| {
                let x = scope.input("x", Kind::Float, &batch_shape(BATCH, LogDensity::row_shape(&model.model)));
                let f = model.model.log_density(parameters, x) * (1.0 / model.temperature);
                let output = if gradient { scope.gradient(f.sum_all(), &[x])[0] } else { f };
                vec![("f".to_string(), output)]
            })
        };
        let (log_density, score) = (model.compile(&program(false)?.0)?, model.compile(&program(true)?.0)?);
        Ok(TrainedDensity { model, log_density, score })
    }

    /// Runs one of the programs over `rows`: one number a row, or the gradient.
    fn run(&mut self, rows: &[f64], gradient: bool) -> Result<Vec<f64>> {
        let len = self.model.row_len();
        let width = if gradient { len } else { 1 };
        if !rows.len().is_multiple_of(len) {
            return Err(Error::input("values do not fill whole rows")
                .found(rows.len())
                .expected(format!("a multiple of {len}")));
        }
        let mut values = Vec::with_capacity(rows.len() / len * width);
        let (mut x, mut out) = (vec![0.0f32; BATCH * len], vec![0.0f32; BATCH * width]);
        let executable = if gradient { &mut self.score } else { &mut self.log_density };
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
