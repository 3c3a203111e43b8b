//! Annealed importance sampling: of any density of vectors, of two sides of units, of spins on any graph.

mod annealed_importance;
mod base;
mod base_rates;
mod bipartite_annealing;
mod energy_annealing;
mod geometric_path;
#[cfg(test)]
pub(super) mod shifted;
mod spin_annealing;

pub use annealed_importance::{
    Annealed, Annealing, AnnealingSettings, BoundSide, Bracket, Kernel, SampleOrigin, bracket,
};
pub use base::{Base, GaussianBase};
pub use base_rates::base_rates;
pub use bipartite_annealing::{BipartiteAnnealing, Tell, annealing_program};
pub use energy_annealing::{EnergyAnnealing, fitted_base};
pub use geometric_path::Temperatures;
pub use spin_annealing::SpinAnnealing;
