//! The bar that a model of binary units must pass: held-out rows under units that are independent.

use super::figure::HeldOutFigure;
use super::figures::MAX_ROWS;
use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::evaluate::{BernoulliBaseline, EvaluationSettings, Rows};
use crate::model::Support;
use crate::trained::Trained;

/// Between the values of a unit.
const THRESHOLD: f32 = 0.5;

/// The log-likelihood of held-out rows by independent units with the rates of all training rows; none of a
/// model other than one of values in {0, 1}.
///
/// # Errors
/// Held-out rows of another width.
pub fn independent_units(
    trained: &Trained,
    training: &Subset,
    held_out: &Subset,
    settings: &EvaluationSettings,
) -> Result<Option<HeldOutFigure>> {
    if trained.model.model.support() != Support::Bits {
        return Ok(None);
    }
    let baseline = BernoulliBaseline::fit(training, THRESHOLD)?;
    let rows = rows_of(held_out, settings.max_rows.min(MAX_ROWS))?;
    let mean = baseline.log_likelihood(Rows::new(&rows, held_out.dataset().row_len())?)?;
    let id = "log_likelihood_independent_units";
    let label = "log-likelihood of held-out rows by independent units";
    Ok(Some(HeldOutFigure::of_mean(id, label, "nats", mean)))
}
