//! The loss of the averaged weights on held-out rows: fixed rows, fixed draws; with noise levels, every level
//! in turn.

use enscore_cpu::{Argument, Executable};
use enscore_program::random::Key;

use crate::data::Subset;
use crate::error::Result;
use crate::model::NoiseLevels;
use crate::objective::{EvaluationProgram, HeldOutLoss, ObjectiveProgram};
use crate::sample::refused;
use crate::train::from_settings::Described;
use crate::trained::options;

/// Rows that a validation takes at most: enough for a standard error below a percent of the loss.
const MAX_ROWS: usize = 1024;
/// The step of the key of validation noise: no training step has it.
const STEP: u64 = u64::MAX;

/// A compiled validation.
pub(crate) struct Validation {
    executable: Executable<f32>,
    kind: Kind,
    x: Vec<f32>,
    /// The noise level of each row, or its weight.
    beside: Vec<f32>,
    row_len: usize,
    batch: usize,
    key: Key,
    rows: usize,
}

/// What the program gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The denoising loss of each row, a sum over dimensions.
    Denoising,
    /// The objective's mean over rows.
    Objective,
}

impl Validation {
    pub(crate) fn new(described: &Described, subset: &Subset) -> Result<Validation> {
        let settings = &described.settings;
        let training = &described.training;
        let rows = &subset.rows()[..subset.rows().len().min(MAX_ROWS)];
        let batch = settings.train().batch.min(rows.len());
        let parameters = training.parameters();
        let padded = rows.len().next_multiple_of(batch);
        let (kind, program, beside) = match settings.objective().method().held_out() {
            HeldOutLoss::Denoising => {
                let program = EvaluationProgram::trace(training.model(), parameters, batch)?.program;
                (Kind::Denoising, program, cycle(&described.levels, padded))
            }
            HeldOutLoss::Own | HeldOutLoss::OwnInTraining | HeldOutLoss::None => {
                let objective = &*training.task().players[0].objective;
                let program =
                    ObjectiveProgram::trace(training.model(), objective, parameters, batch)?.program;
                let weight = |row: usize| if row < rows.len() { 1.0 } else { 0.0 };
                (Kind::Objective, program, (0..padded).map(weight).collect())
            }
        };
        let executable = Executable::compile(&program, options(settings)).map_err(refused)?;
        let row_len = subset.dataset().row_len();
        let mut x = vec![0.0; padded * row_len];
        for (row, x) in rows.iter().zip(x.chunks_exact_mut(row_len)) {
            subset.dataset().copy_row(*row as usize, x)?;
        }
        let key = Key::new(settings.train().seed, STEP);
        Ok(Validation { executable, kind, x, beside, row_len, batch, key, rows: rows.len() })
    }

    /// The mean loss of `weights` over rows, per dimension where it is a sum over dimensions; row i at level
    /// i modulo L.
    pub(crate) fn loss_per_dim(&mut self, weights: &[Vec<f32>]) -> Result<f64> {
        let mut out = vec![0.0; if self.kind == Kind::Denoising { self.batch } else { 1 }];
        let mut sum = 0.0;
        for start in (0..self.rows).step_by(self.batch) {
            let x = &self.x[start * self.row_len..(start + self.batch) * self.row_len];
            let mut inputs: Vec<Argument<f32>> =
                weights.iter().map(|values| Argument::Float(values)).collect();
            inputs.extend([Argument::Float(x), Argument::Float(&self.beside[start..start + self.batch])]);
            inputs.push(Argument::Key(Key { row: start as u64, ..self.key }));
            self.executable.run(&inputs, &mut [&mut out]).map_err(refused)?;
            let taken = self.batch.min(self.rows - start);
            sum += match self.kind {
                Kind::Denoising => out.iter().take(taken).map(|loss| f64::from(*loss)).sum::<f64>(),
                Kind::Objective => f64::from(out[0]) * (taken * self.row_len) as f64,
            };
        }
        Ok(sum / (self.rows * self.row_len) as f64)
    }
}

fn cycle(levels: &NoiseLevels, len: usize) -> Vec<f32> {
    levels.as_slice().iter().map(|sigma| *sigma as f32).cycle().take(len).collect()
}
