//! Samples of models given by files: independent chains, each from a state that knows nothing, after so many
//! sweeps.
//!
//! Spins of an Ising model start at independent fair ones and are moved at its β by single sites or by
//! clusters; units of a restricted Boltzmann machine start at fair bits, or at N(0, 1), and are moved by
//! block Gibbs sweeps. Chain i of a seed is the same however many are drawn, on any number of threads.

use enscore_program::random::Key;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::ising::chains::{Rule, SingleSite, SpinTransition, SwendsenWang, Wolff, random_spins};
use crate::ising::{IsingModel, Lattice};
use crate::mcmc::UnitStart;
use crate::model::Bipartite;
use crate::sample::gibbs::UnitChains;
use crate::sample::{ModelFile, RbmFile};

/// Chains that move together.
const BATCH: usize = 64;
/// Parts of a batch's steps, after each of which somebody looks whether to go on.
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

/// Samples of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileDraws {
    /// `[count, ..row_shape]`: spins ±1, or units.
    pub rows: Vec<f32>,
    /// The extents of a row: `[height, width, 1]` of a lattice, else `[sites]` or `[visible]`.
    pub row_shape: Vec<usize>,
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

/// Draws `count` samples of `file` after `steps` steps each; `chain` is how spins move, the fitting way where
/// none. `progress` is told what is done and of how much, and may end the work.
///
/// # Errors
/// A chain of spins for a machine; whatever `progress` returns.
pub fn draw_from_file(
    file: &ModelFile,
    chain: Option<SpinChain>,
    (count, steps): (usize, u64),
    seed: u64,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<FileDraws> {
    match file {
        ModelFile::Ising(model) => {
            let chain = chain.unwrap_or_else(|| SpinChain::fitting(model));
            spins(model, chain, (count, steps), seed, progress)
        }
        ModelFile::Rbm(_) if chain.is_some() => {
            Err(Error::input("Boltzmann machines are sampled by block Gibbs sweeps only").at("chain"))
        }
        ModelFile::Rbm(file) => units(file, (count, steps), seed, progress),
    }
}

fn spins(
    model: &IsingModel,
    chain: SpinChain,
    (count, steps): (usize, u64),
    seed: u64,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<FileDraws> {
    let part = steps.div_ceil(PARTS).max(1);
    let total = count.div_ceil(BATCH) as u64 * steps;
    let (mut rows, mut done) = (Vec::new(), 0);
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
        rows.extend(chains.iter().flat_map(|(_, spins, _)| spins).map(|spin| f32::from(*spin)));
    }
    let row_shape = match model.lattice() {
        Lattice::Grid { height, width } | Lattice::Torus { height, width } => vec![height, width, 1],
        Lattice::Graph { sites } => vec![sites],
    };
    Ok(FileDraws { rows, row_shape })
}

fn units(
    file: &RbmFile,
    (count, steps): (usize, u64),
    seed: u64,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<FileDraws> {
    let (target, width) = (file.weighted()?, file.model.first_width());
    let start = UnitStart::new(file.model.first_units(), &[], &[]);
    let values = (&target.parameters[..], target.single(), target.options);
    let mut chains = UnitChains::new(&file.model, values, start, BATCH, seed)?;
    let total = count.div_ceil(BATCH) as u64 * steps;
    let (mut rows, mut done) = (Vec::new(), 0);
    for first in (0..count).step_by(BATCH) {
        chains.begin(first);
        for step in 1..=steps {
            chains.sweep(step)?;
            done += 1;
            progress(done, total)?;
        }
        rows.extend(&chains.states[..BATCH.min(count - first) * width]);
    }
    Ok(FileDraws { rows, row_shape: vec![width] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ising::{Coupling, Field, exact};

    /// 3 x 3 grid in a field: energies of independent chains beside enumeration.
    #[test]
    fn every_chain_samples_the_model() {
        let model = IsingModel::grid(3, 3, Coupling::Uniform(1.0), Field::Uniform(0.2), 0.4).unwrap();
        let expected = exact::moments(&model).unwrap();
        for chain in [SpinChain::Gibbs, SpinChain::Metropolis, SpinChain::SwendsenWang, SpinChain::Wolff] {
            let (count, file) = (4000, ModelFile::Ising(model.clone()));
            let drawn = draw_from_file(&file, Some(chain), (count, 40), 3, &mut |_, _| Ok(())).unwrap();
            assert_eq!(drawn.row_shape, [3, 3, 1]);
            let spins: Vec<i8> = drawn.rows.iter().map(|x| *x as i8).collect();
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
        let file = ModelFile::Ising(model);
        let draw = |count| draw_from_file(&file, None, (count, 7), 1, &mut |_, _| Ok(())).unwrap().rows;
        let (few, many) = (draw(3), draw(70));
        assert_eq!(few, many[..few.len()]);
    }
}
