//! Sweeps over the sites in their order, one update each given all others, on any graph: Gibbs sampling
//! (Geman and Geman 1984) by the heat bath, or Metropolis.
//!
//! Probabilities are double precision, random numbers have 53 bits. A heat bath site's draw is its new spin
//! (u < p up), so that two chains of one key run together and meet.

use std::sync::Arc;

use enscore_program::random::Key;

use super::conditional::{flip_probability, probability_up};
use super::draws::Draws;
use super::{Rule, SpinTransition};
use crate::error::Result;
use crate::ising::lattice::check_state;
use crate::ising::{Adjacency, IsingModel};
use crate::streams;

/// A sweep over all sites in turn.
#[derive(Clone, Debug)]
pub struct SingleSite {
    /// Shared by the sweeps of many chains.
    adjacency: Arc<Adjacency>,
    beta: f64,
    rule: Rule,
}

impl SingleSite {
    /// Sweeps of `model` at its β.
    pub fn new(model: &IsingModel, rule: Rule) -> SingleSite {
        SingleSite { adjacency: Arc::new(Adjacency::new(model)), beta: model.beta(), rule }
    }

    pub(crate) fn adjacency(&self) -> &Adjacency {
        &self.adjacency
    }

    /// Goes on at another inverse temperature, which must be a finite number.
    pub(crate) fn set_beta(&mut self, beta: f64) {
        self.beta = beta;
    }
}

impl SpinTransition for SingleSite {
    fn step(&mut self, spins: &mut [i8], key: Key) -> Result<()> {
        check_state(spins, self.adjacency.sites())?;
        let mut draws = Draws::new(key, streams::SINGLE_SITE);
        for i in 0..spins.len() {
            let field = self.beta * self.adjacency.local_field(spins, i);
            let number = draws.uniform();
            match self.rule {
                Rule::HeatBath => spins[i] = if number < probability_up(field) { 1 } else { -1 },
                Rule::Metropolis => {
                    if number < flip_probability(self.rule, spins[i], field) {
                        spins[i] = -spins[i];
                    }
                }
            }
        }
        Ok(())
    }
}
