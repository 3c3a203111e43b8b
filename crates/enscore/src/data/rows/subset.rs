//! Picks rows of a data set, and holds some out for validation.

use std::sync::Arc;

use super::shuffle::shuffled;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::executor::RowSource;
use crate::streams;

/// Some rows of a data set; at least one.
#[derive(Clone, Debug)]
pub struct Subset {
    dataset: Dataset,
    rows: Arc<[u32]>,
}

impl Subset {
    /// These rows of `dataset`, in this order.
    ///
    /// # Errors
    /// When there is none, or one is beyond the last row.
    pub fn new(dataset: &Dataset, rows: Vec<u32>) -> Result<Subset> {
        let Some(&last) = rows.iter().max() else {
            return Err(Error::input("a subset without rows").at(dataset.source()));
        };
        if last as usize >= dataset.rows() {
            return Err(Error::input("no such row")
                .at(dataset.source())
                .found(format!("row {last}"))
                .expected(format!("0 to {}", dataset.rows() - 1)));
        }
        Ok(Subset { dataset: dataset.clone(), rows: rows.into() })
    }

    /// All rows, in their own order.
    pub fn all(dataset: &Dataset) -> Subset {
        Subset { dataset: dataset.clone(), rows: (0..dataset.rows() as u32).collect() }
    }

    /// The whole data set.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The rows that are picked.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The rows that are picked, shared.
    pub(super) fn shared_rows(&self) -> Arc<[u32]> {
        self.rows.clone()
    }
}

impl RowSource<f32> for Subset {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn copy(&self, row: usize, out: &mut [f32]) -> Result<()> {
        self.dataset.copy_row(self.rows[row] as usize, out)
    }
}

/// Splits all rows into (training, validation), with `fraction` of them for validation, by a permutation
/// keyed by `seed`.
///
/// Each part has at least one row, and keeps the rows' own order.
///
/// # Errors
/// When the fraction is not between 0 and 1, or there is only one row.
fn split_validation(dataset: &Dataset, fraction: f64, seed: u64) -> Result<(Subset, Subset)> {
    check_fraction(fraction)?;
    cut(&Subset::all(dataset), fraction, seed, streams::VALIDATION_SPLIT)
}

fn check_fraction(fraction: f64) -> Result<()> {
    if fraction > 0.0 && fraction < 1.0 {
        return Ok(());
    }
    Err(Error::input("a validation fraction out of range")
        .found(fraction)
        .expected("a number above 0 and below 1"))
}

/// Cuts `fraction` of the rows off: (the others, those).
fn cut(subset: &Subset, fraction: f64, seed: u64, stream: u32) -> Result<(Subset, Subset)> {
    let dataset = subset.dataset();
    let n = subset.rows().len();
    if n < 2 {
        return Err(Error::input("too few rows to hold any out")
            .at(dataset.source())
            .found("1 row")
            .expected("at least 2"));
    }
    let count = ((fraction * n as f64).round() as usize).clamp(1, n - 1);
    let mut held_out = shuffled(seed, 0, stream, n as u32);
    let mut others = held_out.split_off(count);
    others.sort_unstable();
    held_out.sort_unstable();
    let pick = |places: Vec<u32>| places.into_iter().map(|place| subset.rows()[place as usize]).collect();
    Ok((Subset::new(dataset, pick(others))?, Subset::new(dataset, pick(held_out))?))
}

/// The rows of a data set by use.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Rows to learn from.
    pub training: Subset,
    /// Rows to watch training on.
    pub validation: Option<Subset>,
    /// Rows to evaluate on.
    pub test: Option<Subset>,
}

/// Splits all rows into parts without common rows: `test` of them for testing, then `validation` of the
/// others for validation, by permutations keyed by `seed`; none where a fraction is 0.
///
/// # Errors
/// When a fraction is not from 0 to 1, or there are too few rows.
pub fn split(dataset: &Dataset, validation: f64, test: f64, seed: u64) -> Result<Parts> {
    if !(0.0..1.0).contains(&test) {
        return Err(Error::input("a test fraction out of range")
            .found(test)
            .expected("a number from 0 to below 1"));
    }
    if test == 0.0 {
        let (training, validation) = hold_out(dataset, validation, seed)?;
        return Ok(Parts { training, validation, test: None });
    }
    let (rest, test) = cut(&Subset::all(dataset), test, seed, streams::TEST_SPLIT)?;
    if validation == 0.0 {
        return Ok(Parts { training: rest, validation: None, test: Some(test) });
    }
    check_fraction(validation)?;
    let (training, validation) = cut(&rest, validation, seed, streams::VALIDATION_SPLIT)?;
    Ok(Parts { training, validation: Some(validation), test: Some(test) })
}

/// As [`split_validation`]; with a `fraction` of 0 all rows are for training.
///
/// # Errors
/// As [`split_validation`].
fn hold_out(dataset: &Dataset, fraction: f64, seed: u64) -> Result<(Subset, Option<Subset>)> {
    if fraction == 0.0 {
        return Ok((Subset::all(dataset), None));
    }
    let (training, validation) = split_validation(dataset, fraction, seed)?;
    Ok((training, Some(validation)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;

    #[test]
    fn the_parts_are_disjoint_and_make_the_whole() {
        let data = digits().unwrap();
        let (train, validation) = split_validation(&data, 0.1, 3).unwrap();
        assert_eq!(validation.rows().len(), 180);
        let mut all = [train.rows(), validation.rows()].concat();
        all.sort_unstable();
        assert_eq!(all, Subset::all(&data).rows());
        let other = split_validation(&data, 0.1, 4).unwrap().1;
        assert_ne!(other.rows(), validation.rows());
        let tiny = split_validation(&data, 1e-9, 3).unwrap().1;
        assert_eq!(tiny.rows().len(), 1);
    }

    #[test]
    fn test_rows_are_cut_off_before_validation_rows() {
        let data = digits().unwrap();
        let parts = split(&data, 0.1, 0.1, 3).unwrap();
        let [validation, test] = [parts.validation, parts.test].map(|part| part.unwrap().rows().to_vec());
        assert_eq!((test.len(), validation.len()), (180, 162));
        let mut all = [parts.training.rows(), &validation, &test].concat();
        all.sort_unstable();
        assert_eq!(all, Subset::all(&data).rows());
        let again = split(&data, 0.0, 0.1, 3).unwrap();
        assert_eq!(again.test.unwrap().rows(), test);
        let without = split(&data, 0.1, 0.0, 3).unwrap();
        let (training, held_out) = split_validation(&data, 0.1, 3).unwrap();
        assert_eq!(without.training.rows(), training.rows());
        assert_eq!(without.validation.unwrap().rows(), held_out.rows());
        assert!(without.test.is_none() && split(&data, 0.1, 1.0, 3).is_err());
    }

    #[test]
    fn wrong_fractions_and_rows_are_refused() {
        let data = digits().unwrap();
        for fraction in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(split_validation(&data, fraction, 3).is_err(), "{fraction}");
        }
        assert!(Subset::new(&data, vec![]).is_err());
        assert!(Subset::new(&data, vec![1797]).is_err());
    }
}
