//! Closed forms for data that is a mixture of isotropic Gaussians, with noise N(0, sigma² I) added:
//! p_sigma(x) = sum_k w_k N(x; m_k, (v_k + sigma²) I), score s(x) = sum_k r_k(x) (m_k - x) / (v_k + sigma²),
//! where r_k(x) is the posterior weight of component k.
//!
//! The score of p_sigma is the optimum of denoising score matching (Vincent 2011, "A connection between score
//! matching and denoising autoencoders", eq. 9 to 11), and D(x) = x + sigma² s(x) the posterior mean of the
//! clean point (Tweedie's formula; Robbins 1956, Efron 2011). With v_k = 0 and equal weights, the mixture is
//! a finite data set: its score memorises the data, and a network that beats its loss has a mistake in its
//! loss.

use crate::error::{Error, Result};
use crate::evaluate::Rows;
use std::f64::consts::TAU;

/// A mixture of Gaussians with covariances v_k I in d dimensions.
#[derive(Clone, Debug)]
pub struct IsotropicMixture {
    log_weights: Vec<f64>,
    /// `[components, dim]`.
    means: Vec<f64>,
    variances: Vec<f64>,
    dim: usize,
}

impl IsotropicMixture {
    /// Components with these weights (positive, scaled to sum to 1), means `[components, dim]` and variances
    /// (0 is a point).
    ///
    /// # Errors
    /// An input error if the lengths don't fit together or a number is out of range.
    pub fn new(weights: &[f64], means: &[f64], variances: &[f64], dim: usize) -> Result<Self> {
        if weights.is_empty() || dim == 0 || variances.len() != weights.len() {
            return Err(Error::input("the components of a mixture don't match")
                .found(format_args!("{} weights, {} variances", weights.len(), variances.len()))
                .expected("one of each per component, in at least one dimension"));
        }
        if weights.len().checked_mul(dim) != Some(means.len()) {
            return Err(Error::input("the means of a mixture don't match its components")
                .found(format_args!("{} numbers", means.len()))
                .expected(format_args!("{} of {dim}", weights.len())));
        }
        let total: f64 = weights.iter().sum();
        let valid = weights.iter().all(|w| *w > 0.0)
            && total.is_finite()
            && variances.iter().all(|v| *v >= 0.0 && v.is_finite())
            && means.iter().all(|m| m.is_finite());
        if !valid {
            return Err(Error::input("a parameter of a mixture is out of range")
                .expected("positive weights, variances of at least 0, finite means"));
        }
        let log_weights = weights.iter().map(|w| (w / total).ln()).collect();
        Ok(IsotropicMixture { log_weights, means: means.to_vec(), variances: variances.to_vec(), dim })
    }

    /// The Gaussian N(mean, variance I).
    ///
    /// # Errors
    /// As [`IsotropicMixture::new`].
    pub fn gaussian(mean: &[f64], variance: f64) -> Result<Self> {
        Self::new(&[1.0], mean, &[variance], mean.len())
    }

    /// A finite data set: one point a row, equal weights.
    ///
    /// # Errors
    /// As [`IsotropicMixture::new`].
    pub fn points(rows: Rows) -> Result<Self> {
        let means: Vec<f64> = rows.values().iter().map(|v| f64::from(*v)).collect();
        Self::new(&vec![1.0; rows.count()], &means, &vec![0.0; rows.count()], rows.row_len())
    }

    /// The number of dimensions.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The mixture with noise of standard deviation `sigma` added.
    ///
    /// # Errors
    /// An input error if sigma is negative or not finite, or if it is 0 and a component is a point.
    pub fn noisy(&self, sigma: f64) -> Result<NoisyMixture<'_>> {
        let least = self.variances.iter().fold(f64::INFINITY, |a, b| a.min(*b)) + sigma * sigma;
        if sigma >= 0.0 && least > 0.0 && sigma.is_finite() {
            return Ok(NoisyMixture { mixture: self, sigma });
        }
        Err(Error::input("the noisy mixture has no density")
            .found(format_args!("sigma {sigma}"))
            .expected("a finite sigma, positive if a component has variance 0"))
    }
}

/// A mixture with noise of one level added: its log density, score and denoiser.
#[derive(Clone, Copy, Debug)]
pub struct NoisyMixture<'a> {
    mixture: &'a IsotropicMixture,
    sigma: f64,
}

impl NoisyMixture<'_> {
    /// The standard deviation of the added noise.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// The mixture without the noise.
    pub(in crate::evaluate) fn mixture(&self) -> &IsotropicMixture {
        self.mixture
    }

    /// The mean and the variance with noise of the component that a uniform number in (0, 1) falls on.
    pub(in crate::evaluate) fn component(&self, uniform: f64) -> (&[f64], f64) {
        let IsotropicMixture { log_weights, means, variances, dim } = self.mixture;
        let mut left = uniform;
        let falls_on = |log_weight: &f64| {
            left -= log_weight.exp();
            left < 0.0
        };
        // Rounding may leave a rest of the last component.
        let chosen = log_weights.iter().position(falls_on).unwrap_or(log_weights.len() - 1);
        (&means[chosen * dim..][..*dim], variances[chosen] + self.sigma * self.sigma)
    }

    /// log p_sigma(x) in nats.
    ///
    /// # Errors
    /// An input error if `x` is not of the mixture's dimension.
    pub fn log_density(&self, x: &[f64]) -> Result<f64> {
        let terms = self.log_terms(x)?;
        let greatest = terms.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        Ok(greatest + terms.iter().map(|t| (t - greatest).exp()).sum::<f64>().ln())
    }

    /// The score of p_sigma at x, `[dim]`.
    ///
    /// # Errors
    /// An input error if `x` is not of the mixture's dimension.
    pub fn score(&self, x: &[f64]) -> Result<Vec<f64>> {
        let terms = self.log_terms(x)?;
        let greatest = terms.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let mut score = vec![0.0; x.len()];
        let mut total = 0.0;
        let components = terms.iter().zip(self.mixture.means.chunks_exact(self.mixture.dim));
        for ((term, mean), variance) in components.zip(&self.mixture.variances) {
            let weight = (term - greatest).exp();
            total += weight;
            let scale = weight / (variance + self.sigma * self.sigma);
            score.iter_mut().zip(mean.iter().zip(x)).for_each(|(s, (m, x))| *s += scale * (m - x));
        }
        score.iter_mut().for_each(|s| *s /= total);
        Ok(score)
    }

    /// The posterior mean of the clean point given the noisy x: x + sigma² s(x), `[dim]`.
    ///
    /// # Errors
    /// An input error if `x` is not of the mixture's dimension.
    pub fn denoise(&self, x: &[f64]) -> Result<Vec<f64>> {
        let variance = self.sigma * self.sigma;
        Ok(self.score(x)?.iter().zip(x).map(|(s, x)| x + variance * s).collect())
    }

    /// log w_k + log N(x; m_k, (v_k + sigma²) I) for every component.
    fn log_terms(&self, x: &[f64]) -> Result<Vec<f64>> {
        let IsotropicMixture { log_weights, means, variances, dim } = self.mixture;
        if x.len() != *dim {
            return Err(Error::input("the point and the mixture differ in dimension")
                .found(x.len())
                .expected(dim));
        }
        let term = |((log_weight, mean), variance): ((&f64, &[f64]), &f64)| {
            let variance = variance + self.sigma * self.sigma;
            let square: f64 = mean.iter().zip(x).map(|(m, x)| (x - m) * (x - m)).sum();
            log_weight - 0.5 * (square / variance + *dim as f64 * (TAU * variance).ln())
        };
        Ok(log_weights.iter().zip(means.chunks_exact(*dim)).zip(variances).map(term).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_is_the_derivative_of_the_log_density() {
        let means = [0.5, -1.0, 2.0, 1.0, 0.0, -2.0];
        let mixture = IsotropicMixture::new(&[0.2, 0.5, 1.3], &means, &[0.3, 0.0, 1.0], 2).unwrap();
        let noisy = mixture.noisy(0.7).unwrap();
        for x in [[0.0, 0.0], [3.0, -1.0], [40.0, 30.0]] {
            let score = noisy.score(&x).unwrap();
            for (axis, value) in score.iter().enumerate() {
                let h = 1e-5;
                let shifted = |by: f64| {
                    let mut x = x;
                    x[axis] += by;
                    noisy.log_density(&x).unwrap()
                };
                let difference = (shifted(h) - shifted(-h)) / (2.0 * h);
                assert!((value - difference).abs() < 1e-6 * (1.0 + value.abs()), "{value} and {difference}");
            }
        }
    }

    /// Far from every point the weights would underflow if they were not scaled by the greatest.
    #[test]
    fn far_points_are_finite_and_small_noise_returns_the_nearest_point() {
        let data = [0.0f32, 1.0, 2.0];
        let mixture = IsotropicMixture::points(Rows::new(&data, 1).unwrap()).unwrap();
        let noisy = mixture.noisy(1e-3).unwrap();
        assert!((noisy.denoise(&[1e3]).unwrap()[0] - 2.0).abs() < 1e-9);
        assert!(noisy.log_density(&[1e3]).unwrap() < -1e11);
        assert!((noisy.denoise(&[0.9]).unwrap()[0] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn refuses_what_is_no_mixture() {
        assert!(IsotropicMixture::new(&[], &[], &[], 1).is_err());
        assert!(IsotropicMixture::new(&[1.0], &[0.0], &[1.0, 2.0], 1).is_err());
        assert!(IsotropicMixture::new(&[1.0], &[0.0, 1.0], &[1.0], 1).is_err());
        assert!(IsotropicMixture::new(&[0.0], &[0.0], &[1.0], 1).is_err());
        assert!(IsotropicMixture::new(&[1.0], &[0.0], &[-1.0], 1).is_err());
        let point = IsotropicMixture::gaussian(&[0.0], 0.0).unwrap();
        assert!(point.noisy(0.0).is_err());
        assert!(point.noisy(f64::NAN).is_err());
        assert!(point.noisy(-1.0).is_err());
        assert!(point.noisy(0.5).unwrap().score(&[0.0, 0.0]).is_err());
    }
}
