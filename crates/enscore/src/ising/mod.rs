//! Ising models: spins ±1 on a lattice, p(x) ∝ exp(-β E(x)), energies in nats.
//!
//! [`exact`] has log Z and moments without sampling, [`infinite`] those of the infinite lattice, [`chains`]
//! the Markov chains, and [`denoise`] the posterior of a binary image given a noisy one.

mod adjacency;
mod binary_image;
pub mod chains;
pub mod denoise;
pub mod exact;
mod fingerprint;
pub mod infinite;
mod lattice;
mod sides;
mod spin_rows;

pub use adjacency::Adjacency;
pub use binary_image::{BinaryImage, read_binary_image};
pub use lattice::{Bond, Coupling, Field, IsingModel, Lattice, magnetisation};
pub use sides::{Sides, sides};
pub use spin_rows::spin_rows;
