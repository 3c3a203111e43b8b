//! A model of two sides of units with its weights in double precision: what log Z and the log densities of
//! rows are computed from, whether it comes from a run or from files.

use enscore_cpu::{Argument, Executable, Options};
use enscore_program::{Kind, Parameter, Program, Var};

use super::trained::{TrainedModel, refused};
use crate::error::{Error, Reason, Result};
use crate::files::Sha256Hex;
use crate::model::{Bipartite, batch_shape, trace};

/// Rows that a program takes at once.
const BATCH: usize = 256;

/// A model of two sides of units with its weights.
pub struct WeightedBipartite<'a> {
    /// The model.
    pub model: &'a dyn Bipartite,
    /// Its parameters, in the order of a program's first inputs.
    pub parameters: Vec<Parameter>,
    /// Their values, in the same order.
    pub weights: Vec<Vec<f64>>,
    /// How programs are compiled for it.
    pub options: Options,
}

/// The parameters of a model of two sides, in the order of first use.
fn parameters_of(model: &dyn Bipartite) -> Result<Vec<Parameter>> {
    let (_, parameters) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[1, model.first_width()]);
        let h = scope.input("h", Kind::Float, &[1, model.second_width()]);
        let (f, g) = (model.first_log_density(parameters, x), model.second_log_density(parameters, h));
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
        let mut weights = Vec::new();
        for parameter in &parameters {
            let values = weight(parameter)?;
            let expected: usize = parameter.shape.iter().product();
            if values.len() != expected {
                return Err(Error::input("the weights don't match the model in size")
                    .at(&parameter.name)
                    .found(values.len())
                    .expected(expected));
            }
            weights.push(values);
        }
        Ok(WeightedBipartite { model, parameters, weights, options: Options::default() })
    }

    /// The model of a run, if it has two sides of units.
    ///
    /// # Errors
    /// A model that does not fit its own rows.
    pub fn of(trained: &'a TrainedModel) -> Result<Option<Self>> {
        let Some(model) = trained.model.bipartite() else { return Ok(None) };
        let widened = trained.weights.iter().map(|w| w.iter().map(|v| f64::from(*v)).collect());
        Ok(Some(WeightedBipartite {
            model,
            parameters: trained.parameters.clone(),
            weights: widened.collect(),
            options: trained.options,
        }))
    }

    /// The weights in single precision.
    pub fn single(&self) -> Vec<Vec<f32>> {
        self.weights.iter().map(|values| values.iter().map(|value| *value as f32).collect()).collect()
    }

    /// Whether every unit of the first side is in {0, 1}.
    pub fn is_binary(&self) -> bool {
        self.model.is_binary()
    }

    /// Compiles a program whose first inputs are the parameters in double precision.
    ///
    /// # Errors
    /// A program that the executor does not take.
    pub fn compile(&self, program: &Program) -> Result<Executable<f64>> {
        Executable::compile(program, self.options).map_err(refused)
    }

    /// The log density, up to log Z, of rows of data `[n, row]` in double precision: `[n]`, nats.
    ///
    /// # Errors
    /// Values that do not fill whole rows; a model that does not fit them.
    pub fn log_densities(&self, rows: &[f32]) -> Result<Vec<f64>> {
        let shape = batch_shape(BATCH, self.model.row_shape());
        let len: usize = self.model.row_shape().iter().product();
        if !rows.len().is_multiple_of(len) {
            return Err(Error::new(Reason::Shape, "the values do not fill whole rows")
                .found(rows.len())
                .expected(format!("a multiple of {len}")));
        }
        let (program, _) = trace(&self.parameters, |scope, parameters| {
            let x = scope.input("x", Kind::Float, &shape);
            let f: Var = self.model.log_density(parameters, x);
            vec![("f".to_string(), f)]
        })?;
        let mut executable = self.compile(&program)?;
        let (mut x, mut out) = (vec![0.0; BATCH * len], vec![0.0; BATCH]);
        let mut found = Vec::with_capacity(rows.len() / len);
        for chunk in rows.chunks(BATCH * len) {
            x.iter_mut().zip(chunk).for_each(|(x, value)| *x = f64::from(*value));
            let mut inputs: Vec<Argument<f64>> = self.weights.iter().map(|w| Argument::Float(w)).collect();
            inputs.push(Argument::Float(&x));
            executable.run(&inputs, &mut [&mut out]).map_err(refused)?;
            found.extend(&out[..chunk.len() / len]);
        }
        Ok(found)
    }

    /// SHA-256 of the weights: tells whether what is known of a model is of these weights.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256Hex::new();
        for (parameter, values) in self.parameters.iter().zip(&self.weights) {
            hash.update(format!("{} {:?};", parameter.name, parameter.shape));
            values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        hash.update(format!("{:?}", self.model.first_units()));
        hash.digits()
    }
}
