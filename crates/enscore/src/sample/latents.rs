//! The two networks of a trained latent variable model on many rows: means of q(z|x), and E[x|z].

use enscore_program::Kind;

use super::trained::TrainedModel;
use crate::error::{Error, Result};
use crate::executor::{Routine, RowSlice};
use crate::model::{LatentVariable, batch_shape, trace};

/// Rows that a program takes at once.
const BATCH: usize = 64;

/// Encoder and decoder of a trained model.
pub struct LatentCoder<'a> {
    model: &'a TrainedModel,
    network: &'a dyn LatentVariable,
}

impl<'a> LatentCoder<'a> {
    /// Those of `model`, if it has latent variables.
    pub fn of(model: &'a TrainedModel) -> Option<Self> {
        Some(LatentCoder { model, network: model.model.latent_variable()? })
    }

    /// The number of latent variables.
    pub fn latents(&self) -> usize {
        self.network.latents()
    }

    /// The mean of q(z|x) of each row, as the model sees it: `[n, row_len]` → `[n, latents]`.
    ///
    /// # Errors
    /// Values that don't fill whole rows.
    pub fn encode(&self, rows: &[f32]) -> Result<Vec<f32>> {
        let (program, _) = trace(self.model.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(BATCH, self.network.row_shape()));
            vec![("out".to_string(), self.network.encode(parameters, x).mean)]
        })?;
        self.each(&mut self.model.compile(&program)?, rows, self.model.row_len())
    }

    /// E[x|z] of each z, as the model sees rows: `[n, latents]` → `[n, row_len]`.
    ///
    /// # Errors
    /// Values that don't fill whole vectors.
    pub fn decode(&self, z: &[f32]) -> Result<Vec<f32>> {
        let latents = self.network.latents();
        let (program, _) = trace(self.model.parameters(), |scope, parameters| {
            let z = scope.input("x", Kind::Float, &[BATCH, latents]);
            vec![("out".to_string(), self.network.expected(parameters, z))]
        })?;
        self.each(&mut self.model.compile(&program)?, z, latents)
    }

    fn each(&self, routine: &mut Routine, rows: &[f32], len: usize) -> Result<Vec<f32>> {
        if len == 0 || !rows.len().is_multiple_of(len) {
            return Err(Error::input("not whole rows").found(rows.len()).expected(format!("rows of {len}")));
        }
        let rows = RowSlice::new(rows, len)?;
        let found = routine.over::<f32>(&rows).weights(&self.model.weights).per_row("out")?;
        Ok(found.into_iter().map(|value| value as f32).collect())
    }
}
