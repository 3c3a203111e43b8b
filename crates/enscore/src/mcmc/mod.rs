//! Markov chains: one file per method; programs for one transition, which the host loops.

mod annealed_langevin;

pub use annealed_langevin::{Coefficients, DenoiseProgram, LangevinProgram, StepRule};
