//! Samples by the Metropolis-adjusted Langevin algorithm (Roberts and Tweedie 1996) from noise of the size
//! of the data: Langevin dynamics whose steps are accepted or refused, so that the density is exact
//! whatever the step.

use super::host_chains::{HostChains, Metropolis, metropolis_fits};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, LARGEST_STEP, at_least, keys, within};
use crate::mcmc::{MALA_ACCEPTANCE, Mala, SamplerFacts};
use crate::sample::drawing::Drawing;
use crate::sample::kind::{SamplerKind, Sampling, Tell};
use crate::sample::trained::TrainedModel;
use crate::sample::transition::Schedule;

keys! {
    /// Settings of the Metropolis-adjusted Langevin algorithm.
    MalaSettings {
        step_size: f64 = 0.0, within(0.0, LARGEST_STEP),
            "Step size: proposals are x + step_size s + sqrt(2 step_size) z, s the score at x, z standard normal; in squared units of the scaled data. 0: tuned in the warm-up.";
        steps: u64 = 1000, at_least(1), "Transitions per chain, starting from noise at the scale of the data.";
        warmup: u64 = 200, at_least(2),
            "With step_size = 0: transitions of the pilot chains that tune the step size to an acceptance of 0.574.";
    }
}

impl Kind for MalaSettings {
    type Facts = SamplerFacts;

    fn fits(facts: &SamplerFacts) -> Fit {
        metropolis_fits(facts)
    }
}

impl SamplerKind for MalaSettings {
    fn sampling<'a>(
        &'a self,
        model: &'a TrainedModel,
        drawing: &Drawing,
        tell: &mut Tell,
    ) -> Result<Sampling<'a>> {
        let metropolis = Metropolis {
            transition: Box::new(|step_size, _| Ok(Box::new(Mala::new(step_size)?))),
            step_size: self.step_size,
            warmup: self.warmup,
            acceptance: MALA_ACCEPTANCE,
        };
        let chains = HostChains::new(model, drawing, metropolis, tell)?;
        Ok(Sampling { chains: Box::new(chains), schedule: Schedule::in_parts(self.steps) })
    }

    fn remedy(&self) -> &'static str {
        "raise sampler.steps, or set sampler.step_size to 0 to have it tuned"
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "Metropolis-adjusted Langevin sampling",
            authors: "Gareth O. Roberts, Richard L. Tweedie",
            year: 1996,
            title: "Exponential Convergence of Langevin Distributions and Their Discrete Approximations",
            venue: "Bernoulli 2(4), 341-363",
        }]
    }
}
