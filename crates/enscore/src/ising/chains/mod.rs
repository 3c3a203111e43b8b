//! Markov chains of the Ising model at an inverse temperature β; each leaves p(x) = exp(-β E(x)) / Z
//! invariant.
//!
//! | chain | for | when |
//! |---|---|---|
//! | [`SingleSite`] | any graph, real couplings and fields | small or irregular models |
//! | [`Checkerboard`] | a torus of one coupling, no field | sweeps of a large lattice: 64 spins a word |
//! | [`SwendsenWang`], [`Wolff`] | any graph | near the critical temperature, without frustration |
//!
//! They sample at the β of their model; none minimises the energy. States are spins ±1, `[sites]`; a
//! transition's draws are those of (seed, step, row) of its key.

mod checkerboard;
mod conditional;
mod draws;
mod independent;
mod single_site;
mod swendsen_wang;
mod wolff;

pub use crate::executor::spins::Rule;
pub use checkerboard::Checkerboard;
pub use conditional::{flip_probability, probability_up};
pub use independent::{SpinChain, SpinChains};
pub use single_site::SingleSite;
pub use swendsen_wang::SwendsenWang;
pub use wolff::Wolff;

use draws::Draws;
use enscore_program::random::Key;

use crate::error::Result;
use crate::streams;

/// A transition of a chain of spins.
pub trait SpinTransition {
    /// Moves the chain once: a sweep over all sites, or a cluster.
    ///
    /// # Errors
    /// An input error if `spins` are not as many spins -1 and 1 as there are sites; the chain is then as it
    /// was.
    fn step(&mut self, spins: &mut [i8], key: Key) -> Result<()>;
}

/// Independent fair spins: a state at β = 0.
pub fn random_spins(sites: usize, key: Key) -> Vec<i8> {
    let mut draws = Draws::new(key, streams::SPIN_START);
    (0..sites).map(|_| if draws.uniform() < 0.5 { -1 } else { 1 }).collect()
}
