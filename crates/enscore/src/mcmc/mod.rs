//! Markov chains: one file per method; programs for one transition, which the host loops.

mod annealed_langevin;
mod gaussian_recursion;
mod step_rule;

pub use annealed_langevin::{DenoiseProgram, LangevinProgram};
pub use gaussian_recursion::{
    Gaussian, GaussianPath, ancestral_gaussian_recursion, ancestral_step, gaussian_recursion,
};
pub use step_rule::StepRule;
