//! The loss of the averaged weights on held-out rows: fixed rows, fixed draws; with noise levels, every level
//! in turn.

use enscore_program::executor::Width;
use enscore_program::random::Key;

use crate::data::Subset;
use crate::error::Result;
use crate::executor::{Routine, WeightsView};
use crate::model::NoiseLevels;
use crate::objective::{HeldOutLoss, evaluation_program, objective_program};
use crate::train::from_settings::Described;

/// Rows that a validation takes at most: enough for a standard error below a percent of the loss.
const MAX_ROWS: usize = 1024;
/// The step of the key of validation noise: no training step has it.
const STEP: u64 = u64::MAX;

/// A compiled validation.
pub(crate) struct Validation {
    routine: Routine,
    kind: Kind,
    rows: Subset,
    /// The noise level of each row, where there are levels.
    sigmas: Vec<f32>,
    batch: usize,
    key: Key,
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
        let count = subset.rows().len().min(MAX_ROWS);
        let batch = settings.train().batch.min(count);
        let parameters = training.parameters();
        let (kind, program) = match settings.objective().method().held_out() {
            HeldOutLoss::Denoising => {
                (Kind::Denoising, evaluation_program(training.model(), parameters, batch)?)
            }
            HeldOutLoss::Own | HeldOutLoss::OwnInTraining | HeldOutLoss::None => {
                let objective = &*training.task().players[0].objective;
                (Kind::Objective, objective_program(training.model(), objective, parameters, batch)?)
            }
        };
        let executor = &*training.executors().other;
        Ok(Validation {
            routine: Routine::compile(executor, &program, Width::Single)?,
            kind,
            rows: Subset::new(subset.dataset(), subset.rows()[..count].to_vec())?,
            sigmas: cycle(&described.levels, count),
            batch,
            key: Key::new(settings.train().seed, STEP),
        })
    }

    /// Bytes that the compiled program keeps.
    pub(crate) fn memory(&self) -> usize {
        self.routine.memory()
    }

    /// The mean loss of `weights` over rows, per dimension where it is a sum over dimensions; row i at level
    /// i modulo L.
    pub(crate) fn loss_per_dim(&mut self, weights: WeightsView) -> Result<f64> {
        let row_len = self.rows.dataset().row_len();
        let over = self.routine.over(&self.rows).weights(weights).key(self.key);
        let sums: Vec<f64> = match self.kind {
            Kind::Denoising => {
                let losses = over.with_each("sigma", &self.sigmas).per_row("loss")?;
                losses.chunks(self.batch).map(|losses| losses.iter().sum()).collect()
            }
            Kind::Objective => {
                let means = over.means("loss")?;
                means.iter().map(|batch| batch.mean * (batch.rows * row_len) as f64).collect()
            }
        };
        Ok(sums.iter().sum::<f64>() / (self.rows.rows().len() * row_len) as f64)
    }
}

fn cycle(levels: &NoiseLevels, len: usize) -> Vec<f32> {
    levels.as_slice().iter().map(|sigma| *sigma as f32).cycle().take(len).collect()
}
