//! The noise conditional score network's loss (Song and Ermon 2019, eq. 5 and 6, with λ(σ) = σ²):
//!
//! ```text
//! (1/n) Σ_k ‖σ_k s(x_k + σ_k z_k, σ_k) + z_k‖²,   σ_k uniform over the levels, z_k ~ N(0, I),
//! ```
//!
//! a mean over rows of a sum over dimensions. Per dimension it is about 1 for s = 0, and v/(v + σ²) for the
//! exact score of N(0, v): the published code halves it.

use enscore_program::{Parameters, Var};

use super::dsm::VINCENT;
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Keys, Kind, Reader, above, keys, within};
use crate::mcmc::{SamplerFacts, TrainedLevels};
use crate::model::{Family, NoiseLevels, Score, along_rows, sum_rows};
use crate::objective::estimate::{Batch, Estimate, Objective};
use crate::objective::kind::{HeldOutLoss, ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

keys! {
    /// Settings of denoising score matching over noise levels in geometric progression.
    NcsnSettings {
        sigma_max: f64 = 1.0, above(0.0), "Largest noise level (standard deviation), in units of the scaled data.";
        sigma_min: f64 = 0.01, above(0.0),
            "Smallest noise level (standard deviation), in units of the scaled data; below sigma_max.";
        levels: usize = 10, within(2, 10_000), "Number of noise levels from sigma_max down to sigma_min.";
    }
}

impl Kind for NcsnSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family == Family::Score { Fit::Default } else { Fit::No }
    }

    fn read(reader: &mut Reader, _facts: &ObjectiveFacts) -> Result<Self> {
        let ncsn = NcsnSettings::read_keys(reader)?;
        if ncsn.sigma_min >= ncsn.sigma_max {
            return Err(reader
                .wrong("sigma_min")
                .found(ncsn.sigma_min)
                .expected(format!("a number below sigma_max = {}", ncsn.sigma_max)));
        }
        Ok(ncsn)
    }
}

impl ObjectiveKind for NcsnSettings {
    fn build(&self, _scene: Scene) -> Result<Task> {
        Ok(Task::new(Ncsn { levels: self.levels()? }))
    }

    fn levels(&self) -> Result<NoiseLevels> {
        NoiseLevels::geometric(self.sigma_max, self.sigma_min, self.levels)
    }

    fn held_out(&self) -> HeldOutLoss {
        HeldOutLoss::Denoising
    }

    fn sampling(&self, family: Family) -> SamplerFacts {
        SamplerFacts { family, levels: TrainedLevels::Many, ..SamplerFacts::default() }
    }

    fn cites(&self) -> Vec<Citation> {
        let ncsn = Citation {
            role: "noise-conditional score network, annealed Langevin sampling",
            authors: "Yang Song, Stefano Ermon",
            year: 2019,
            title: "Generative Modeling by Estimating Gradients of the Data Distribution",
            venue: "Advances in Neural Information Processing Systems 32",
        };
        let second = Citation {
            role: "noise levels, step size, moving average of the parameters",
            authors: "Yang Song, Stefano Ermon",
            year: 2020,
            title: "Improved Techniques for Training Score-Based Generative Models",
            venue: "Advances in Neural Information Processing Systems 33",
        };
        vec![ncsn, second, VINCENT]
    }
}

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
