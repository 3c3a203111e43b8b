//! Samples of an Ising model: the last states of independent chains, each from fair spins of its own.
//!
//! Chain i of a seed is the same however many are drawn, on any number of threads.

use enscore_program::random::Key;
use rayon::prelude::*;

use super::{Rule, SingleSite, SpinTransition, SwendsenWang, Wolff, random_spins};
use crate::error::Result;
use crate::ising::IsingModel;

/// Chains that move together.
const BATCH: usize = 64;
/// Parts of a batch's steps; progress and cancellation are looked at after each.
const PARTS: u64 = 100;

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

/// How many states are drawn, and by which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpinDraws {
    /// Chains, of which each gives a sample.
    pub count: usize,
    /// Steps of each chain.
    pub steps: u64,
    /// The seed of starts and sweeps.
    pub seed: u64,
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

/// Draws spins ±1 `[count, sites]`. `progress` is told how many steps of how many are done, and may end the
/// work by returning an error.
///
/// # Errors
/// Whatever `progress` returns.
pub fn draw_spins(
    model: &IsingModel,
    chain: SpinChain,
    draws: SpinDraws,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Vec<i8>> {
    let SpinDraws { count, steps, seed } = draws;
    let part = steps.div_ceil(PARTS).max(1);
    let total = count.div_ceil(BATCH) as u64 * steps;
    let mut drawn = Vec::with_capacity(count * model.sites());
    let mut done = 0;
    for first in (0..count).step_by(BATCH) {
        let key = |i: usize, step| Key { seed, step, row: i as u64 };
        let mut chains: Vec<_> = (first..(first + BATCH).min(count))
            .map(|i| (i, random_spins(model.sites(), key(i, 0)), chain.transition(model)))
            .collect();
        for start in (0..steps).step_by(part as usize) {
            let last = (start + part).min(steps);
            chains.par_iter_mut().try_for_each(|(i, spins, transition)| {
                (start + 1..=last).try_for_each(|step| transition.step(spins, key(*i, step)))
            })?;
            done += last - start;
            progress(done, total)?;
        }
        drawn.extend(chains.iter().flat_map(|(_, spins, _)| spins));
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ising::{Coupling, Field, exact};

    fn drawn(model: &IsingModel, chain: SpinChain, [count, steps, seed]: [usize; 3]) -> Vec<i8> {
        let draws = SpinDraws { count, steps: steps as u64, seed: seed as u64 };
        draw_spins(model, chain, draws, &mut |_, _| Ok(())).unwrap()
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
