//! Independent chains of an Ising model, each from fair spins of its own.
//!
//! Chain i of a seed is the same however many are drawn, on any number of threads.

use std::ops::Range;

use enscore_program::random::Key;
use rayon::prelude::*;

use super::{Rule, SingleSite, SpinTransition, SwendsenWang, Wolff, random_spins};
use crate::error::Result;
use crate::ising::{IsingModel, magnetisation};

/// How an Ising model's chains move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpinChain {
    /// Single sites by the heat bath.
    Gibbs,
    /// Single sites by Metropolis' rule.
    Metropolis,
    /// All clusters at once.
    SwendsenWang,
    /// One cluster a step.
    Wolff,
}

impl SpinChain {
    /// Clusters where every bond rewards agreement, which leaves nothing frustrated; else single sites.
    pub fn fitting(model: &IsingModel) -> SpinChain {
        let mut agrees = true;
        model.for_each_bond(|_, _, coupling| agrees &= coupling >= 0.0);
        if agrees { SpinChain::SwendsenWang } else { SpinChain::Gibbs }
    }

    fn transition(self, model: &IsingModel) -> Box<dyn SpinTransition + Send> {
        match self {
            SpinChain::Gibbs => Box::new(SingleSite::new(model, Rule::HeatBath)),
            SpinChain::Metropolis => Box::new(SingleSite::new(model, Rule::Metropolis)),
            SpinChain::SwendsenWang => Box::new(SwendsenWang::new(model)),
            SpinChain::Wolff => Box::new(Wolff::new(model)),
        }
    }
}

/// Independent chains, each from fair spins of its own.
pub struct SpinChains<'a> {
    model: &'a IsingModel,
    kind: SpinChain,
    seed: u64,
    chains: Vec<NumberedSpins>,
}

/// A chain with its number and its state.
struct NumberedSpins {
    number: usize,
    spins: Vec<i8>,
    transition: Box<dyn SpinTransition + Send>,
}

impl<'a> SpinChains<'a> {
    /// No chains yet, of this kind.
    pub fn new(model: &'a IsingModel, kind: SpinChain, seed: u64) -> SpinChains<'a> {
        SpinChains { model, kind, seed, chains: Vec::new() }
    }

    /// Puts the chains with these numbers at fair spins.
    pub fn start(&mut self, numbers: Range<usize>) {
        let start = |number: usize| NumberedSpins {
            number,
            spins: random_spins(self.model.sites(), Key { seed: self.seed, step: 0, row: number as u64 }),
            transition: self.kind.transition(self.model),
        };
        self.chains = numbers.map(start).collect();
    }

    /// Moves every chain by the steps with these numbers.
    ///
    /// # Errors
    /// A state that the transition does not take.
    pub fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        let seed = self.seed;
        self.chains.par_iter_mut().try_for_each(|chain| {
            let row = chain.number as u64;
            steps
                .clone()
                .try_for_each(|step| chain.transition.step(&mut chain.spins, Key { seed, step, row }))
        })
    }

    /// The same; after each step that is to be measured it notes E, without β, and the magnetisation per
    /// site: `[chains][measured]`.
    ///
    /// # Errors
    /// As [`SpinChains::advance`].
    pub fn advance_measured(
        &mut self,
        steps: Range<u64>,
        is_measured: impl Fn(u64) -> bool + Sync,
    ) -> Result<Vec<Vec<[f64; 2]>>> {
        let seed = self.seed;
        let model = self.model;
        let of_chain = |chain: &mut NumberedSpins| {
            let row = chain.number as u64;
            let mut measured = Vec::new();
            for step in steps.clone() {
                chain.transition.step(&mut chain.spins, Key { seed, step, row })?;
                if is_measured(step) {
                    measured.push([model.energy(&chain.spins)?, magnetisation(&chain.spins)]);
                }
            }
            Ok(measured)
        };
        self.chains.par_iter_mut().map(of_chain).collect()
    }

    /// The spins ±1, `[chains, sites]`.
    pub fn spins(&self) -> impl Iterator<Item = i8> {
        self.chains.iter().flat_map(|chain| &chain.spins).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ising::{Coupling, Field, exact};

    fn drawn(model: &IsingModel, chain: SpinChain, [count, steps, seed]: [usize; 3]) -> Vec<i8> {
        let mut chains = SpinChains::new(model, chain, seed as u64);
        chains.start(0..count);
        chains.advance(1..steps as u64 + 1).unwrap();
        chains.spins().collect()
    }

    /// 3 x 3 grid in a field: energies of independent chains beside enumeration.
    #[test]
    fn every_chain_samples_the_model() {
        let model = IsingModel::grid(3, 3, Coupling::Uniform(1.0), Field::Uniform(0.2), 0.4).unwrap();
        let expected = exact::moments(&model).unwrap();
        for chain in [SpinChain::Gibbs, SpinChain::Metropolis, SpinChain::SwendsenWang, SpinChain::Wolff] {
            let count = 4000;
            let spins = drawn(&model, chain, [count, 40, 3]);
            let energies: Vec<f64> = spins.chunks(9).map(|x| model.energy(x).unwrap()).collect();
            let mean = energies.iter().sum::<f64>() / count as f64;
            let error = (expected.energy_variance / count as f64).sqrt();
            assert!((mean - expected.energy).abs() < 4.5 * error, "{chain:?}: {mean} {expected:?}");
        }
    }

    #[test]
    fn a_sample_does_not_depend_on_how_many_are_drawn() {
        let model = IsingModel::torus(4, 6, Coupling::Uniform(-1.0), Field::Uniform(0.0), 0.3).unwrap();
        assert_eq!(SpinChain::fitting(&model), SpinChain::Gibbs);
        let few = drawn(&model, SpinChain::Gibbs, [3, 7, 1]);
        let many = drawn(&model, SpinChain::Gibbs, [70, 7, 1]);
        assert_eq!(few, many[..few.len()]);
    }
}
