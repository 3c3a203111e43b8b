//! The noise conditional score network's loss (Song and Ermon 2019, eq. 5 and 6, with λ(σ) = σ²):
//!
//! ```text
//! (1/n) Σ_k ‖σ_k s(x_k + σ_k z_k, σ_k) + z_k‖²,   σ_k uniform over the levels, z_k ~ N(0, I),
//! ```
//!
//! a mean over rows of a sum over dimensions. Per dimension it is about 1 for s = 0, and v/(v + σ²) for the
//! exact score of N(0, v): the published code halves it.

use enscore_program::{Parameters, Var};

use super::{Batch, Estimate, Objective};
use crate::model::{NoiseLevels, Score, along_rows, sum_rows};

/// Denoising at several noise levels, one drawn for each row of a batch.
#[derive(Clone, Debug)]
pub struct Ncsn {
    /// The levels.
    pub levels: NoiseLevels,
}

impl<M: Score + ?Sized> Objective<M> for Ncsn {
    fn estimate<'s>(&self, model: &M, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let x = batch.x;
        // The noise is drawn first: DSM, NCSN and the evaluation then share their draws under one key.
        let z = batch.key.normal(&x.shape());
        let sigmas = self.levels.as_slice();
        // A count beyond 2^32 levels does not exist in memory.
        let level = batch.key.random_index(sigmas.len() as u32, &[x.extent(0)]);
        let sigma = x.scope().table(sigmas, &[sigmas.len()]).gather(level);
        let loss = batch.mean(denoising_loss(model, parameters, x, sigma, z));
        Estimate::of_dimensions(batch, loss)
    }
}

/// ‖σ s(x + σ z, σ) + z‖² of each row: x and z `[batch, ..]`, σ `[batch]` → `[batch]`.
pub fn denoising_loss<'s>(
    model: &(impl Score + ?Sized),
    parameters: &Parameters<'s>,
    x: Var<'s>,
    sigma: Var<'s>,
    z: Var<'s>,
) -> Var<'s> {
    let spread = along_rows(sigma, &x.shape());
    sum_rows((spread * model.score(parameters, x + spread * z, sigma) + z).square())
}

/// The denoising loss of each row at given noise levels, with noise drawn from `key`: x `[batch, ..]`, σ
/// `[batch]` → `[batch]`, a sum over dimensions.
pub fn loss_at<'s>(
    model: &(impl Score + ?Sized),
    parameters: &Parameters<'s>,
    x: Var<'s>,
    sigma: Var<'s>,
    key: Var<'s>,
) -> Var<'s> {
    let z = key.normal(&x.shape());
    denoising_loss(model, parameters, x, sigma, z)
}
