//! Sums of numbers given by their logarithms, and what importance weights w_i say about a ratio of
//! normalising constants E(w) = Z / Z_0:
//!
//! ```text
//! log Z - log Z_0 ≈ log (1/n) Σ w_i,   standard error ≈ std(w) / (mean(w) √n)   (the delta method),
//! ESS = (Σ w_i)² / Σ w_i²                                                       (Kong 1992),
//! E[log w] ≤ log E[w]                                                           (Jensen).
//! ```
//!
//! All in nats. The standard error is that of weights of finite variance; where the ESS is a few chains, both
//! the estimate and its error are too small, and more chains or temperatures are the remedy.

use serde::Serialize;

use super::Mean;
use crate::error::{Error, Result};

/// log Σ exp(v_i), scaled by the greatest; -inf for no values.
pub fn log_sum_exp(values: &[f64]) -> f64 {
    let greatest = values.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
    if !greatest.is_finite() {
        return greatest;
    }
    greatest + values.iter().map(|value| (value - greatest).exp()).sum::<f64>().ln()
}

/// log (1/n) Σ exp(v_i); -inf for no values.
pub fn log_mean_exp(values: &[f64]) -> f64 {
    if values.is_empty() { f64::NEG_INFINITY } else { log_sum_exp(values) - (values.len() as f64).ln() }
}

/// What n independent log weights say about log E(w).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LogWeights {
    /// log (1/n) Σ w_i: the estimate of log E(w), nats.
    pub log_mean: f64,
    /// Its standard error by the delta method, nats.
    #[serde(rename = "standard_error")]
    pub std_err: f64,
    /// (1/n) Σ log w_i with its standard error: below log E(w) on average, nats.
    pub mean_log: Mean,
    /// (Σ w)² / Σ w²: how many weights of equal size would say as much, 1 to n.
    pub effective_sample_size: f64,
}

impl LogWeights {
    /// Sums up log weights; -inf is a weight of 0.
    ///
    /// # Errors
    /// Fewer than 2 weights; a log weight that is NaN or plus infinity; weights that are all 0.
    pub fn of(log_weights: &[f64]) -> Result<LogWeights> {
        let n = log_weights.len();
        if n < 2 {
            return Err(Error::input("too few importance weights").found(n).expected("at least 2"));
        }
        if let Some(at) = log_weights.iter().position(|w| w.is_nan() || *w == f64::INFINITY) {
            return Err(Error::run("an importance weight is not finite")
                .at(format_args!("chain {at}"))
                .found(log_weights[at]));
        }
        let log_mean = log_mean_exp(log_weights);
        if log_mean == f64::NEG_INFINITY {
            return Err(Error::run("every importance weight is 0")
                .remedy("use a base distribution whose samples lie where the target has mass"));
        }
        let relative: Vec<f64> = log_weights.iter().map(|w| (w - log_mean).exp()).collect();
        let squares: f64 = relative.iter().map(|r| r * r).sum();
        Ok(LogWeights {
            log_mean,
            std_err: Mean::of(&relative)?.std_err,
            mean_log: Mean::of(log_weights)?,
            effective_sample_size: ((n * n) as f64 / squares).min(n as f64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_far_from_zero_keep_their_digits() {
        assert_eq!(log_sum_exp(&[]), f64::NEG_INFINITY);
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
        assert!((log_sum_exp(&[-1e4, -1e4 + 2f64.ln()]) - (-1e4 + 3f64.ln())).abs() < 1e-11);
        assert!((log_mean_exp(&[700.0; 9]) - 700.0).abs() < 1e-12);
    }

    /// Weights 1, 1, 4: mean 2, variance 3, ESS 36 / 18.
    #[test]
    fn the_mean_and_error_of_three_weights_are_those_by_hand() {
        let found = LogWeights::of(&[0.0, 0.0, 4f64.ln()]).unwrap();
        assert!((found.log_mean - 2f64.ln()).abs() < 1e-14);
        assert!((found.std_err - 1.0 / 2.0).abs() < 1e-14);
        assert!((found.effective_sample_size - 2.0).abs() < 1e-13);
        assert!((found.mean_log.value - 4f64.ln() / 3.0).abs() < 1e-14);
    }

    #[test]
    fn refuses_weights_that_say_nothing() {
        assert!(LogWeights::of(&[0.0]).is_err());
        assert!(LogWeights::of(&[0.0, f64::NAN]).unwrap_err().to_string().contains("chain 1"));
        assert!(LogWeights::of(&[f64::INFINITY, 0.0]).is_err());
        assert!(LogWeights::of(&[f64::NEG_INFINITY; 2]).is_err());
        assert!(LogWeights::of(&[f64::NEG_INFINITY, 0.0]).is_ok());
    }
}
