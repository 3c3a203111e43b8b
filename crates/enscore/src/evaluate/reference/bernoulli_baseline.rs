//! The log likelihood of independent binary pixels, a bar that a model of binary data must pass:
//! log p(x) = Σ_j x_j ln r_j + (1 - x_j) ln(1 - r_j), with r_j = (ones in column j + 1) / (rows + 2).
//!
//! The rates are the posterior means under a uniform prior (Laplace's rule of succession), so a pixel that
//! never was on in training does not make a test row impossible. It is the likelihood of a restricted
//! Boltzmann machine without weights.

use crate::data::Subset;
use crate::error::{Error, Result};
use crate::evaluate::{Mean, Rows};

/// The rates of independent binary pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct BernoulliBaseline {
    threshold: f32,
    rates: Vec<f64>,
}

impl BernoulliBaseline {
    /// The rates of `training`, where a value is 1 if it is `threshold` or more, else 0.
    ///
    /// # Errors
    /// An input error if the threshold is not finite.
    pub fn fit(training: &Subset, threshold: f32) -> Result<Self> {
        if !threshold.is_finite() {
            return Err(Error::input("invalid threshold for binary values")
                .found(threshold)
                .expected("a finite number"));
        }
        let data = training.dataset();
        let mut ones = vec![0u64; data.row_len()];
        let mut x = vec![0.0; data.row_len()];
        for row in training.rows() {
            data.copy_row(*row as usize, &mut x)?;
            ones.iter_mut().zip(&x).for_each(|(ones, x)| *ones += u64::from(*x >= threshold));
        }
        let count = training.rows().len() as f64;
        let rates = ones.into_iter().map(|ones| (ones as f64 + 1.0) / (count + 2.0)).collect();
        Ok(BernoulliBaseline { threshold, rates })
    }

    /// The rate of each column: `[d]`, each in (0, 1).
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// The mean of log p over `rows`, in nats per row.
    ///
    /// # Errors
    /// An input error if the rows are of another width.
    pub fn log_likelihood(&self, rows: Rows) -> Result<Mean> {
        if rows.row_len() != self.rates.len() {
            return Err(Error::input("the rows don't match the rates in width")
                .found(rows.row_len())
                .expected(self.rates.len()));
        }
        let logs: Vec<[f64; 2]> = self.rates.iter().map(|rate| [(-rate).ln_1p(), rate.ln()]).collect();
        let of_row = |row: &[f32]| -> f64 {
            row.iter().zip(&logs).map(|(x, [zero, one])| if *x >= self.threshold { one } else { zero }).sum()
        };
        Mean::of(&rows.iter().map(of_row).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Values};

    fn rows(row_len: usize, values: &[f32]) -> Subset {
        Subset::all(&Dataset::new("a", "a", &[row_len], Values::F32(values.to_vec())).unwrap())
    }

    #[test]
    fn rates_and_likelihood_of_three_rows() {
        let training = rows(3, &[200.0, 128.0, 0.0, 127.9, 255.0, 0.0, 3.0, 130.0, 1.0]);
        let baseline = BernoulliBaseline::fit(&training, 128.0).unwrap();
        assert_eq!(baseline.rates(), [0.4, 0.8, 0.2]);
        let test = [255.0f32, 255.0, 255.0, 0.0, 0.0, 0.0];
        let found = baseline.log_likelihood(Rows::new(&test, 3).unwrap()).unwrap();
        let [ones, zeros] = [(0.4f64 * 0.8 * 0.2).ln(), (0.6f64 * 0.2 * 0.8).ln()];
        assert!((found.value - 0.5 * (ones + zeros)).abs() < 1e-14, "{found:?}");
        assert!((found.std_err - 0.5 * (ones - zeros).abs()).abs() < 1e-14 && found.count == 2, "{found:?}");
    }

    #[test]
    fn refuses_other_widths_and_thresholds() {
        let training = rows(2, &[0.0, 1.0]);
        assert!(BernoulliBaseline::fit(&training, f32::NAN).is_err());
        let baseline = BernoulliBaseline::fit(&training, 0.5).unwrap();
        assert!(baseline.log_likelihood(Rows::new(&[1.0], 1).unwrap()).is_err());
    }
}
