//! Figures of models of spins and units.

pub(super) mod boltzmann_machines;
pub(super) mod ising_denoising;
pub(super) mod ising_enumeration;
