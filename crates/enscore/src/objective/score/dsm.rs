//! Denoising score matching at one noise level (Vincent 2011):
//!
//! ```text
//! (1/2n) Σ_i ‖s(x̃_i) + (x̃_i - x_i)/σ²‖²,   x̃_i = x_i + σ z_i,   z_i ~ N(0, I).
//! ```
//!
//! It is the NCSN loss with this single level, divided by 2σ²; its minimum is at the score of the smoothed
//! data.

use enscore_program::Parameters;

use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Fit, Kind, above, keys};
use crate::mcmc::{SamplerFacts, TrainedLevels};
use crate::model::{Family, NoiseLevels, Score, sum_rows};
use crate::objective::estimate::{Batch, Diagnostic, Estimate, Objective};
use crate::objective::kind::{HeldOutLoss, ObjectiveFacts, ObjectiveKind, Scene};
use crate::objective::task::Task;

/// Denoising score matching.
pub(super) const VINCENT: Citation = Citation {
    role: "denoising score matching",
    authors: "Pascal Vincent",
    year: 2011,
    title: "A Connection Between Score Matching and Denoising Autoencoders",
    venue: "Neural Computation 23(7), 1661-1674",
};

keys! {
    /// Settings of denoising score matching at one noise level.
    DsmSettings {
        sigma: f64 = 0.1, above(0.0), "Standard deviation of the noise, in units of the scaled data.";
    }
}

impl Kind for DsmSettings {
    type Facts = ObjectiveFacts;

    fn fits(facts: &ObjectiveFacts) -> Fit {
        if facts.family.has_score() { Fit::Yes } else { Fit::No }
    }
}

impl ObjectiveKind for DsmSettings {
    fn build(&self, _scene: Scene) -> Result<Task> {
        Ok(Task::new(Dsm::new(self.sigma)?))
    }

    fn levels(&self) -> Result<NoiseLevels> {
        NoiseLevels::single(self.sigma)
    }

    fn held_out(&self) -> HeldOutLoss {
        HeldOutLoss::Denoising
    }

    fn sampling(&self, family: Family) -> SamplerFacts {
        SamplerFacts { family, levels: TrainedLevels::One, ..SamplerFacts::default() }
    }

    fn cites(&self) -> Vec<Citation> {
        vec![VINCENT]
    }
}

/// Denoising at one noise level.
#[derive(Clone, Copy, Debug)]
pub struct Dsm {
    sigma: f64,
}

impl Dsm {
    /// Noise of standard deviation `sigma`, in units of the data.
    ///
    /// # Errors
    /// A standard deviation that is not finite and positive.
    pub fn new(sigma: f64) -> Result<Self> {
        if sigma.is_finite() && sigma > 0.0 {
            return Ok(Dsm { sigma });
        }
        Err(Error::input("the noise level is not positive")
            .at("sigma")
            .found(sigma)
            .expected("a finite standard deviation above 0"))
    }
}

impl<M: Score + ?Sized> Objective<M> for Dsm {
    fn estimate<'s>(&self, model: &M, parameters: &Parameters<'s>, batch: &Batch<'s>) -> Estimate<'s> {
        let x = batch.x;
        let z = batch.key.normal(&x.shape());
        let sigma = x.scope().constant(self.sigma).broadcast_to(&[x.extent(0)]);
        let score = model.score(parameters, x + self.sigma * z, sigma);
        // (x̃ - x)/σ² = z/σ, without the cancellation.
        let rows = sum_rows((score + z * (1.0 / self.sigma)).square()) * 0.5;
        let loss = batch.mean(rows);
        // The NCSN loss per dimension, so that a limit on the gradient's norm does not depend on σ either.
        let scale = 2.0 * self.sigma * self.sigma / batch.dimensions().max(1) as f64;
        let optimised = loss * scale;
        Estimate { loss, optimised, diagnostics: vec![(Diagnostic::LossPerDim, optimised)] }
    }
}
