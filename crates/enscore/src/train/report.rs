//! What one update of a training reports.

use crate::error::{Error, Result};
use crate::objective::Diagnostic;

/// What an update reports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepReport {
    /// Whose step it was: a position among the task's players.
    pub player: usize,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// The loss as the method defines it, on the batch.
    pub loss: f64,
    /// The loss per dimension where the loss is a sum over dimensions, else what the objective reports first.
    pub loss_per_dim: f64,
    /// The norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Whether loss and gradient are finite; a step that is not finite is not taken.
    pub finite: bool,
    /// E f over the data less E f over the chains, nats, of contrastive divergence.
    pub energy_gap: Option<f64>,
    /// Everything that the objective reports.
    pub diagnostics: Vec<(Diagnostic, f64)>,
}

impl StepReport {
    pub(crate) fn new(
        player: usize,
        learning_rate: f64,
        [loss, gradient_norm]: [f64; 2],
        finite: bool,
        diagnostics: Vec<(Diagnostic, f64)>,
    ) -> StepReport {
        let loss_per_dim = diagnostics.first().map_or(loss, |(_, value)| *value);
        let energy_gap = diagnostics.iter().find(|(of, _)| *of == Diagnostic::EnergyGap).map(|(_, gap)| *gap);
        StepReport {
            player,
            learning_rate,
            loss,
            loss_per_dim,
            gradient_norm,
            finite,
            energy_gap,
            diagnostics,
        }
    }

    /// The accuracy that decides whose turn it is.
    ///
    /// # Errors
    /// An objective of a game that reports none.
    pub(crate) fn accuracy(&self) -> Result<f64> {
        self.diagnostic(Diagnostic::Accuracy).ok_or_else(|| {
            Error::run("alternation needs an accuracy").found("an objective that doesn't report one")
        })
    }

    /// What the objective reported of this, if it does.
    pub fn diagnostic(&self, wanted: Diagnostic) -> Option<f64> {
        self.diagnostics.iter().find(|(of, _)| *of == wanted).map(|(_, value)| *value)
    }
}
