//! How far a chain's mean can be trusted: standard errors by batch means (Geyer 1992, "Practical Markov chain
//! Monte Carlo", section 3), and the autocorrelation
//!
//! ```text
//! ρ(t) = Σ_i (a_i - ā)(a_{i+t} - ā) / Σ_i (a_i - ā)²,   τ = 1/2 + Σ_{t=1}^{w} ρ(t),
//! ```
//!
//! τ the integrated time in steps, with the smallest window w ≥ 6 τ (Sokal 1997, equation 3.22, gives the
//! rule).

/// Windows are this many times τ.
const WINDOW: f64 = 6.0;

/// A mean with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChainMean {
    /// The mean of the values.
    pub mean: f64,
    /// Its standard error; NaN from fewer than two batches.
    pub std_err: f64,
}

/// The mean of `values`, with the standard error from the scatter of the means of `batches` runs of equal
/// length: right where a batch is much longer than τ. What does not fill a batch is left out at the end.
pub fn batch_means(values: &[f64], batches: usize) -> ChainMean {
    let len = values.len() / batches.max(1);
    if len == 0 || batches < 2 {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        return ChainMean { mean, std_err: f64::NAN };
    }
    let means: Vec<f64> =
        values.chunks_exact(len).take(batches).map(|part| part.iter().sum::<f64>() / len as f64).collect();
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    let scatter: f64 = means.iter().map(|value| (value - mean).powi(2)).sum();
    ChainMean { mean, std_err: (scatter / (n * (n - 1.0))).sqrt() }
}

/// ρ(0), ρ(1) .. ρ(`lags`), fewer if the chain is shorter; NaN for a chain that does not move.
pub fn autocorrelation(values: &[f64], lags: usize) -> Vec<f64> {
    rho(values).take(lags + 1).collect()
}

/// ρ lag by lag, each when it is asked for.
fn rho(values: &[f64]) -> impl Iterator<Item = f64> {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let from_mean: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let product =
        move |lag: usize| -> f64 { from_mean.iter().zip(&from_mean[lag..]).map(|(a, b)| a * b).sum() };
    let all = product(0);
    (0..values.len().max(1)).map(move |lag| product(lag) / all)
}

/// τ in steps, 1/2 for independent values; none if the window does not fit into a tenth of the chain.
pub fn integrated_time(values: &[f64]) -> Option<f64> {
    let mut tau = 0.5;
    for (lag, rho) in rho(values).take(values.len() / 10 + 1).enumerate().skip(1) {
        tau += rho;
        if lag as f64 >= WINDOW * tau {
            return Some(tau);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, normal_row};

    /// A first-order autoregression: ρ(t) = a^t, τ = 1/2 + a / (1 - a), variance of the mean 2 τ σ² / n.
    #[test]
    fn the_time_of_an_autoregression_is_the_closed_form() {
        let a = 0.8;
        let n = 100_000;
        let mut values = vec![0.0; n];
        normal_row(Key::new(3, 0), 1, 0, &mut values);
        for i in 1..n {
            values[i] = a * values[i - 1] + f64::sqrt(1.0 - a * a) * values[i];
        }
        let rho = autocorrelation(&values, 5);
        assert!(rho.iter().enumerate().all(|(lag, rho)| (rho - a.powi(lag as i32)).abs() < 0.03), "{rho:?}");
        let tau = integrated_time(&values).unwrap();
        assert!((tau - 4.5).abs() < 0.5, "{tau}");
        let found = batch_means(&values, 100);
        let expected = (2.0 * 4.5 / n as f64).sqrt();
        assert!(
            (found.std_err / expected - 1.0).abs() < 0.3 && found.mean.abs() < 4.0 * expected,
            "{found:?}"
        );
    }

    #[test]
    fn short_and_still_chains_have_no_time() {
        assert!(batch_means(&[1.0, 2.0], 3).std_err.is_nan() && batch_means(&[], 3).mean.is_nan());
        assert!(integrated_time(&[1.0; 100]).is_none() && integrated_time(&[]).is_none());
        assert_eq!(autocorrelation(&[], 3).len(), 1);
    }
}
