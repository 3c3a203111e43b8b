//! Samplers on Gaussian data with its exact score: each step is affine, so mean and variance follow a
//! recursion. It is what a right sampler must give, converged or not.

use enscore::mcmc::StepRule;
use enscore::model::NoiseLevels;

/// A one-dimensional Gaussian by mean and variance.
#[derive(Clone, Copy, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
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
fn ancestral_step(from: f64, to: f64) -> (f64, f64) {
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
