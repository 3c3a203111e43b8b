//! The rows of each step: a pure function of (seed, step), dequantised if asked for.

use enscore_program::random::Key;

use crate::data::{BatchOrder, Subset, uniform_row};
use crate::error::Result;
use crate::streams;
use crate::train::options::TrainingOptions;

/// The batch of the current step, filled in place.
pub(super) struct Batches {
    order: BatchOrder,
    data: Subset,
    seed: u64,
    dequantise: bool,
    /// `[batch, ..row_shape]`
    pub(super) x: Vec<f32>,
    /// `[batch]`: every row counts the same.
    pub(super) weights: Vec<f32>,
}

impl Batches {
    pub(super) fn new(data: &Subset, options: &TrainingOptions) -> Batches {
        let batch = options.batch;
        let seed = options.seed;
        Batches {
            order: BatchOrder::new(data, seed),
            data: data.clone(),
            seed,
            dequantise: options.dequantise,
            x: vec![0.0; batch * data.dataset().row_len()],
            weights: vec![1.0; batch],
        }
    }

    /// The rows that follow after `step` steps.
    pub(super) fn fill(&mut self, step: u64) -> Result<()> {
        let data = self.data.dataset();
        let row_len = data.row_len();
        let rows = self.order.batch_rows(step, self.weights.len());
        let key = Key::new(self.seed, step);
        let mut noise = vec![0.0; row_len];
        for (i, (row, x)) in rows.iter().zip(self.x.chunks_exact_mut(row_len)).enumerate() {
            if self.dequantise {
                uniform_row(key, streams::DEQUANTISATION, i as u64, &mut noise);
                data.copy_row_dequantised(*row as usize, &noise, x)?;
            } else {
                data.copy_row(*row as usize, x)?;
            }
        }
        Ok(())
    }
}
