//! Draws of q(z|x) and what bounds are made of.

use enscore_program::{Parameters, Var};

use crate::model::{LatentVariable, Posterior, batch_shape, standard_normal, sum_rows};

/// `each` draws z = m(x) + s(x) e of every row, those of a row together.
pub struct LatentDraws<'s> {
    /// q(z|x) of each row.
    pub posterior: Posterior<'s>,
    /// ln p(x|z) of each draw: `[n, each]`, nats.
    pub log_likelihood: Var<'s>,
    /// ln N(z; 0, I) - ln q(z|x) of each draw: `[n, each]`, nats.
    pub log_ratio: Var<'s>,
}

impl<'s> LatentDraws<'s> {
    /// Draws for x `[n, ..]` by standard normal e `[n, each, latents]`.
    pub fn of(model: &dyn LatentVariable, parameters: &Parameters<'s>, x: Var<'s>, e: Var<'s>) -> Self {
        let posterior = model.encode(parameters, x);
        let shape = e.shape();
        let [n, each, latents] = [shape[0], shape[1], shape[2]];
        let deviation = (posterior.log_variance * 0.5).exp();
        let along = |of_row: Var<'s>| of_row.broadcast_axes(&shape, &[0, 2]);
        let flat = |values: Var<'s>| values.reshape(&[n * each, latents]);
        let z = flat(along(posterior.mean) + along(deviation) * e);
        let row: Vec<usize> = x.shape().split_off(1);
        let repeated = if each == 1 { x } else { repeat(x, each, &row) };
        let log_likelihood = model.log_likelihood(parameters, repeated, z).reshape(&[n, each]);
        let log_prior = standard_normal(z).reshape(&[n, each]);
        let half_log_determinant = (sum_rows(posterior.log_variance) * 0.5).broadcast_axes(&[n, each], &[0]);
        let log_q = standard_normal(flat(e)).reshape(&[n, each]) - half_log_determinant;
        LatentDraws { posterior, log_likelihood, log_ratio: log_prior - log_q }
    }

    /// KL(q(z|x) ‖ N(0, I)) = ½ Σ (m² + s² - 1 - ln s²) of each row: `[n]`, nats.
    pub fn divergence(&self) -> Var<'s> {
        let Posterior { mean, log_variance } = self.posterior;
        sum_rows(mean.square() + log_variance.exp() - 1.0 - log_variance) * 0.5
    }
}

/// Each row of x `[n, ..row]` `each` times, one after the other.
fn repeat<'s>(x: Var<'s>, each: usize, row: &[usize]) -> Var<'s> {
    let n = x.extent(0);
    let shape: Vec<usize> = [n, each].into_iter().chain(row.iter().copied()).collect();
    let axes: Vec<usize> = std::iter::once(0).chain(2..shape.len()).collect();
    x.broadcast_axes(&shape, &axes).reshape(&batch_shape(n * each, row))
}

/// ln w = ln p(x|z) + ln N(z; 0, I) - ln q(z|x) of `each` draws for every row of x `[n, ..]`: `[n, each]`,
/// nats. The mean of w is p(x).
pub fn log_weights<'s>(
    model: &dyn LatentVariable,
    parameters: &Parameters<'s>,
    x: Var<'s>,
    key: Var<'s>,
    each: usize,
) -> Var<'s> {
    let e = normals(model, x, key, each);
    let draws = LatentDraws::of(model, parameters, x, e);
    draws.log_likelihood + draws.log_ratio
}

/// Standard normal numbers for `each` draws of every row: `[n, each, latents]`.
pub(super) fn normals<'s>(model: &dyn LatentVariable, x: Var<'s>, key: Var<'s>, each: usize) -> Var<'s> {
    let (n, latents) = (x.extent(0), model.latents());
    key.normal(&[n, each * latents]).reshape(&[n, each, latents])
}
