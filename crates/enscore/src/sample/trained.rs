//! A trained model: a network with its weights and with what follows from how it was trained.

use std::sync::Arc;

use enscore_program::executor::{Executor, Width};
use enscore_program::{Parameter, Program};

use crate::checkpoint::DataRecord;
use crate::data::Scale;
use crate::error::{Error, Reason, Result};
use crate::executor::{Routine, Weights};
use crate::mcmc::StartNoise;
use crate::model::{Network, NoiseLevels};

/// A model with its weights.
pub struct TrainedModel {
    /// The model.
    pub model: Network,
    /// Its parameters, in the order of first use, with their values in single precision.
    pub weights: Weights,
    /// The noise levels that it was trained at; for an objective without noise the one level 1, which a score
    /// network is told.
    pub levels: NoiseLevels,
    /// The data that it was trained on.
    pub data: DataRecord,
    /// Where its weights are and its programs run.
    pub executor: Arc<dyn Executor>,
    /// The temperature T of its log density f: the density is exp(f / T) / Z. Other than 1 only where chains
    /// at another temperature taught it.
    pub temperature: f64,
    /// The noise that chains start from.
    pub start_noise: StartNoise,
}

impl TrainedModel {
    /// The parameters, in the order of first use.
    pub fn parameters(&self) -> &[Parameter] {
        self.weights.parameters()
    }

    /// The same model on another executor.
    ///
    /// # Errors
    /// More memory than there is.
    pub fn on(self, executor: Arc<dyn Executor>) -> Result<TrainedModel> {
        let values = self.weights.read::<f32>()?;
        let weights = Weights::upload(&*executor, self.parameters(), &values)?;
        Ok(TrainedModel { weights, executor, ..self })
    }

    /// Elements of one row.
    pub fn row_len(&self) -> usize {
        self.data.row_shape.iter().product()
    }

    /// How the data was scaled.
    ///
    /// # Errors
    /// A manifest whose scale can't be read.
    pub fn scale(&self) -> Result<Scale> {
        serde_json::from_value(self.data.scale.clone()).map_err(|reason| {
            Error::new(Reason::Damaged, "can't read the data scale of the run")
                .at("manifest.json")
                .found_error(reason)
        })
    }

    /// Rows of the model in the units of the data: `[rows, ..row_shape]`, of a table the columns that were
    /// kept.
    ///
    /// # Errors
    /// A manifest whose scale or whitening can't be used.
    pub fn raw_rows(&self, rows: &[f32]) -> Result<Vec<f32>> {
        let scale = self.scale()?;
        let Some(whitening) = &self.data.whitening else {
            return Ok(rows.iter().map(|value| scale.raw(f64::from(*value)) as f32).collect());
        };
        let mut raw = Vec::with_capacity(rows.len());
        for row in rows.chunks(self.row_len().max(1)) {
            let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            raw.extend(whitening.invert(&row)?.iter().map(|value| scale.raw(*value) as f32));
        }
        Ok(raw)
    }

    /// Compiles `program` in single precision, to be called with the weights.
    ///
    /// # Errors
    /// A program that the executor does not take.
    pub fn compile(&self, program: &Program) -> Result<Routine> {
        Routine::compile(&*self.executor, program, Width::Single)
    }
}
