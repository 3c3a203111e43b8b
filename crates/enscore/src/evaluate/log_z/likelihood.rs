//! The one rule by which log Z and its error enter a likelihood. The log-likelihood of rows and its error are
//!
//! ```text
//! ℓ = (1/n) Σ_i f(x_i) - log Z,   s² = var(f) / n + s_Z²,
//! ```
//!
//! since the rows and what log Z is computed from are independent. s_Z is the standard error of log Z, or the
//! bound on its error by quadrature. Beyond [`MOST_LOG_Z_ERROR`] no likelihood is given, but the reason:
//! there the delta method that s_Z comes from does not hold, and a grid that far off says nothing of its own
//! error. Everything in nats.

use super::normaliser::{LogZOrigin, Normaliser};
use super::quadrature::LogZ;
use crate::error::Result;
use crate::evaluate::Mean;

/// The greatest error of log Z, nats, with which a likelihood is given.
pub const MOST_LOG_Z_ERROR: f64 = 0.5;

/// A log-likelihood, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Likelihood {
    /// The mean over rows, with the error of log Z in its own.
    Known(Mean),
    /// The reason why it is not known.
    Unknown(String),
}

impl Normaliser {
    /// What quadrature found of the model at `step`.
    pub fn by_quadrature(log_z: &LogZ, step: u64) -> Normaliser {
        Normaliser::new(log_z.value, LogZOrigin::Quadrature, Some(log_z.error()), step)
    }

    /// Why log Z is known too badly for a likelihood; none where it is known well enough. An error that is
    /// not known, of a log Z that was given or learnt, refuses nothing.
    pub fn refusal(&self) -> Option<String> {
        let error = self.error.unwrap_or(0.0);
        if self.log_z.is_finite() && error <= MOST_LOG_Z_ERROR {
            return None;
        }
        Some(format!(
            "log Z is {:.4} ± {error:.4} nats, and a likelihood needs an error of at most {MOST_LOG_Z_ERROR} nats",
            self.log_z
        ))
    }

    /// The mean of log p over rows with these log densities up to log Z `[n]`, nats.
    ///
    /// # Errors
    /// No rows.
    pub fn likelihood(&self, log_densities: &[f64]) -> Result<Likelihood> {
        if let Some(reason) = self.refusal() {
            return Ok(Likelihood::Unknown(reason));
        }
        let rows = Mean::of(log_densities)?;
        let value = rows.value - self.log_z;
        let std_err = rows.std_err.hypot(self.error.unwrap_or(0.0));
        Ok(Likelihood::Known(Mean { value, std_err, ..rows }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{LogWeights, log_mean_exp};
    use enscore_program::random::{Key, normal_row};

    fn estimated(log_z: f64, error: f64) -> Normaliser {
        Normaliser::new(log_z, LogZOrigin::Estimated, Some(error), 0)
    }

    #[test]
    fn the_error_of_log_z_enters_in_quadrature() {
        // Rows -1 and -3: mean -2 with standard error 1.
        let found = estimated(0.5, 0.375).likelihood(&[-1.0, -3.0]).unwrap();
        let Likelihood::Known(mean) = found else { panic!("{found:?}") };
        assert_eq!((mean.value, mean.count), (-2.5, 2));
        assert!((mean.std_err - f64::sqrt(1.0 + 0.375 * 0.375)).abs() < 1e-15);
    }

    #[test]
    fn beyond_the_limit_there_is_a_reason_instead() {
        for normaliser in [estimated(-129.5, 1.0), estimated(3.0, f64::NAN), estimated(f64::INFINITY, 0.0)] {
            let found = normaliser.likelihood(&[3.6, 3.7]).unwrap();
            assert!(matches!(found, Likelihood::Unknown(_)), "{normaliser:?}: {found:?}");
        }
        let reason = estimated(-129.5, 1.0).refusal().unwrap();
        assert!(reason.contains("-129.5000 ± 1.0000 nats") && reason.contains("at most 0.5"), "{reason}");
        assert_eq!(estimated(1.0, MOST_LOG_Z_ERROR).refusal(), None);
        assert_eq!(Normaliser::new(1.0, LogZOrigin::Learnt, None, 0).refusal(), None);
    }

    /// Rows of N(0, 1) under f = -x²/2, and log Z by importance sampling from N(0, 1.5²) with few draws: over
    /// seeds, (ℓ - truth) / s has a standard deviation near 1. Without the error of log Z it is near 3.
    #[test]
    fn errors_of_likelihoods_are_calibrated() {
        let truth = -0.5 * (1.0 + std::f64::consts::TAU.ln());
        let z_scores = |with_error: bool| -> Vec<f64> {
            let one = |seed: u64| {
                let draws = |stream: u32, n: usize| {
                    let mut x = vec![0.0; n];
                    normal_row(Key::new(seed, 0), stream, 0, &mut x);
                    x
                };
                let f: Vec<f64> = draws(1, 1500).iter().map(|x| -0.5 * x * x).collect();
                let proposal = |z: &f64| {
                    let x = 1.5 * z;
                    -0.5 * x * x + 0.5 * z * z + (1.5 * std::f64::consts::TAU.sqrt()).ln()
                };
                let weights: Vec<f64> = draws(2, 150).iter().map(proposal).collect();
                let found = LogWeights::of(&weights).unwrap();
                assert_eq!(found.log_mean, log_mean_exp(&weights));
                let error = if with_error { found.std_err } else { 0.0 };
                match estimated(found.log_mean, error).likelihood(&f).unwrap() {
                    Likelihood::Known(mean) => (mean.value - truth) / mean.std_err,
                    Likelihood::Unknown(reason) => panic!("{reason}"),
                }
            };
            (0..400).map(one).collect()
        };
        let spread =
            |values: &[f64]| (values.iter().map(|z| z * z).sum::<f64>() / values.len() as f64).sqrt();
        let with = spread(&z_scores(true));
        assert!((with - 1.0).abs() < 0.12, "{with}");
        let without = spread(&z_scores(false));
        assert!(without > 1.8, "{without}");
    }
}
