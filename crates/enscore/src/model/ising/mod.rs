//! Ising models: spins ±1 on a lattice, p(x) ∝ exp(-E(x)), energies in nats.
//!
//! [`IsingDenoising`] is the posterior of a two-valued image given a noisy one: its best labelling by a
//! minimum cut or by iterated conditional modes, its marginals by enumeration. Sampling it is the work of
//! [`crate::mcmc::denoising`].

mod adjacency;
mod components;
mod denoising;
mod enumeration;
pub mod exact;
mod grid_cut;
mod icm;
pub mod infinite;
mod lattice;
mod persistency;

pub use adjacency::Adjacency;
pub use denoising::{IsingDenoising, Labelling};
pub use enumeration::{ExactPosterior, MOST_ENUMERATED};
pub use exact::{ExactLogZ, ExactMethod, exact_log_z};
pub(crate) use lattice::check_state;
pub use lattice::{Bond, Coupling, Field, IsingModel, Lattice, magnetisation};
