//! Picks rows of a data set, and holds some out for validation.

use std::sync::Arc;

use super::Dataset;
use super::order::{SPLIT_STREAM, shuffled};
use crate::error::{Error, Result};

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

/// Splits all rows into (training, validation), with `fraction` of them for validation, by a permutation keyed by `seed`.
///
/// Each part has at least one row, and keeps the rows' own order.
///
/// # Errors
/// When the fraction is not between 0 and 1, or there is only one row.
pub fn split_validation(dataset: &Dataset, fraction: f64, seed: u64) -> Result<(Subset, Subset)> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(Error::input("a validation fraction out of range")
            .found(fraction)
            .expected("a number above 0 and below 1"));
    }
    let n = dataset.rows();
    if n < 2 {
        return Err(Error::input("too few rows to hold some out")
            .at(dataset.source())
            .found("1 row")
            .expected("at least 2"));
    }
    let held_out = ((fraction * n as f64).round() as usize).clamp(1, n - 1);
    let mut validation = shuffled(seed, 0, SPLIT_STREAM, n as u32);
    let mut training = validation.split_off(held_out);
    training.sort_unstable();
    validation.sort_unstable();
    Ok((Subset::new(dataset, training)?, Subset::new(dataset, validation)?))
}

/// As [`split_validation`]; with a `fraction` of 0 all rows are for training.
///
/// # Errors
/// As [`split_validation`].
pub fn hold_out(dataset: &Dataset, fraction: f64, seed: u64) -> Result<(Subset, Option<Subset>)> {
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
    fn wrong_fractions_and_rows_are_refused() {
        let data = digits().unwrap();
        for fraction in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(split_validation(&data, fraction, 3).is_err(), "{fraction}");
        }
        assert!(Subset::new(&data, vec![]).is_err());
        assert!(Subset::new(&data, vec![1797]).is_err());
    }
}
