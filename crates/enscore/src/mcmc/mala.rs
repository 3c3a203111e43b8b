//! The Metropolis-adjusted Langevin algorithm (Roberts and Tweedie 1996, "Exponential convergence of Langevin
//! distributions and their discrete approximations", section 1.4.1): propose
//!
//! ```text
//! y = x + ε s(x) + sqrt(2ε) z,   z ~ N(0, I),
//! ```
//!
//! and accept it with the log ratio f(y) - f(x) + log q(x | y) - log q(y | x), q(y | x) = N(y; x + ε s(x), 2ε
//! I). One log density and one score a step. An acceptance near 0.574 is best in many dimensions (Roberts and
//! Rosenthal 1998).

use enscore_program::random::Key;

use super::chains::{Chains, HostTransition, Moves, normal_numbers, positive_step};
use crate::error::Result;
use crate::model::HostDensity;

/// The acceptance that its step size is tuned to.
pub const MALA_ACCEPTANCE: f64 = 0.574;

/// The transition with step size ε, in squared units of x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mala {
    step_size: f64,
}

/// A row with f and ∇f there.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The row, `[d]`.
    pub x: &'a [f64],
    /// f, nats.
    pub log_density: f64,
    /// ∇f, `[d]`.
    pub score: &'a [f64],
}

impl Mala {
    /// The transition with this step size.
    ///
    /// # Errors
    /// A step size that is not a finite number above 0.
    pub fn new(step_size: f64) -> Result<Mala> {
        Ok(Mala { step_size: positive_step(step_size)? })
    }

    /// log [π(y) q(x | y) / (π(x) q(y | x))] for a move from x to y.
    pub fn log_ratio(&self, from: Place, to: Place) -> f64 {
        to.log_density - from.log_density + self.log_proposal(to, from) - self.log_proposal(from, to)
    }

    /// log q(to | from) up to a constant: -‖y - x - ε s(x)‖² / (4ε).
    fn log_proposal(&self, from: Place, to: Place) -> f64 {
        let eps = self.step_size;
        let moved = to.x.iter().zip(from.x).zip(from.score);
        let square: f64 = moved.map(|((y, x), s)| (y - x - eps * s) * (y - x - eps * s)).sum();
        -square / (4.0 * eps)
    }
}

impl HostTransition for Mala {
    fn step(&self, density: &mut dyn HostDensity, chains: &mut Chains, key: Key) -> Result<Moves> {
        let eps = self.step_size;
        let noise = (2.0 * self.step_size).sqrt();
        let mut y = normal_numbers(key, chains);
        for ((y, x), s) in y.iter_mut().zip(&chains.x).zip(&chains.score) {
            *y = x + eps * s + noise * *y;
        }
        let proposal = Chains::at(density, y)?;
        let ratio = |chain| self.log_ratio(place(chains, chain), place(&proposal, chain));
        let log_ratios: Vec<f64> = (0..chains.count()).map(ratio).collect();
        Ok(chains.accept(proposal, &log_ratios, key))
    }
}

fn place(chains: &Chains, chain: usize) -> Place<'_> {
    let row = chain * chains.row_len()..(chain + 1) * chains.row_len();
    Place { x: &chains.x[row.clone()], log_density: chains.log_density[chain], score: &chains.score[row] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcmc::chains::contract;

    #[test]
    fn meets_the_contract_of_transitions() {
        contract::check(|step_size| Mala::new(step_size).unwrap());
    }

    #[test]
    fn refuses_steps_that_are_none() {
        for step_size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Mala::new(step_size).is_err());
        }
    }
}
