//! A mean with its standard error.

use serde::Serialize;

use crate::error::{Error, Result};

/// A mean over independent values with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// The mean of the values.
    pub value: f64,
    /// The standard deviation of the values (divisor n - 1) over √n; 0 for a single value.
    #[serde(rename = "standard_error")]
    pub std_err: f64,
    /// How many values; files leave it out.
    #[serde(skip)]
    pub count: usize,
}

impl Mean {
    /// The mean of these values.
    ///
    /// # Errors
    /// No values.
    pub fn of(values: &[f64]) -> Result<Mean> {
        let count = values.len();
        if count == 0 {
            return Err(Error::input("the mean of no values").expected("at least one"));
        }
        let value = values.iter().sum::<f64>() / count as f64;
        let square: f64 = values.iter().map(|v| (v - value) * (v - value)).sum();
        let variance = if count == 1 { 0.0 } else { square / (count as f64 - 1.0) };
        Ok(Mean { value, std_err: (variance / count as f64).sqrt(), count })
    }

    /// The standard error where there is one: a single value has none.
    pub fn error(&self) -> Option<f64> {
        (self.count > 1).then_some(self.std_err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_with_the_error_of_independent_values() {
        let of = |values: &[f64]| Mean::of(values).unwrap();
        assert_eq!(of(&[1.0, 3.0]), Mean { value: 2.0, std_err: 1.0, count: 2 });
        assert_eq!(of(&[5.0]), Mean { value: 5.0, std_err: 0.0, count: 1 });
        assert_eq!((of(&[1.0, 3.0]).error(), of(&[5.0]).error()), (Some(1.0), None));
        assert!(Mean::of(&[]).is_err());
        let json = serde_json::to_string(&of(&[1.0, 3.0])).unwrap();
        assert_eq!(json, r#"{"value":2.0,"standard_error":1.0}"#);
    }
}
