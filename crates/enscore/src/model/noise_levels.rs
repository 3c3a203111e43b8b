//! The standard deviations of the noise that a conditional score is trained and sampled at: sigma_1 > .. >
//! sigma_L, in geometric sequence (Song and Ermon 2019, section 4.2).

use crate::error::{Error, Result};
use serde::Serialize;

/// More levels than any schedule needs; a larger count is a slip of the keyboard.
const MOST_LEVELS: usize = 1_000_000;

/// Strictly decreasing positive noise levels, in units of the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct NoiseLevels {
    sigmas: Vec<f64>,
}

impl NoiseLevels {
    /// `count` levels from `sigma_max` down to `sigma_min`: sigma_i = sigma_max (sigma_min /
    /// sigma_max)^((i-1)/(L-1)).
    ///
    /// # Errors
    /// An input error that names the setting, unless sigma_max > sigma_min > 0, both finite, and `count` is
    /// at least 2 and so small that the levels differ in f64. One level is [`NoiseLevels::single`].
    pub fn geometric(sigma_max: f64, sigma_min: f64, count: usize) -> Result<Self> {
        positive("objective.sigma_min", sigma_min)?;
        positive("objective.sigma_max", sigma_max)?;
        if sigma_max <= sigma_min {
            return Err(Error::input("noise levels must decrease")
                .at("objective.sigma_max")
                .found(sigma_max)
                .expected(format_args!("more than objective.sigma_min = {sigma_min}")));
        }
        if !(2..=MOST_LEVELS).contains(&count) {
            return Err(Error::input("invalid number of noise levels")
                .at("objective.levels")
                .found(count)
                .expected(format_args!("2 to {MOST_LEVELS}"))
                .remedy("for a single level, set objective.sigma_max equal to objective.sigma_min"));
        }
        let last = count - 1;
        let log_ratio = (sigma_min / sigma_max).ln();
        let level = |i: usize| match i {
            0 => sigma_max,
            // The ends are the numbers asked for, without rounding.
            _ if i == last => sigma_min,
            _ => sigma_max * (log_ratio * i as f64 / last as f64).exp(),
        };
        let sigmas: Vec<f64> = (0..count).map(level).collect();
        if sigmas.windows(2).any(|pair| pair[0] <= pair[1]) {
            return Err(Error::input("noise levels are too close together")
                .at("objective.levels")
                .found(count)
                .remedy("use fewer levels or a wider range"));
        }
        Ok(NoiseLevels { sigmas })
    }

    /// One level.
    ///
    /// # Errors
    /// An input error unless sigma is positive and finite.
    pub fn single(sigma: f64) -> Result<Self> {
        positive("objective.sigma_max", sigma)?;
        Ok(NoiseLevels { sigmas: vec![sigma] })
    }

    /// Given levels.
    ///
    /// # Errors
    /// An input error if there is none, or one is not positive and finite or not below the one before it.
    pub fn new(sigmas: Vec<f64>) -> Result<Self> {
        for (index, sigma) in sigmas.iter().enumerate() {
            positive(&format!("noise level {}", index + 1), *sigma)?;
        }
        if let Some(index) = sigmas.windows(2).position(|pair| pair[0] <= pair[1]) {
            return Err(Error::input("noise levels must decrease")
                .at(format!("noise levels {} and {}", index + 1, index + 2))
                .found(format!("{} then {}", sigmas[index], sigmas[index + 1])));
        }
        if sigmas.is_empty() {
            Err(Error::input("no noise level").remedy("give at least one"))
        } else {
            Ok(NoiseLevels { sigmas })
        }
    }

    /// The levels, largest first; at least one.
    pub fn as_slice(&self) -> &[f64] {
        &self.sigmas
    }

    /// The smallest level, sigma_L.
    pub fn last(&self) -> f64 {
        self.sigmas[self.sigmas.len() - 1]
    }
}

fn positive(key: &str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::input("a noise level is out of range")
        .at(key)
        .found(value)
        .expected("a positive finite number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_levels_that_do_not_decrease_and_names_the_key() {
        let message = |a, b, n| NoiseLevels::geometric(a, b, n).unwrap_err().to_string();
        assert!(message(0.01, 1.0, 10).contains("objective.sigma_max"));
        assert!(message(1.0, 1.0, 10).contains("objective.sigma_max"));
        assert!(message(1.0, 0.0, 10).contains("objective.sigma_min"));
        assert!(message(f64::INFINITY, 0.1, 10).contains("objective.sigma_max"));
        assert!(message(1.0, f64::NAN, 10).contains("objective.sigma_min"));
        assert!(message(1.0, 0.1, 1).contains("objective.levels"));
        assert!(message(1.0, 0.1, usize::MAX).contains("objective.levels"));
        assert!(message(1.0 + 1e-15, 1.0, 1000).contains("too close"));
        assert!(NoiseLevels::single(-0.1).is_err());
        assert_eq!(NoiseLevels::single(0.1).unwrap().as_slice(), [0.1]);
    }

    #[test]
    fn given_levels_are_checked_one_by_one() {
        let message = |levels| NoiseLevels::new(levels).unwrap_err().to_string();
        assert!(message(vec![]).contains("no noise level"));
        assert!(message(vec![1.0, f64::NAN]).contains("noise level 2"));
        assert!(message(vec![1.0, 1.0]).contains("noise levels 1 and 2"));
        assert_eq!(NoiseLevels::new(vec![2.0, 1.0]).unwrap().last(), 1.0);
    }

    #[test]
    fn the_ends_are_exact_and_the_ratio_constant() {
        let levels = NoiseLevels::geometric(50.0, 0.01, 232).unwrap();
        let sigmas = levels.as_slice();
        assert_eq!((sigmas[0], levels.last(), sigmas.len()), (50.0, 0.01, 232));
        let ratio = 5000f64.powf(1.0 / 231.0);
        assert!(sigmas.windows(2).all(|p| (p[0] / p[1] - ratio).abs() < 1e-12));
    }
}
