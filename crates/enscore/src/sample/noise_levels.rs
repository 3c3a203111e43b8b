//! Noise levels sigma_1 > ... > sigma_L in geometric sequence, and the step sizes of annealed Langevin dynamics.
//!
//! Song and Ermon 2019, "Generative modeling by estimating gradients of the data distribution", Algorithm 1:
//! alpha_i = eps sigma_i² / sigma_L², x' = x + (alpha_i / 2) s(x, sigma_i) + sqrt(alpha_i) z. The published code
//! steps x' = x + a s + sqrt(2 a) z with a = eps sigma_i² / sigma_L²: the same eps is a step twice as large.
//!
//! For Gaussian data with its exact score, a step is affine, so mean and variance of the samples follow a
//! recursion: what a correct sampler must give, converged or not.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// More levels than any schedule needs; a larger count is a slip of the keyboard.
const MOST_LEVELS: usize = 1_000_000;

/// Strictly decreasing positive noise levels, in units of the data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct NoiseLevels {
    sigmas: Vec<f64>,
}

impl NoiseLevels {
    /// `count` levels from `sigma_max` down to `sigma_min`: sigma_i = sigma_max (sigma_min / sigma_max)^((i-1)/(L-1)).
    ///
    /// # Errors
    /// An input error that names the setting, unless sigma_max > sigma_min > 0, both finite, and `count` is at
    /// least 2 and so small that the levels differ in f64. One level is [`NoiseLevels::single`].
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
            return Err(Error::input("no geometric sequence of noise levels")
                .at("objective.levels")
                .found(count)
                .expected(format_args!("2 to {MOST_LEVELS}"))
                .remedy("a single level needs objective.sigma_max equal to objective.sigma_min"));
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
            return Err(Error::input("noise levels are too close to tell apart")
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

/// How a step size eps becomes a step: the two published readings, a factor of two apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepRule {
    /// x' = x + (alpha/2) s + sqrt(alpha) z, as printed in the paper.
    #[default]
    Algorithm1,
    /// x' = x + a s + sqrt(2 a) z, as in the published code and settings of NCSN and NCSNv2.
    ReferenceCode,
}

impl StepRule {
    /// The coefficient of the score and the standard deviation of the noise, at level `sigma_i` of levels that
    /// end in `sigma_last`. Both targets the same law: noise² = 2 drift.
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

/// A one-dimensional Gaussian by mean and variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gaussian {
    /// The mean.
    pub mean: f64,
    /// The variance, at least 0.
    pub variance: f64,
}

impl Gaussian {
    /// The law after `x' = x + drift s(x) + noise_std z`, where s is the score of `target`:
    /// m' = m + k (mu - m), v' = (1 - k)² v + noise_std², k = drift / target variance.
    pub fn langevin_step(self, target: Gaussian, drift: f64, noise_std: f64) -> Self {
        let k = drift / target.variance;
        Gaussian {
            mean: self.mean + k * (target.mean - self.mean),
            variance: (1.0 - k).powi(2) * self.variance + noise_std * noise_std,
        }
    }

    /// The law of this variable with noise of standard deviation sigma added.
    pub fn noisy(self, sigma: f64) -> Self {
        Gaussian { variance: self.variance + sigma * sigma, ..self }
    }
}

/// What annealed Langevin dynamics with the exact score gives on Gaussian data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GaussianPath {
    /// The law of the samples at the end of each level.
    pub levels: Vec<Gaussian>,
    /// The law after the final denoising step x + sigma_L² s(x, sigma_L).
    pub denoised: Gaussian,
}

/// The exact recursion of annealed Langevin dynamics for one coordinate of Gaussian `data`, from `start`.
pub fn gaussian_recursion(
    data: Gaussian,
    start: Gaussian,
    levels: &NoiseLevels,
    steps_per_level: usize,
    eps: f64,
    rule: StepRule,
) -> GaussianPath {
    let mut law = start;
    let mut path = Vec::with_capacity(levels.as_slice().len());
    for sigma in levels.as_slice() {
        let (drift, noise_std) = rule.step(eps, *sigma, levels.last());
        for _ in 0..steps_per_level {
            law = law.langevin_step(data.noisy(*sigma), drift, noise_std);
        }
        path.push(law);
    }
    let last = levels.last();
    GaussianPath { levels: path, denoised: law.langevin_step(data.noisy(last), last * last, 0.0) }
}

/// The coefficient of the score and the noise of one ancestral step from level `from` to the smaller `to`:
/// x' = x + (from² - to²) s(x, from) + sqrt(to² (from² - to²) / from²) z (Song et al. 2021, "Score-based
/// generative modeling through stochastic differential equations", eq. 47).
pub fn ancestral_step(from: f64, to: f64) -> (f64, f64) {
    let drift = from * from - to * to;
    (drift, to / from * drift.sqrt())
}

/// The exact recursion of ancestral sampling for one coordinate of Gaussian `data`: the law at sigma_L.
pub fn ancestral_gaussian_recursion(data: Gaussian, start: Gaussian, levels: &NoiseLevels) -> Gaussian {
    levels.as_slice().windows(2).fold(start, |law, pair| {
        let (drift, noise_std) = ancestral_step(pair[0], pair[1]);
        law.langevin_step(data.noisy(pair[0]), drift, noise_std)
    })
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
    fn the_ends_are_exact_and_the_ratio_constant() {
        let levels = NoiseLevels::geometric(50.0, 0.01, 232).unwrap();
        let sigmas = levels.as_slice();
        assert_eq!((sigmas[0], levels.last(), sigmas.len()), (50.0, 0.01, 232));
        let ratio = 5000f64.powf(1.0 / 231.0);
        assert!(sigmas.windows(2).all(|p| (p[0] / p[1] - ratio).abs() < 1e-12));
    }

    #[test]
    fn the_rules_have_their_names_in_settings() {
        let name = |rule| serde_json::to_string(&rule).unwrap();
        assert_eq!(name(StepRule::Algorithm1), "\"algorithm1\"");
        assert_eq!(name(StepRule::ReferenceCode), "\"reference-code\"");
        assert!(serde_json::from_str::<StepRule>("\"Algorithm1\"").is_err());
    }

    /// Many small steps at one level reach the noisy data's law; the denoising step then has its closed form.
    #[test]
    fn long_runs_reach_the_noisy_law() {
        let data = Gaussian { mean: -1.0, variance: 0.5 };
        let levels = NoiseLevels::single(0.5).unwrap();
        let start = Gaussian { mean: 4.0, variance: 0.0 };
        let path = gaussian_recursion(data, start, &levels, 40_000, 1e-3, StepRule::Algorithm1);
        let reached = path.levels[0];
        assert!((reached.mean + 1.0).abs() < 1e-9);
        // The discretisation adds a relative bias of alpha / (4 S).
        assert!((reached.variance / 0.75 - 1.0).abs() < 4e-4);
        assert!((path.denoised.variance / reached.variance - (0.5f64 / 0.75).powi(2)).abs() < 1e-12);
    }
}
