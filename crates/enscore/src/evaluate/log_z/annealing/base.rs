//! Normalised densities that rows can be drawn from: where importance sampling and annealing begin, and known
//! targets.

use crate::error::{Error, Result};
use crate::evaluate::{Moments, NoisyMixture};
use crate::executor::whole_rows;
use crate::model::HostDensity;
use crate::streams;
use enscore_program::random::{Key, normal_row, row_words, uniform};
use nalgebra::Cholesky;
use std::f64::consts::TAU;

/// A normalised density (its [`HostDensity::log_density`] is log p itself) that rows are drawn from.
pub trait Base: HostDensity {
    /// `rows` independent draws, `[rows, row_len]`; row i is that of the key's global row `key.row + i`.
    ///
    /// # Errors
    /// A generator that refuses.
    fn draw(&mut self, key: Key, rows: usize) -> Result<Vec<f64>>;
}

/// N(m, S) by the Cholesky factor S = L L'.
#[derive(Clone, Debug)]
pub struct GaussianBase {
    mean: Vec<f64>,
    factor: Factor,
    /// ½ ln det (2π S).
    log_norm: f64,
}

#[derive(Clone, Debug)]
enum Factor {
    /// L = std I.
    Scale(f64),
    /// L by rows, `[d, d]`, 0 above the diagonal.
    Lower(Vec<f64>),
}

impl GaussianBase {
    /// The Gaussian with these moments; [`Moments::of`] fits them to rows.
    ///
    /// # Errors
    /// A covariance that is not positive definite.
    pub fn new(moments: &Moments) -> Result<GaussianBase> {
        let d = moments.dim();
        let mean = moments.mean().to_vec();
        let Some(factor) = Cholesky::new(moments.covariance().clone()) else {
            return Err(Error::input("the covariance of the base distribution is not positive definite")
                .remedy("add a small multiple of the identity, or use fewer dimensions"));
        };
        let lower = factor.l();
        let log_det: f64 = lower.diagonal().iter().map(|v| v.ln()).sum();
        let rows = (0..d * d).map(|at| lower[(at / d, at % d)]).collect();
        Ok(GaussianBase { mean, factor: Factor::Lower(rows), log_norm: log_det + 0.5 * d as f64 * TAU.ln() })
    }

    /// N(mean, variance I).
    ///
    /// # Errors
    /// No dimension, a mean that is not finite, a variance that is not a finite number above 0.
    pub fn isotropic(mean: &[f64], variance: f64) -> Result<GaussianBase> {
        let finite = mean.iter().all(|m| m.is_finite());
        if mean.is_empty()
            || !finite
            || variance.partial_cmp(&0.0).is_none_or(|o| o.is_le())
            || variance.is_infinite()
        {
            return Err(Error::input("a parameter of a Gaussian is out of range")
                .found(format_args!("{} dimensions, variance {variance}", mean.len()))
                .expected("a finite mean and a finite variance above 0"));
        }
        let log_norm = 0.5 * mean.len() as f64 * (TAU * variance).ln();
        Ok(GaussianBase { mean: mean.to_vec(), factor: Factor::Scale(variance.sqrt()), log_norm })
    }

    /// z = L⁻¹ (x - m).
    fn whiten(&self, x: &[f64], z: &mut [f64]) {
        let d = x.len();
        for i in 0..d {
            let centred = x[i] - self.mean[i];
            z[i] = match &self.factor {
                Factor::Scale(std) => centred / std,
                Factor::Lower(rows) => {
                    let row = &rows[i * d..][..=i];
                    let known: f64 = row.iter().zip(&z[..i]).map(|(l, z)| l * z).sum();
                    (centred - known) / row[i]
                }
            };
        }
    }

    /// s = -L⁻ᵀ z, in place.
    fn pull_back(&self, z: &mut [f64]) {
        let d = z.len();
        for i in (0..d).rev() {
            match &self.factor {
                Factor::Scale(std) => z[i] /= -std,
                Factor::Lower(rows) => {
                    // The later entries are final and negated already: row k of L' below the diagonal.
                    let known: f64 = (i + 1..d).map(|k| rows[k * d + i] * z[k]).sum();
                    z[i] = -(z[i] + known) / rows[i * d + i];
                }
            }
        }
    }
}

impl HostDensity for GaussianBase {
    fn row_len(&self) -> usize {
        self.mean.len()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        let mut z = vec![0.0; self.mean.len()];
        let value = |x: &[f64]| {
            self.whiten(x, &mut z);
            -0.5 * z.iter().map(|z| z * z).sum::<f64>() - self.log_norm
        };
        Ok(whole_rows(rows, self.mean.len())?.map(value).collect())
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        let mut scores = vec![0.0; rows.len()];
        let d = self.mean.len();
        for (x, s) in whole_rows(rows, d)?.zip(scores.chunks_exact_mut(d)) {
            self.whiten(x, s);
            self.pull_back(s);
        }
        Ok(scores)
    }
}

impl Base for GaussianBase {
    fn draw(&mut self, key: Key, rows: usize) -> Result<Vec<f64>> {
        let d = self.mean.len();
        let mut x = vec![0.0; rows * d];
        let mut z = vec![0.0; d];
        for (row, x) in x.chunks_exact_mut(d).enumerate() {
            normal_row(key, streams::BASE_NORMAL, key.row + row as u64, &mut z);
            for (i, x) in x.iter_mut().enumerate() {
                *x = self.mean[i]
                    + match &self.factor {
                        Factor::Scale(std) => std * z[i],
                        Factor::Lower(l) => l[i * d..][..=i].iter().zip(&z).map(|(l, z)| l * z).sum(),
                    };
            }
        }
        Ok(x)
    }
}

impl HostDensity for NoisyMixture<'_> {
    fn row_len(&self) -> usize {
        self.mixture().dim()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        whole_rows(rows, self.mixture().dim())?.map(|x| NoisyMixture::log_density(self, x)).collect()
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        let scores: Result<Vec<_>> =
            whole_rows(rows, self.mixture().dim())?.map(|x| NoisyMixture::score(self, x)).collect();
        Ok(scores?.concat())
    }
}

impl Base for NoisyMixture<'_> {
    fn draw(&mut self, key: Key, rows: usize) -> Result<Vec<f64>> {
        let d = self.mixture().dim();
        let mut x = vec![0.0; rows * d];
        for (row, x) in x.chunks_exact_mut(d).enumerate() {
            let row = key.row + row as u64;
            let mut words = [0; 1];
            row_words(key, streams::BASE_COMPONENT, row, &mut words);
            let (mean, variance) = self.component(uniform(words[0]));
            normal_row(key, streams::BASE_NORMAL, row, x);
            x.iter_mut().zip(mean).for_each(|(x, m)| *x = m + variance.sqrt() * *x);
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::IsotropicMixture;
    use crate::evaluate::Mean;

    fn tilted() -> GaussianBase {
        GaussianBase::new(&Moments::new(&[1.0, -2.0], &[2.0, 0.6, 0.6, 0.5]).unwrap()).unwrap()
    }

    /// log p and its gradient at (2, -1): deviations (1, 1), precision [0.5, -0.6; -0.6, 2] / 0.64.
    #[test]
    fn a_tilted_gaussian_has_the_density_by_hand() {
        let mut base = tilted();
        let value = base.log_density(&[2.0, -1.0]).unwrap()[0];
        assert!((value - (-0.5 * 1.3 / 0.64 - TAU.ln() - 0.5 * 0.64f64.ln())).abs() < 1e-13);
        let score = base.score(&[2.0, -1.0]).unwrap();
        assert!((score[0] - 0.1 / 0.64).abs() < 1e-13 && (score[1] + 1.4 / 0.64).abs() < 1e-13, "{score:?}");
    }

    /// Draws have the moments of the density: E s = 0 and E[s (x - m)'] = -I, within 5 standard errors.
    fn draws_fit(base: &mut dyn Base) {
        let n = 20_000;
        let d = base.row_len();
        let x = base.draw(Key::new(1, 2), n).unwrap();
        let s = base.score(&x).unwrap();
        for i in 0..d {
            for j in 0..=d {
                let term = |row: usize| s[row * d + i] * if j < d { x[row * d + j] } else { 1.0 };
                let found = Mean::of(&(0..n).map(term).collect::<Vec<_>>()).unwrap();
                let truth = if i == j { -1.0 } else { 0.0 };
                assert!((found.value - truth).abs() < 5.0 * found.std_err, "{i} {j} {found:?}");
            }
        }
        let later = base.draw(Key { row: 7, ..Key::new(1, 2) }, 1).unwrap();
        assert_eq!(later, x[7 * d..][..d], "a draw depends on its global row");
    }

    #[test]
    fn draws_come_from_the_density() {
        draws_fit(&mut tilted());
        draws_fit(&mut GaussianBase::isotropic(&[0.5, 0.0, 3.0], 0.3).unwrap());
        let mixture = IsotropicMixture::new(&[1.0, 3.0], &[0.0, 2.0, 1.0, -1.0], &[0.2, 0.5], 2).unwrap();
        draws_fit(&mut mixture.noisy(0.1).unwrap());
    }

    #[test]
    fn refuses_what_is_no_gaussian() {
        for variance in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(GaussianBase::isotropic(&[0.0], variance).is_err());
        }
        assert!(GaussianBase::isotropic(&[], 1.0).is_err());
        assert!(GaussianBase::new(&Moments::new(&[0.0; 2], &[1.0, 1.0, 1.0, 1.0]).unwrap()).is_err());
    }
}
