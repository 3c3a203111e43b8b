//! How far a score is from a known one: the Fisher divergence
//!
//! ```text
//! D(p, s) = ½ E_p ‖∇ log p(x) - s(x)‖²
//! ```
//!
//! (Hyvärinen 2005, "Estimation of non-normalized statistical models by score matching", eq. 2), and the same
//! divided by ½ E_p ‖∇ log p‖², which is 1 for the score 0 and doesn't change with the unit of x. Only scores
//! are asked for, so that a model without a density can be measured too. In nats per squared unit of x,
//! summed over the coordinates.

use crate::error::{Error, Reason, Result};
use crate::evaluate::Mean;
use crate::evaluate::host::{same_row_len, scores};
use crate::executor::whole_rows;
use crate::model::HostDensity;
use serde::Serialize;

/// A Fisher divergence beside that of the score 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FisherDivergence {
    /// ½ E ‖s* - s‖², at least 0.
    pub value: f64,
    /// ½ E ‖s*‖²: the divergence of the score 0.
    pub of_zero: f64,
    /// value / of_zero: 0 is perfect, 1 no better than the score 0.
    pub relative: f64,
    /// The standard error of `value` over the rows; 0 where the expectation is an integral over a grid.
    #[serde(rename = "standard_error")]
    pub std_err: f64,
}

/// The divergence of `model`'s score from that of `truth`, over rows `[n, row_len]` drawn from the truth,
/// `batch` rows a call.
///
/// # Errors
/// Rows of different lengths, no row, scores that are not finite, a true score that is 0 on every row.
pub fn fisher_divergence(
    model: &mut dyn HostDensity,
    truth: &mut dyn HostDensity,
    rows: &[f64],
    batch: usize,
) -> Result<FisherDivergence> {
    same_row_len(model.row_len(), truth.row_len())?;
    let row_len = truth.row_len();
    let found = scores(model, rows, batch)?;
    let known = scores(truth, rows, batch)?;
    let terms = half_squares(&found, &known, row_len)?;
    let mean = Mean::of(&terms)?;
    let zero = Mean::of(&half_squares(&vec![0.0; known.len()], &known, row_len)?)?;
    finish(mean.value, zero.value, mean.std_err)
}

/// The divergence of scores `found` from those `known`, both `[n, row_len]`, under weights `[n]` that sum to
/// 1: those of a grid.
///
/// # Errors
/// Lengths that disagree; a known score that is 0 everywhere.
pub fn weighted_fisher_divergence(
    found: &[f64],
    known: &[f64],
    weights: &[f64],
    row_len: usize,
) -> Result<FisherDivergence> {
    let under = |terms: Vec<f64>| -> Result<f64> {
        if terms.len() != weights.len() {
            return Err(Error::input("scores and weights differ in number of rows")
                .found(format_args!("{} rows of scores", terms.len()))
                .expected(weights.len()));
        }
        Ok(terms.iter().zip(weights).map(|(term, weight)| term * weight).sum())
    };
    let value = under(half_squares(found, known, row_len)?)?;
    finish(value, under(half_squares(&vec![0.0; known.len()], known, row_len)?)?, 0.0)
}

fn finish(value: f64, of_zero: f64, std_err: f64) -> Result<FisherDivergence> {
    if of_zero > 0.0 && value.is_finite() {
        return Ok(FisherDivergence { value, of_zero, relative: value / of_zero, std_err });
    }
    Err(Error::input("the relative Fisher divergence is undefined")
        .found(format_args!("half the mean square of the true score {of_zero}, divergence {value}"))
        .expected("finite numbers, the first above 0"))
}

/// ½ ‖a_i - b_i‖² of each row.
fn half_squares(a: &[f64], b: &[f64], row_len: usize) -> Result<Vec<f64>> {
    if a.len() != b.len() {
        return Err(Error::new(Reason::Shape, "the scores differ in shape").found(a.len()).expected(b.len()));
    }
    let rows = whole_rows(a, row_len)?.zip(whole_rows(b, row_len)?);
    Ok(rows.map(|(a, b)| 0.5 * a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClosedForm;

    /// Scores -x and -2x over rows 1 and -3: ½ x², relative to ½ x² of the truth -x.
    #[test]
    fn the_divergence_over_two_rows_is_that_by_hand() {
        let normal = |precision: f64| {
            ClosedForm::new(
                1,
                move |x: &[f64]| -0.5 * precision * x[0] * x[0],
                move |x: &[f64], s: &mut [f64]| s[0] = -precision * x[0],
            )
        };
        let mut model = normal(2.0).unwrap();
        let mut truth = normal(1.0).unwrap();
        let found = fisher_divergence(&mut model, &mut truth, &[1.0, -3.0], 1).unwrap();
        assert_eq!((found.value, found.of_zero, found.relative), (2.5, 2.5, 1.0));
        assert!((found.std_err - 2.0).abs() < 1e-14);
        let found = weighted_fisher_divergence(&[-2.0, 6.0], &[-1.0, 3.0], &[0.75, 0.25], 1).unwrap();
        assert_eq!((found.value, found.relative), (1.5, 1.0));
        assert!(weighted_fisher_divergence(&[1.0], &[1.0, 2.0], &[1.0], 1).is_err());
        assert!(weighted_fisher_divergence(&[1.0, 2.0], &[1.0, 2.0], &[1.0], 1).is_err());
        assert!(weighted_fisher_divergence(&[1.0], &[0.0], &[1.0], 1).is_err());
        assert!(fisher_divergence(&mut model, &mut truth, &[], 1).is_err());
    }
}
