//! Samples beside data column by column: mean, standard deviation and quantiles of both, and how far their
//! distributions are apart.
//!
//! The distance is that of Kolmogorov and Smirnov, max over t of |F(t) - G(t)| of the two shares of values
//! up to t: 0 for equal distributions, 1 for sets that don't overlap. Two sets of n and m values of one
//! distribution are further apart than 1.36 √(1/n + 1/m) in one of twenty cases (Smirnov 1948).

use crate::error::{Error, Result};
use crate::evaluate::Rows;

/// The quantiles that are taken.
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// What the values of a column are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (divisor n - 1); 0 of a single value.
    pub deviation: f64,
    /// The values at [`QUANTILES`].
    pub quantiles: [f64; 5],
}

/// A column of the data beside the same column of the samples, in the units of the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnComparison {
    /// The column's position.
    pub column: usize,
    /// The data.
    pub data: Spread,
    /// The samples.
    pub samples: Spread,
    /// How far the distributions are apart, 0 to 1.
    pub distance: f64,
}

/// Compares every column.
///
/// # Errors
/// Rows of different lengths.
pub fn compare_columns(data: Rows, samples: Rows) -> Result<Vec<ColumnComparison>> {
    data.same_row_len(samples)?;
    if data.count() < 2 || samples.count() < 2 {
        return Err(Error::input("too few rows to compare columns")
            .found(format_args!("{} and {}", data.count(), samples.count()))
            .expected("at least 2 on each side"));
    }
    let comparison = |column: usize| {
        let data = sorted(data, column);
        let samples = sorted(samples, column);
        let distance = distance(&data, &samples);
        ColumnComparison { column, data: spread(&data), samples: spread(&samples), distance }
    };
    Ok((0..data.row_len()).map(comparison).collect())
}

/// The distance that two sets of one distribution exceed in one of twenty cases.
pub fn distance_by_chance(data: usize, samples: usize) -> f64 {
    1.36 * (1.0 / data.max(1) as f64 + 1.0 / samples.max(1) as f64).sqrt()
}

fn sorted(rows: Rows, column: usize) -> Vec<f64> {
    let mut values: Vec<f64> = rows.iter().map(|row| f64::from(row[column])).collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn spread(sorted: &[f64]) -> Spread {
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0).max(1.0)).sqrt();
    Spread { mean, deviation, quantiles: QUANTILES.map(|share| quantile(sorted, share)) }
}

/// The value that a share of sorted values lies below, between neighbours on a line.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    below + (above - below) * place.fract()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let below = |sorted: &[f64], value: f64| {
        sorted.partition_point(|other| *other <= value) as f64 / sorted.len() as f64
    };
    a.iter().chain(b).map(|value| (below(a, *value) - below(b, *value)).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_described_and_told_apart() {
        let data = [0.0, 10.0, 1.0, 10.0, 2.0, 30.0, 3.0, 30.0, 4.0, 30.0];
        let samples = [0.0, 50.0, 1.0, 50.0, 2.0, 50.0, 3.0, 50.0, 4.0, 50.0];
        let [data, samples] = [&data, &samples].map(|values| Rows::new(values, 2).unwrap());
        let found = compare_columns(data, samples).unwrap();
        assert_eq!(found[0].data, found[0].samples);
        assert_eq!(found[0].distance, 0.0);
        assert_eq!(found[0].data.mean, 2.0);
        assert_eq!(found[0].data.quantiles, [0.2, 1.0, 2.0, 3.0, 3.8]);
        assert!((found[0].data.deviation - 2.5f64.sqrt()).abs() < 1e-12);
        assert_eq!((found[1].distance, found[1].samples.deviation), (1.0, 0.0));
        assert!(compare_columns(data, Rows::new(&[1.0], 1).unwrap()).is_err());
        assert!(compare_columns(data, Rows::new(&[1.0, 2.0], 2).unwrap()).is_err());
        assert!((distance_by_chance(100, 100) - 0.192).abs() < 1e-3);
    }

    #[test]
    fn the_distance_is_the_largest_gap_of_the_shares() {
        assert_eq!(distance(&[1.0, 2.0, 3.0, 4.0], &[3.5, 4.5, 5.5, 6.5]), 0.75);
        assert_eq!(distance(&[1.0, 1.0], &[1.0, 2.0]), 0.5);
    }
}
