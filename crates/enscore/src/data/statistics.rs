//! Computes mean and variance per dimension in double precision, on model values.

use super::{Scale, Subset, Values};
use crate::error::Result;

/// Moments of the rows of a subset, in model values (after scaling).
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The mean of each dimension: `[d]`.
    pub mean: Vec<f64>,
    /// The variance of each dimension, dividing by the number of rows: `[d]`.
    pub variance: Vec<f64>,
    /// The average of the variances over dimensions.
    pub mean_variance: f64,
    /// The least value, in raw units.
    pub low: f64,
    /// The greatest value, in raw units.
    pub high: f64,
}

impl Statistics {
    /// The standard deviation of each dimension: `[d]`.
    pub fn deviation(&self) -> Vec<f64> {
        self.variance.iter().map(|variance| variance.sqrt()).collect()
    }

    /// The mean over all rows and dimensions.
    pub fn overall_mean(&self) -> f64 {
        average(&self.mean)
    }

    /// The variance over all rows and dimensions: that within dimensions and that between their means.
    pub fn overall_variance(&self) -> f64 {
        let centre = self.overall_mean();
        let between: Vec<f64> = self.mean.iter().map(|m| (m - centre).powi(2)).collect();
        self.mean_variance + average(&between)
    }
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The moments of `subset`.
///
/// Bytes are summed as integers, exactly; other values in two passes, the second about the mean.
///
/// # Errors
/// None but those of reading rows, which a subset rules out.
pub fn statistics(subset: &Subset) -> Result<Statistics> {
    let (mean, variance, low, high) = match subset.dataset().values() {
        Values::U8(bytes) => of_bytes(subset, bytes),
        _ => of_numbers(subset)?,
    };
    let mean_variance = average(&variance);
    Ok(Statistics { mean, variance, mean_variance, low, high })
}

type Moments = (Vec<f64>, Vec<f64>, f64, f64);

/// With integers s = Σ x and q = Σ x², the variance is (n q - s²) / n².
fn of_bytes(subset: &Subset, bytes: &[u8]) -> Moments {
    let d = subset.dataset().row_len();
    let n = subset.rows().len();
    let mut sum = vec![0u64; d];
    let mut squares = vec![0u64; d];
    let mut low = u8::MAX;
    let mut high = 0;
    for &row in subset.rows() {
        let start = row as usize * d;
        for ((s, q), &x) in sum.iter_mut().zip(&mut squares).zip(&bytes[start..start + d]) {
            *s += u64::from(x);
            *q += u64::from(x) * u64::from(x);
            low = low.min(x);
            high = high.max(x);
        }
    }
    let scale = subset.dataset().scale();
    let Scale { low: from, high: to, .. } = scale;
    let mean = sum.iter().map(|&s| scale.scaled(s as f64 / n as f64)).collect();
    let variance = |(&s, &q): (&u64, &u64)| {
        let exact = n as u128 * u128::from(q) - u128::from(s) * u128::from(s);
        exact as f64 / (n as f64 * (to - from)).powi(2)
    };
    let variance = sum.iter().zip(&squares).map(variance).collect();
    (mean, variance, scale.scaled(f64::from(low)), scale.scaled(f64::from(high)))
}

fn of_numbers(subset: &Subset) -> Result<Moments> {
    let data = subset.dataset();
    let d = data.row_len();
    let n = subset.rows().len() as f64;
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    let mut mean = vec![0.0; d];
    let mut variance = vec![0.0; d];
    let mut row = vec![0.0; d];
    for &i in subset.rows() {
        data.copy_row_f64(i as usize, &mut row)?;
        for (m, &x) in mean.iter_mut().zip(&row) {
            *m += x / n;
            low = low.min(x);
            high = high.max(x);
        }
    }
    for &i in subset.rows() {
        data.copy_row_f64(i as usize, &mut row)?;
        for ((v, m), x) in variance.iter_mut().zip(&mean).zip(&row) {
            *v += (x - m).powi(2) / n;
        }
    }
    Ok((mean, variance, low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    #[test]
    fn bytes_and_numbers_agree_with_the_closed_form() {
        let bytes = Dataset::new("t", "t", &[2], Values::U8(vec![0, 9, 51, 9, 102, 9, 255, 7])).unwrap();
        let bytes = bytes.with_scale(Scale::quantised(256)).unwrap();
        let subset = |data: &Dataset| Subset::new(data, vec![0, 1, 2]).unwrap();
        let s = statistics(&subset(&bytes)).unwrap();
        for (value, expected) in [
            (s.mean[0], 0.2),
            (s.variance[0], 0.08 / 3.0),
            (s.variance[1], 0.0),
            (s.mean_variance, 0.04 / 3.0),
            (s.low, 0.0),
            (s.high, 0.4),
        ] {
            assert!((value - expected).abs() < 1e-15, "{value} for {expected}");
        }
        let numbers: Vec<f64> = [0, 9, 51, 9, 102, 9, 255, 7].map(f64::from).to_vec();
        let numbers = Dataset::new("t", "t", &[2], Values::F64(numbers)).unwrap();
        let numbers = statistics(&subset(&numbers.with_scale(Scale::range(0.0, 255.0)).unwrap())).unwrap();
        assert!((numbers.variance[0] - s.variance[0]).abs() < 1e-15);
        assert!((numbers.overall_variance() - s.overall_variance()).abs() < 1e-15);
    }
}
