//! A log density given by two functions of one row: a known target for samplers and for measures of models.

use super::HostDensity;
use crate::error::{Error, Result};
use crate::executor::whole_rows;

/// f and ∇f as functions: `log_density(x)` gives f(x) in nats, `score(x, out)` writes ∇f(x) into `out`. Both
/// get rows of `row_len` numbers.
#[derive(Clone, Debug)]
pub struct ClosedForm<F, S> {
    row_len: usize,
    log_density: F,
    score: S,
}

impl<F: Fn(&[f64]) -> f64, S: Fn(&[f64], &mut [f64])> ClosedForm<F, S> {
    /// The density of these functions over rows of `row_len` numbers.
    ///
    /// # Errors
    /// A `row_len` of 0.
    pub fn new(row_len: usize, log_density: F, score: S) -> Result<Self> {
        if row_len == 0 {
            return Err(Error::input("a density needs at least one column").expected("at least one column"));
        }
        Ok(ClosedForm { row_len, log_density, score })
    }
}

impl<F: Fn(&[f64]) -> f64, S: Fn(&[f64], &mut [f64])> HostDensity for ClosedForm<F, S> {
    fn row_len(&self) -> usize {
        self.row_len
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        Ok(whole_rows(rows, self.row_len)?.map(&self.log_density).collect())
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        let mut scores = vec![0.0; rows.len()];
        for (row, out) in whole_rows(rows, self.row_len)?.zip(scores.chunks_exact_mut(self.row_len)) {
            (self.score)(row, out);
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_in_and_values_come_out() {
        let mut density =
            ClosedForm::new(2, |x| x[0] * x[1], |x, out| out.copy_from_slice(&[x[1], x[0]])).unwrap();
        assert_eq!(density.log_density(&[1.0, 2.0, 3.0, 4.0]).unwrap(), [2.0, 12.0]);
        assert_eq!(density.score(&[1.0, 2.0, 3.0, 4.0]).unwrap(), [2.0, 1.0, 4.0, 3.0]);
        assert!(density.log_density(&[1.0]).is_err() && density.score(&[1.0; 3]).is_err());
        assert!(ClosedForm::new(0, |_| 0.0, |_, _| {}).is_err());
    }
}
