//! A model of two sides of units with its weights in double precision: what log Z and the log densities of
//! rows are computed from, whether it comes from a run or from files.

use std::sync::Arc;

use enscore_program::executor::{Executor, Width};
use enscore_program::{Kind, Parameter, Program, Var};

use super::trained::TrainedModel;
use crate::error::Result;
use crate::executor::{Routine, RowSlice, Weights, default_executor};
use crate::files::Sha256Hex;
use crate::model::{Bipartite, batch_shape, trace};

/// Rows that a program takes at once.
const BATCH: usize = 256;

/// A model of two sides of units with its weights.
pub struct WeightedBipartite<'a> {
    /// The model.
    pub model: &'a dyn Bipartite,
    /// Its parameters with their values in double precision.
    pub weights: Weights,
    /// Where its weights are and its programs run.
    pub executor: Arc<dyn Executor>,
}

/// The parameters of a model of two sides, in the order of first use.
fn parameters_of(model: &dyn Bipartite) -> Result<Vec<Parameter>> {
    let (_, parameters) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[1, model.first_width()]);
        let h = scope.input("h", Kind::Float, &[1, model.second_width()]);
        let f = model.first_log_density(parameters, x);
        let g = model.second_log_density(parameters, h);
        vec![("f".to_string(), f), ("g".to_string(), g)]
    })?;
    Ok(parameters)
}

impl<'a> WeightedBipartite<'a> {
    /// A model with the values of its parameters, which `weight` gives by parameter.
    ///
    /// # Errors
    /// A model that does not fit its own rows; what `weight` refuses; another number of values than the
    /// parameter has.
    pub fn new(
        model: &'a dyn Bipartite,
        mut weight: impl FnMut(&Parameter) -> Result<Vec<f64>>,
    ) -> Result<Self> {
        let parameters = parameters_of(model)?;
        let values = parameters.iter().map(&mut weight).collect::<Result<Vec<_>>>()?;
        let executor = default_executor();
        Ok(WeightedBipartite { model, weights: Weights::upload(&*executor, &parameters, &values)?, executor })
    }

    /// The model of a run, if it has two sides of units.
    ///
    /// # Errors
    /// A model that does not fit its own rows.
    pub fn of(trained: &'a TrainedModel) -> Result<Option<Self>> {
        let Some(model) = trained.model.bipartite() else { return Ok(None) };
        let weights = trained.weights.converted::<f32, f64>(&*trained.executor)?;
        Ok(Some(WeightedBipartite { model, weights, executor: trained.executor.clone() }))
    }

    /// The parameters, in the order of first use.
    pub fn parameters(&self) -> &[Parameter] {
        self.weights.parameters()
    }

    /// The weights in single precision.
    ///
    /// # Errors
    /// More memory than there is.
    pub fn single(&self) -> Result<Weights> {
        self.weights.converted::<f64, f32>(&*self.executor)
    }

    /// Whether every unit of the first side is in {0, 1}.
    pub fn is_binary(&self) -> bool {
        self.model.is_binary()
    }

    /// Compiles a program for numbers of this width.
    ///
    /// # Errors
    /// A program that the executor does not take.
    pub fn compile(&self, program: &Program, width: Width) -> Result<Routine> {
        Routine::compile(&*self.executor, program, width)
    }

    /// The log density, up to log Z, of rows of data `[n, row]` in double precision: `[n]`, nats.
    ///
    /// # Errors
    /// Values that do not fill whole rows; a model that does not fit them.
    pub fn log_densities(&self, rows: &[f32]) -> Result<Vec<f64>> {
        let shape = batch_shape(BATCH, self.model.row_shape());
        let rows = RowSlice::new(rows, self.model.row_shape().iter().product())?;
        let (program, _) = trace(self.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &shape);
            let f: Var = self.model.log_density(parameters, x);
            vec![("f".to_string(), f)]
        })?;
        self.compile(&program, Width::Double)?.over::<f64>(&rows).weights(&self.weights).per_row("f")
    }

    /// The mean of each unit of the second side given rows of data `[n, row]`: `[n, second]`. Where the first
    /// side has further units, these are at their mean field.
    ///
    /// # Errors
    /// As [`WeightedBipartite::log_densities`].
    pub fn hidden_means(&self, rows: &[f32]) -> Result<Vec<f64>> {
        let shape = batch_shape(BATCH, self.model.row_shape());
        let row_len = self.model.row_shape().iter().product();
        let rows = RowSlice::new(rows, row_len)?;
        let (program, _) = trace(self.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &shape).reshape(&[BATCH, row_len]);
            let (first, _) = self.model.first_given_data(parameters, x);
            vec![("h".to_string(), self.model.second_inputs(parameters, first).sigmoid())]
        })?;
        self.compile(&program, Width::Double)?.over::<f64>(&rows).weights(&self.weights).per_row("h")
    }

    /// SHA-256 of the weights: tells whether what is known of a model is of these weights.
    ///
    /// # Errors
    /// An executor that fails.
    pub fn fingerprint(&self) -> Result<String> {
        let mut hash = Sha256Hex::new();
        for (parameter, values) in self.parameters().iter().zip(self.weights.read::<f64>()?) {
            hash.update(format!("{} {:?};", parameter.name, parameter.shape));
            values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        hash.update(format!("{:?}", self.model.first_units()));
        Ok(hash.digits())
    }
}
