//! A fixed first layer: u = (x - mean) / deviation, element by element.
//!
//! What starts near the identity, or with features of unit width, then starts near the data, whatever its
//! units.

use enscore_program::Var;

use crate::error::{Error, Result};

/// The affine map to mean 0 and deviation 1.
#[derive(Clone, Debug)]
pub(super) struct Standardise {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Standardise {
    /// Mean and deviation of each element of a row. An element with deviation 0 is constant in the data: its
    /// unit stays 1, since its density has no width to learn from.
    ///
    /// # Errors
    /// Lengths other than the row's, a mean that is not finite, a deviation that is negative or not finite;
    /// data all of whose elements are constant.
    pub(super) fn new(row_len: usize, mean: &[f64], deviation: &[f64]) -> Result<Self> {
        for (name, values) in [("mean", mean), ("deviation", deviation)] {
            if values.len() != row_len {
                return Err(Error::input("the model needs the mean and standard deviation of each element")
                    .at(name)
                    .found(format!("{} values", values.len()))
                    .expected(row_len));
            }
        }
        if let Some(m) = mean.iter().find(|m| !m.is_finite()) {
            return Err(Error::input("the data's mean is not finite").at("mean").found(m));
        }
        if let Some(s) = deviation.iter().find(|s| !(s.is_finite() && **s >= 0.0)) {
            return Err(Error::input("invalid standard deviation of the data")
                .at("deviation")
                .found(s)
                .expected("a finite number, at least 0"));
        }
        if deviation.iter().all(|s| *s == 0.0) {
            return Err(Error::input("constant data have no density")
                .at("deviation")
                .found("0 in every element")
                .remedy("train on data that vary"));
        }
        let deviation = deviation.iter().map(|s| if *s == 0.0 { 1.0 } else { *s }).collect();
        Ok(Standardise { mean: mean.to_vec(), deviation })
    }

    /// The elements of a row.
    pub(super) fn elements(&self) -> usize {
        self.mean.len()
    }

    /// Mean and deviation, which broadcast to x `[batch, ..]`.
    fn tables<'s>(&self, x: Var<'s>) -> [Var<'s>; 2] {
        let row_shape = x.shape().split_off(1);
        [&self.mean, &self.deviation].map(|values| x.scope().table(values, &row_shape))
    }

    /// (x - mean) / deviation.
    pub(super) fn apply<'s>(&self, x: Var<'s>) -> Var<'s> {
        let [mean, deviation] = self.tables(x);
        (x - mean) / deviation
    }

    /// (x - mean) / deviation of one row, on the host.
    pub(super) fn row(&self, x: &[f64]) -> Vec<f64> {
        let scales = self.mean.iter().zip(&self.deviation);
        x.iter().zip(scales).map(|(x, (mean, deviation))| (x - mean) / deviation).collect()
    }

    /// (x - mean) / deviation of one element, on the host.
    pub(super) fn element(&self, at: usize, x: f64) -> f64 {
        (x - self.mean[at]) / self.deviation[at]
    }

    /// mean + deviation z of one row, on the host.
    pub(super) fn unseen_row(&self, z: &[f64]) -> Vec<f64> {
        let scales = self.mean.iter().zip(&self.deviation);
        z.iter().zip(scales).map(|(z, (mean, deviation))| mean + deviation * z).collect()
    }

    /// mean + deviation z.
    pub(super) fn invert<'s>(&self, z: Var<'s>) -> Var<'s> {
        let [mean, deviation] = self.tables(z);
        z * deviation + mean
    }

    /// ln deviation of each element, which broadcasts to x `[batch, ..]`.
    pub(super) fn log_deviations<'s>(&self, x: Var<'s>) -> Var<'s> {
        self.tables(x)[1].log()
    }

    /// ln |det| of the map: the same for every row.
    pub(super) fn ln_determinant(&self) -> f64 {
        -self.deviation.iter().map(|s| s.ln()).sum::<f64>()
    }
}
