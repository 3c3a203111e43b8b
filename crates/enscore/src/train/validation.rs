//! The loss of the averaged weights on held-out rows: fixed rows, fixed noise, every level in turn.

use enscore_cpu::{Argument, Executable};
use enscore_program::random::Key;

use crate::data::Subset;
use crate::error::Result;
use crate::model::NoiseLevels;
use crate::objective::EvaluationProgram;
use crate::sample::{options, refused};
use crate::train::plan::Plan;

/// Rows that a validation takes at most: enough for a standard error below a percent of the loss.
const MAX_ROWS: usize = 1024;
/// The step of the key of validation noise: no training step has it.
const STEP: u64 = u64::MAX;

/// A compiled validation.
pub(crate) struct Validation {
    executable: Executable<f32>,
    x: Vec<f32>,
    sigma: Vec<f32>,
    row_len: usize,
    batch: usize,
    key: Key,
    rows: usize,
}

impl Validation {
    pub(crate) fn new(plan: &Plan, subset: &Subset) -> Result<Validation> {
        let rows = &subset.rows()[..subset.rows().len().min(MAX_ROWS)];
        let batch = plan.settings.train().batch.min(rows.len());
        let program = EvaluationProgram::trace(&*plan.model, &plan.update.parameters, batch)?;
        let executable = Executable::compile(&program.program, options(&plan.settings)).map_err(refused)?;
        let row_len = subset.dataset().row_len();
        let padded = rows.len().next_multiple_of(batch);
        let mut x = vec![0.0; padded * row_len];
        for (row, x) in rows.iter().zip(x.chunks_exact_mut(row_len)) {
            subset.dataset().copy_row(*row as usize, x)?;
        }
        let key = Key::new(plan.settings.train().seed, STEP);
        let sigma = cycle(&plan.levels, padded);
        Ok(Validation { executable, x, sigma, row_len, batch, key, rows: rows.len() })
    }

    /// The mean loss per dimension of `weights` over rows, row i at level i modulo L.
    pub(crate) fn loss_per_dim(&mut self, weights: &[Vec<f32>]) -> Result<f64> {
        let mut out = vec![0.0; self.batch];
        let mut losses = Vec::with_capacity(self.rows);
        for start in (0..self.rows).step_by(self.batch) {
            let x = &self.x[start * self.row_len..(start + self.batch) * self.row_len];
            let mut inputs: Vec<Argument<f32>> =
                weights.iter().map(|values| Argument::Float(values)).collect();
            inputs.extend([Argument::Float(x), Argument::Float(&self.sigma[start..start + self.batch])]);
            inputs.push(Argument::Key(Key { row: start as u64, ..self.key }));
            self.executable.run(&inputs, &mut [&mut out]).map_err(refused)?;
            losses.extend(out.iter().take(self.rows - start).map(|loss| f64::from(*loss)));
        }
        Ok(losses.iter().sum::<f64>() / (self.rows * self.row_len) as f64)
    }
}

fn cycle(levels: &NoiseLevels, len: usize) -> Vec<f32> {
    levels.as_slice().iter().map(|sigma| *sigma as f32).cycle().take(len).collect()
}
