//! How many independent values a correlated series is worth: the integrated autocorrelation time of a chain,
//!
//! ```text
//! τ = 1 + 2 Σ_{k=1}^{M} ρ_k,   M the least with M ≥ 5 τ(M),   ESS = n / τ
//! ```
//!
//! (Sokal 1997, "Monte Carlo methods in statistical mechanics", section 3; the window keeps the noise of late lags out). ρ_k is
//! the autocorrelation at lag k about the series' own mean. A series shorter than some fifty τ gives too small a τ.

use crate::error::{Error, Result};

/// Lags per τ after which the sum ends.
const WINDOW: f64 = 5.0;

/// The integrated autocorrelation time of a series, in its own steps: 1 of independent values.
///
/// # Errors
/// Fewer than 2 values; values that are not finite, or all the same.
pub fn autocorrelation_time(series: &[f64]) -> Result<f64> {
    let n = series.len();
    if n < 2 || series.iter().any(|value| !value.is_finite()) {
        return Err(Error::input("a series without an autocorrelation")
            .found(format_args!("{n} values"))
            .expected("at least 2 finite ones"));
    }
    let mean = series.iter().sum::<f64>() / n as f64;
    let centred: Vec<f64> = series.iter().map(|value| value - mean).collect();
    let covariance =
        |lag: usize| centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b).sum::<f64>() / n as f64;
    let variance = covariance(0);
    if variance <= 0.0 {
        return Err(Error::input("a series of one value has no autocorrelation").found(series[0]));
    }
    let mut time = 1.0;
    for lag in 1..n {
        time += 2.0 * covariance(lag) / variance;
        if lag as f64 >= WINDOW * time {
            break;
        }
    }
    Ok(time)
}
