//! Samples by Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011) from noise of the size of the data:
//! exact for the density once the chains have forgotten their start, whatever the step.

use super::host_chains::{HostChains, Metropolis, metropolis_fits};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Fit, Kind, LARGEST_STEP, at_least, keys, within};
use crate::mcmc::{HMC_ACCEPTANCE, Hmc, SamplerFacts};
use crate::sample::drawing::Drawing;
use crate::sample::kind::{SamplerKind, Sampling, Tell};
use crate::sample::trained::TrainedModel;
use crate::sample::transition::Schedule;

keys! {
    /// Settings of Hamiltonian Monte Carlo.
    HmcSettings {
        step_size: f64 = 0.0, within(0.0, LARGEST_STEP),
            "Leapfrog step size, in units of the scaled data; 0: tuned in the warm-up.";
        leapfrog_steps: usize = 20, within(1, 100_000), "Leapfrog steps per transition.";
        steps: u64 = 100, at_least(1), "Transitions per chain, starting from noise at the scale of the data.";
        warmup: u64 = 100, at_least(2),
            "With step_size = 0: transitions of the pilot chains that tune the step size to an acceptance of 0.8.";
    }
}

impl Kind for HmcSettings {
    type Facts = SamplerFacts;

    fn fits(facts: &SamplerFacts) -> Fit {
        metropolis_fits(facts)
    }
}

impl SamplerKind for HmcSettings {
    fn sampling<'a>(
        &'a self,
        model: &'a TrainedModel,
        drawing: &Drawing,
        tell: &mut Tell,
    ) -> Result<Sampling<'a>> {
        let metropolis = Metropolis {
            transition: Box::new(|step_size, key| {
                Ok(Box::new(Hmc::jittered(step_size, self.leapfrog_steps, key)?))
            }),
            step_size: self.step_size,
            warmup: self.warmup,
            acceptance: HMC_ACCEPTANCE,
        };
        let chains = HostChains::new(model, drawing, metropolis, tell)?;
        Ok(Sampling { chains: Box::new(chains), schedule: Schedule::in_parts(self.steps) })
    }

    fn remedy(&self) -> &'static str {
        "raise sampler.steps, or set sampler.step_size to 0 to have it tuned"
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "Hamiltonian Monte Carlo",
            authors: "Simon Duane, A. D. Kennedy, Brian J. Pendleton, Duncan Roweth",
            year: 1987,
            title: "Hybrid Monte Carlo",
            venue: "Physics Letters B 195(2), 216-222",
        }]
    }
}
