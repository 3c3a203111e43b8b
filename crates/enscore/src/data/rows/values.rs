//! The values of rows in one piece.

use super::Subset;
use crate::error::Result;

/// All scaled values of the first `max` rows of a subset: `[rows, ..row_shape]`.
///
/// # Errors
/// None for rows of the subset.
pub fn rows_of(subset: &Subset, max: usize) -> Result<Vec<f32>> {
    let data = subset.dataset();
    let rows = &subset.rows()[..subset.rows().len().min(max)];
    let mut values = vec![0.0; rows.len() * data.row_len()];
    for (row, out) in rows.iter().zip(values.chunks_exact_mut(data.row_len())) {
        data.copy_row(*row as usize, out)?;
    }
    Ok(values)
}

/// As [`rows_of`], widened to double precision.
///
/// # Errors
/// None for rows of the subset.
pub fn wide_rows_of(subset: &Subset, max: usize) -> Result<Vec<f64>> {
    Ok(rows_of(subset, max)?.into_iter().map(f64::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Values};

    #[test]
    fn values_come_row_by_row_in_the_order_of_the_subset() {
        let data = Dataset::new("a", "a", &[2], Values::F64((0..8).map(f64::from).collect())).unwrap();
        let subset = Subset::new(&data, vec![3, 0, 1]).unwrap();
        assert_eq!(rows_of(&subset, 2).unwrap(), [6.0, 7.0, 0.0, 1.0]);
        assert_eq!(wide_rows_of(&subset, usize::MAX).unwrap(), [6.0, 7.0, 0.0, 1.0, 2.0, 3.0]);
    }
}
