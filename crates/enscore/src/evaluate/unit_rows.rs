//! Rows of data as units of a model take them, and the log odds or means of independent units fitted to them: the base that
//! annealing begins at.
//!
//! ```text
//! a_i = log ((n1 + 1) / (n0 + 1))  for units in {0, 1} that are 1 in n1 rows and 0 in n0,      a_i = mean of Gaussian ones.
//! ```

use crate::error::{Error, Result};
use crate::model::Units;
use crate::sample::WeightedBipartite;

/// Refuses rows `[n, row]` of another width, and values that units in {0, 1} can't have.
///
/// # Errors
/// The first such value, by its row and column.
pub fn check_unit_rows(target: &WeightedBipartite, rows: &[f32], source: &str) -> Result<()> {
    let width: usize = target.model.row_shape().iter().product();
    for (number, row) in rows.chunks(width).enumerate() {
        for (column, value) in row.iter().enumerate() {
            let binary = target.units_of(column) == Some(Units::Bernoulli);
            if binary && *value != 0.0 && *value != 1.0 {
                return Err(Error::input("units in {0, 1} can't take this data")
                    .at(format_args!("{source}, row {number}, value {column}"))
                    .found(value)
                    .expected("0 or 1")
                    .remedy("binarise the data"));
            }
        }
    }
    Ok(())
}

/// The base fitted to rows `[n, row]`; 0 for units that the rows don't hold, and for all without rows.
pub fn base_rates(target: &WeightedBipartite, rows: &[f32]) -> Vec<f64> {
    let mut bias = vec![0.0; target.model.first_width()];
    let width: usize = target.model.row_shape().iter().product();
    let count = (rows.len() / width) as f64;
    if count == 0.0 {
        return bias;
    }
    let mut sums = vec![0.0f64; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    for (column, (a, sum)) in bias.iter_mut().zip(&sums).enumerate() {
        *a = match target.units_of(column) {
            Some(Units::Bernoulli) => ((sum + 1.0) / (count - sum + 1.0)).ln(),
            _ => sum / count,
        };
    }
    bias
}
