//! A mixture of Gaussians: log p(x) = ln Σ_k w_k N(x; m_k, Σ_k). A draw chooses a component by its weight,
//! then draws from it.

use enscore_program::Var;

use super::expectation_maximisation::{Covariance, fit};
use super::{Gaussian, check_rows, flat};
use crate::error::{Error, Result};
use crate::model::{NoiseDensity, batch_shape, standard_normal};

/// Σ_k w_k N(m_k, Σ_k).
#[derive(Clone, Debug)]
pub struct GaussianMixture {
    /// Positive, of sum 1.
    weights: Vec<f64>,
    components: Vec<Gaussian>,
}

impl GaussianMixture {
    /// Components with these weights, which are divided by their sum.
    ///
    /// # Errors
    /// No component, another number of weights, rows of different shapes, a weight that is not positive and
    /// finite.
    pub fn new(weights: &[f64], components: Vec<Gaussian>) -> Result<Self> {
        let wrong = |found: String, expected: &str| {
            Err(Error::input("invalid mixture").at("weights").found(found).expected(expected))
        };
        if components.is_empty() || weights.len() != components.len() {
            let found = format!("{} weights for {} components", weights.len(), components.len());
            return wrong(found, "one per component, and at least one component");
        }
        if let Some(weight) = weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
            return wrong(weight.to_string(), "finite numbers above 0");
        }
        let shape = components[0].row_shape();
        if let Some(other) = components.iter().find(|component| component.row_shape() != shape) {
            let found = format!("components over rows of shape {shape:?} and {:?}", other.row_shape());
            return wrong(found, "the same shape");
        }
        let sum: f64 = weights.iter().sum();
        Ok(GaussianMixture { weights: weights.iter().map(|weight| weight / sum).collect(), components })
    }

    /// Components with the same `variance` in every direction around `means` `[k, d]`, row-major.
    ///
    /// # Errors
    /// As [`GaussianMixture::new`] and [`Gaussian::diagonal`].
    pub fn isotropic(row_shape: &[usize], weights: &[f64], means: &[f64], variance: f64) -> Result<Self> {
        let row_len: usize = row_shape.iter().product();
        if row_len == 0 || !means.len().is_multiple_of(row_len) {
            return Err(Error::input("the density does not match its rows")
                .at("means")
                .found(format!("{} values", means.len()))
                .expected(format!("whole rows of {row_len}")));
        }
        let variances = vec![variance; row_len];
        let components: Result<Vec<_>> =
            means.chunks_exact(row_len).map(|mean| Gaussian::diagonal(row_shape, mean, &variances)).collect();
        GaussianMixture::new(weights, components?)
    }

    /// The mixture that expectation maximisation finds for `rows` `[n, d]` from a start that depends on
    /// `seed`; then each component's standard deviations times `widen`. The same result for the same data and
    /// seed on any number of threads. Each pass takes time n K d² with full covariances, else n K d.
    ///
    /// # Errors
    /// Data that are not whole rows of finite numbers; fewer distinct rows than components; a factor that is
    /// not positive.
    pub fn fitted(
        rows: &[f64],
        row_shape: &[usize],
        components: usize,
        covariance: Covariance,
        seed: u64,
        widen: f64,
    ) -> Result<Self> {
        let n = check_rows(rows, row_shape, widen)?;
        let fitted = fit(rows, rows.len() / n, components, covariance, seed)?;
        let weights: Vec<f64> = fitted.iter().map(|component| component.weight).collect();
        let widened = |values: &[f64]| -> Vec<f64> { values.iter().map(|v| widen * widen * v).collect() };
        let components: Result<Vec<_>> = fitted
            .iter()
            .map(|component| match covariance {
                Covariance::Full => {
                    Gaussian::new(row_shape, &component.mean, &widened(&component.covariance))
                }
                _ => Gaussian::diagonal(row_shape, &component.mean, &widened(&component.covariance)),
            })
            .collect();
        GaussianMixture::new(&weights, components?)
    }

    /// The weights, of sum 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The components.
    pub fn components(&self) -> &[Gaussian] {
        &self.components
    }

    /// log p of one row, on the host, in nats; NaN where the row has another length.
    pub fn log_density_of(&self, x: &[f64]) -> f64 {
        let terms: Vec<f64> =
            self.weights.iter().zip(&self.components).map(|(w, c)| w.ln() + c.log_density_of(x)).collect();
        let max = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        max + terms.iter().map(|term| (term - max).exp()).sum::<f64>().ln()
    }

    /// 1 at the component that each draw comes from, else 0: `[rows * each, k]`.
    fn choose<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s> {
        let count = self.weights.len();
        let mut edges = vec![0.0];
        for weight in &self.weights {
            edges.push(edges[edges.len() - 1] + weight);
        }
        // Rounding must leave no gap below 1.
        edges[count] = 2.0;
        let u = key.uniform(&[rows, each]).reshape(&[rows * each, 1]);
        let table = |edges: &[f64]| u.scope().table(edges, &[count]);
        table(&edges[..count]).less_equal(u).and(u.less(table(&edges[1..]))).to_float()
    }
}

impl NoiseDensity for GaussianMixture {
    fn log_density<'s>(&self, x: Var<'s>) -> Var<'s> {
        let x = flat(x);
        let term = |(weight, component): (&f64, &Gaussian)| {
            let level = weight.ln() - component.factor.ln_determinant();
            (standard_normal(component.whiten(x)) + level).reshape(&[x.extent(0), 1])
        };
        let terms: Vec<Var> = self.weights.iter().zip(&self.components).map(term).collect();
        terms[0].concatenate(&terms[1..], 1).log_sum_exp(1)
    }

    fn draw_each<'s>(&self, key: Var<'s>, rows: usize, each: usize) -> Var<'s> {
        let chosen = self.choose(key, rows, each);
        let d = self.components[0].mean.len();
        let e = key.normal(&[rows, each * d]).reshape(&[rows * each, d]);
        let of = |k: usize| self.components[k].colour(e) * chosen.slice(1, k, k + 1);
        let x = (1..self.components.len()).fold(of(0), |sum, k| sum + of(k));
        x.reshape(&batch_shape(rows * each, self.row_shape()))
    }

    fn row_shape(&self) -> &[usize] {
        self.components[0].row_shape()
    }
}
