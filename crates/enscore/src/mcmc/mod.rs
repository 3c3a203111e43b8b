//! Markov chains, one file per method: programs for a single transition, which the host loops over, and
//! transitions on the host for any [`crate::model::HostDensity`].

mod annealed_langevin;
mod autocorrelation;
mod chains;
mod facts;
mod gibbs;
mod hmc;
mod mala;
mod start;
mod step_rule;
mod unit_start;

pub use annealed_langevin::{denoise_program, langevin_program};
pub use autocorrelation::{ChainMean, autocorrelation, batch_means, integrated_time};
pub use chains::{Chains, HostTransition, Moves};
pub use facts::{LangevinDefaults, SamplerFacts, TrainedLevels};
pub use gibbs::{TemperedGibbsProgram, gibbs_program};
pub use hmc::{HMC_ACCEPTANCE, Hmc};
pub use mala::{MALA_ACCEPTANCE, Mala, Place};
pub use start::{NoiseStart, StartNoise};
pub use step_rule::StepRule;
pub use unit_start::UnitStart;
