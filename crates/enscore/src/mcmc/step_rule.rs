//! How a step size becomes a step of annealed Langevin dynamics: two published readings, a factor of two
//! apart.
//!
//! Song and Ermon 2019, Algorithm 1, steps x' = x + (alpha_i / 2) s(x, sigma_i) + sqrt(alpha_i) z with
//! alpha_i = eps sigma_i² / sigma_L². The published code steps x' = x + a s + sqrt(2 a) z with a equal to
//! eps sigma_i² / sigma_L²: the same eps is a step twice as large.

use serde::{Deserialize, Serialize};

use crate::keys::choice;

choice! {
    /// How a step size eps becomes a step: the two published readings, a factor of two apart.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    StepRule {
        /// x' = x + (alpha/2) s + sqrt(alpha) z, as printed in the paper.
        #[default]
        Algorithm1 = "algorithm1",
        /// x' = x + a s + sqrt(2 a) z, as in the published code and settings of NCSN and NCSNv2.
        ReferenceCode = "reference-code",
    }
}

impl StepRule {
    /// The coefficient of the score and the standard deviation of the noise, at level `sigma_i` of levels
    /// that end in `sigma_last`. Both targets the same law: noise² = 2 drift.
    pub fn step(self, eps: f64, sigma_i: f64, sigma_last: f64) -> (f64, f64) {
        let scaled = eps * (sigma_i / sigma_last).powi(2);
        let drift = match self {
            StepRule::Algorithm1 => scaled / 2.0,
            StepRule::ReferenceCode => scaled,
        };
        (drift, (2.0 * drift).sqrt())
    }

    /// The eps under this rule that makes the same steps as `eps` under [`StepRule::ReferenceCode`].
    pub fn from_reference_code(self, eps: f64) -> f64 {
        match self {
            StepRule::Algorithm1 => 2.0 * eps,
            StepRule::ReferenceCode => eps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_have_their_names_in_settings() {
        let name = |rule| serde_json::to_string(&rule).unwrap();
        assert_eq!(name(StepRule::Algorithm1), "\"algorithm1\"");
        assert_eq!(name(StepRule::ReferenceCode), "\"reference-code\"");
        assert!(serde_json::from_str::<StepRule>("\"Algorithm1\"").is_err());
    }

    #[test]
    fn the_same_step_size_is_twice_the_step_under_the_reference_code() {
        for sigma in [1.0, 0.1, 0.01] {
            let (drift, noise) = StepRule::Algorithm1.step(2e-5, sigma, 0.01);
            assert!((noise * noise - 2.0 * drift).abs() < 1e-15);
            assert_eq!(StepRule::ReferenceCode.step(2e-5, sigma, 0.01).0, 2.0 * drift);
            let converted = StepRule::Algorithm1.from_reference_code(2e-5);
            assert_eq!(StepRule::Algorithm1.step(converted, sigma, 0.01).0, 2.0 * drift);
        }
    }
}
