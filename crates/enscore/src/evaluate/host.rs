//! Ask a [`HostDensity`] for many rows in batches, and check what it answers.

use crate::error::{Error, Result};
use crate::executor::whole_rows;
use crate::model::HostDensity;

/// Rows a call, where the caller has no reason for another number.
pub const DEFAULT_BATCH: usize = 4096;

/// f of each row, `[n, row_len]` → `[n]`, `batch` rows a call. Minus infinity is a density of 0.
///
/// # Errors
/// Values that don't fill whole rows; a batch of 0; the density's own errors; a run error at the first row
/// whose log density is NaN or plus infinity.
pub fn log_densities(density: &mut dyn HostDensity, rows: &[f64], batch: usize) -> Result<Vec<f64>> {
    let row_len = density.row_len();
    let count = whole_rows(rows, row_len)?.len();
    let found = in_batches(rows, row_len, batch, |chunk| density.log_density(chunk))?;
    same_count("log densities", found.len(), count)?;
    match found.iter().position(|value| value.is_nan() || *value == f64::INFINITY) {
        Some(row) => Err(Error::run("a log density is not a number")
            .at(format_args!("row {row}, {:?}", shown(rows, row_len, row)))
            .found(found[row])
            .expected("a finite number, or -inf where the density is 0")),
        None => Ok(found),
    }
}

/// ∇f of each row, `[n, row_len]` → `[n, row_len]`, `batch` rows a call.
///
/// # Errors
/// As [`log_densities`], for scores that are not finite.
pub fn scores(density: &mut dyn HostDensity, rows: &[f64], batch: usize) -> Result<Vec<f64>> {
    let row_len = density.row_len();
    let count = whole_rows(rows, row_len)?.len();
    let found = in_batches(rows, row_len, batch, |chunk| density.score(chunk))?;
    same_count("score components", found.len(), count * row_len)?;
    match found.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::run("a score is not finite")
            .at(format_args!("row {}, {:?}", at / row_len, shown(rows, row_len, at / row_len)))
            .found(found[at])),
        None => Ok(found),
    }
}

/// The first numbers of a row, for messages.
fn shown(rows: &[f64], row_len: usize, row: usize) -> &[f64] {
    &rows[row * row_len..][..row_len.min(4)]
}

fn in_batches(
    rows: &[f64],
    row_len: usize,
    batch: usize,
    mut ask: impl FnMut(&[f64]) -> Result<Vec<f64>>,
) -> Result<Vec<f64>> {
    if batch == 0 {
        return Err(Error::input("invalid batch size").found(0).expected("at least 1"));
    }
    let mut found = Vec::new();
    for chunk in rows.chunks(batch.saturating_mul(row_len)) {
        found.extend(ask(chunk)?);
    }
    Ok(found)
}

fn same_count(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::run(format_args!("wrong number of {what}")).found(found).expected(expected))
}

/// Refuses two densities over rows of different lengths.
pub(crate) fn same_row_len(a: usize, b: usize) -> Result<()> {
    if a == b {
        return Ok(());
    }
    Err(Error::input("two densities over rows of different lengths").found(a).expected(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClosedForm;

    #[test]
    fn batches_are_put_together_in_order() {
        let mut density =
            ClosedForm::new(2, |x| x[0] - x[1], |x, out| out.copy_from_slice(&[x[1], 1.0])).unwrap();
        let rows: Vec<f64> = (0..10).map(f64::from).collect();
        for batch in [1, 2, 5, 100] {
            assert_eq!(log_densities(&mut density, &rows, batch).unwrap(), [-1.0; 5]);
            assert_eq!(
                scores(&mut density, &rows, batch).unwrap(),
                [1.0, 1.0, 3.0, 1.0, 5.0, 1.0, 7.0, 1.0, 9.0, 1.0]
            );
        }
        assert!(log_densities(&mut density, &rows, 0).is_err());
        assert!(log_densities(&mut density, &rows[1..], 1).is_err());
    }

    #[test]
    fn what_is_no_density_is_named_by_its_row() {
        let mut density = ClosedForm::new(1, |x| x[0].ln(), |x, out| out[0] = 1.0 / x[0]).unwrap();
        assert_eq!(log_densities(&mut density, &[1.0, 0.0], 8).unwrap(), [0.0, f64::NEG_INFINITY]);
        let error = log_densities(&mut density, &[1.0, 2.0, -1.0], 2).unwrap_err();
        assert!(error.place.contains("row 2"), "{error}");
        assert!(scores(&mut density, &[1.0, 0.0], 8).unwrap_err().place.contains("row 1"));
    }
}
