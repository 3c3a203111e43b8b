//! Sums of numbers given by their logarithms, and what importance weights w_i say about a ratio of
//! normalising constants E(w) = Z / Z_0:
//!
//! ```text
//! log Z - log Z_0 ≈ log (1/n) Σ w_i,   standard error ≈ std(w) / (mean(w) √n)   (the delta method),
//! ESS = (Σ w_i)² / Σ w_i²                                                       (Kong 1992),
//! E[log w] ≤ log E[w]                                                           (Jensen).
//! ```
//!
//! All in nats. Where the heaviest weights are rare, most runs miss them: their weights look even, their ESS
//! is large, and the estimate and the error of the delta method are both too small. What such a run still
//! shows is the spread of its log weights. With v the mean square of log w above the median, from the median,
//! the error of weights that were log-normal is
//!
//! ```text
//! sd(log W) = √ log (1 + (e^v - 1) / n),   effective sample size n e^-v,
//! ```
//!
//! and the larger of both errors is given. [`doubt`] says where even that can't be relied on.

use serde::Serialize;

use super::{Mean, pareto_shape};
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
    /// Its standard error, nats: by the delta method or by the spread of log w, whichever is larger.
    #[serde(rename = "standard_error")]
    pub std_err: f64,
    /// (1/n) Σ log w_i with its standard error: below log E(w) on average, nats.
    pub mean_log: Mean,
    /// (Σ w)² / Σ w²: how many weights of equal size would say as much, 1 to n.
    pub effective_sample_size: f64,
    /// v: the mean square of log w above the median, from the median, nats². Near the variance of log w where
    /// these are normal; weights far below the others, which count for nothing, don't raise it.
    pub upper_variance: f64,
    /// The shape k of the tail, where there are enough weights for one ([`super::pareto_shape()`]).
    pub pareto_shape: Option<f64>,
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
        let upper_variance = upper_variance(log_weights);
        let of_spread = error_by_spread(upper_variance, n as f64);
        Ok(LogWeights {
            log_mean,
            std_err: Mean::of(&relative)?.std_err.max(of_spread),
            mean_log: Mean::of(log_weights)?,
            effective_sample_size: ((n * n) as f64 / squares).min(n as f64),
            upper_variance,
            pareto_shape: pareto_shape(log_weights),
        })
    }
}

/// What stands for the spread where half of the weights are 0, nats².
const WIDEST_SPREAD: f64 = 1e4;

fn upper_variance(log_weights: &[f64]) -> f64 {
    let mut sorted = log_weights.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = sorted.len();
    let median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
    if median == f64::NEG_INFINITY {
        return WIDEST_SPREAD;
    }
    let above = &sorted[n / 2..];
    (above.iter().map(|w| (w - median).powi(2)).sum::<f64>() / above.len() as f64).min(WIDEST_SPREAD)
}

/// √ log (1 + (e^v - 1) / n) without overflow.
fn error_by_spread(v: f64, n: f64) -> f64 {
    let variance = if v < 30.0 { (v.exp_m1() / n).ln_1p() } else { v - n.ln() };
    variance.max(0.0).sqrt()
}

/// Fewer effective weights than this, as they were drawn, say little about the error.
const FEW: f64 = 5.0;
/// Fewer than this, as the spread of their logarithms has it, may have missed the heaviest.
const FEW_BY_SPREAD: f64 = 30.0;
/// A spread up to this is harmless for any number of weights, nats².
const SMALL_SPREAD: f64 = 0.5;
/// A tail heavier than this has no reliable mean (Vehtari et al. 2024, section 3.2.4).
const HEAVY_TAIL: f64 = 0.7;

/// Why the estimate and the error of `count` weights with these figures can't be relied on, if so.
pub fn doubt(count: usize, ess: f64, upper_variance: f64, pareto_shape: Option<f64>) -> Option<String> {
    let by_spread = count as f64 * (-upper_variance).exp();
    if upper_variance > SMALL_SPREAD && by_spread < FEW_BY_SPREAD {
        let effective = if by_spread < 0.1 { "less than 0.1".to_string() } else { format!("{by_spread:.1}") };
        return Some(format!(
            "the log weights vary by {upper_variance:.1} nats², so {count} chains may miss the heaviest weights \
             (an effective sample size of {effective} by their spread)"
        ));
    }
    if ess < FEW {
        return Some(format!("the effective sample size is only {ess:.1} of {count}"));
    }
    let heavy = pareto_shape.filter(|shape| *shape > HEAVY_TAIL)?;
    Some(format!("the weights have a heavy tail (Pareto shape {heavy:.2}, reliable up to {HEAVY_TAIL})"))
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

    /// Weights 1, 1, 4: mean 2, variance 3, ESS 36 / 18; above the median 0 lie 0 and ln 4.
    #[test]
    fn the_mean_and_error_of_three_weights_are_those_by_hand() {
        let found = LogWeights::of(&[0.0, 0.0, 4f64.ln()]).unwrap();
        assert!((found.log_mean - 2f64.ln()).abs() < 1e-14);
        let v = 0.5 * 4f64.ln().powi(2);
        assert!((found.upper_variance - v).abs() < 1e-14);
        assert!((found.std_err - (1.0 + (v.exp() - 1.0) / 3.0).ln().sqrt()).abs() < 1e-14);
        // One weight far below the others leaves the delta method: mean 3/4, variance 1/4.
        let low = LogWeights::of(&[0.0, 0.0, 0.0, -1e3]).unwrap();
        assert!((low.std_err - 0.25 / 0.75).abs() < 1e-14 && low.upper_variance == 0.0, "{low:?}");
        assert!((found.effective_sample_size - 2.0).abs() < 1e-13);
        assert!((found.mean_log.value - 4f64.ln() / 3.0).abs() < 1e-14);
    }

    #[test]
    fn what_can_not_be_relied_on_is_said() {
        assert_eq!(doubt(100, 48.0, 0.7, Some(0.4)), None);
        assert_eq!(doubt(10, 9.0, 0.4, None), None);
        // An even run of weights that spread far: the one that missed the heaviest.
        assert!(doubt(100, 60.0, 3.0, Some(0.2)).unwrap().contains("may miss the heaviest"));
        assert!(doubt(100, 3.0, 0.3, None).unwrap().contains("only 3.0 of 100"));
        assert!(doubt(1000, 300.0, 1.0, Some(0.9)).unwrap().contains("0.90"));
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
