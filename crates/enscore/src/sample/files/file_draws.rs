//! Samples of models given by files: the last states of independent chains that start at random.
//!
//! Spins of an Ising model start at independent fair ones and are moved at its β by single sites or by
//! clusters; units of a restricted Boltzmann machine start at fair bits, or at N(0, 1), and are moved by
//! block Gibbs sweeps. Chain i of a seed is the same however many are drawn, on any number of threads.

use std::ops::Range;

use super::spin_averages::{SpinAverages, is_measured};
use crate::error::{Error, Result};
use crate::ising::IsingModel;
use crate::ising::chains::{SpinChain, SpinChains};
use crate::mcmc::UnitStart;
use crate::model::Bipartite;
use crate::sample::ModelFile;
use crate::sample::drawing::{Drawing, Drawn};
use crate::sample::samplers::{UnitChains, VisibleChains, WeightedUnits};
use crate::sample::transition::{Schedule, Transition};

/// Chains that move together.
const BATCH: usize = 64;
/// Parts of a chain of spins after which progress is told.
const PARTS: u64 = 100;

/// What is asked of a model file.
#[derive(Clone, Copy, Debug)]
pub struct FileDrawing {
    /// Samples.
    pub count: usize,
    /// Steps of each chain.
    pub steps: u64,
    /// The seed.
    pub seed: u64,
    /// How spins move; the fitting way where none.
    pub chain: Option<SpinChain>,
}

/// Draws samples of `file`: spins ±1, or units, `[count, ..row_shape]` ([`ModelFile::row_shape`]).
/// `progress` is told what is done and of how much, and may end the work.
///
/// # Errors
/// A chain of spins for a machine; whatever `progress` returns.
pub fn draw_from_file(
    file: &ModelFile,
    asked: FileDrawing,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<Drawn> {
    let FileDrawing { count, steps, seed, chain } = asked;
    let drawing = Drawing { count, seed, batch: BATCH, chains: 0 };
    let schedule = Schedule { steps, ..Schedule::default() };
    match file {
        ModelFile::Ising(model) => Ok(draw_spins(model, asked, progress)?.0),
        ModelFile::Rbm(_) if chain.is_some() => {
            Err(Error::input("Boltzmann machines are sampled by block Gibbs sweeps only").at("chain"))
        }
        ModelFile::Rbm(file) => {
            let target = file.weighted()?;
            let width = file.model.first_width();
            let start = UnitStart::new(file.model.first_units(), &[], &[]);
            let weights = target.single()?;
            let executor = target.executor.clone();
            let units = WeightedUnits { model: &file.model, weights, executor };
            let chains = UnitChains::new(units, start, BATCH, seed)?;
            let mut chains = VisibleChains { chains, row_len: width, shows_means: false };
            drawing.run(&mut chains, &schedule, width, progress)
        }
    }
}

/// Draws spins of an Ising model, with averages over the second half of every chain.
///
/// # Errors
/// Whatever `progress` returns.
pub fn draw_spins(
    model: &IsingModel,
    asked: FileDrawing,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<(Drawn, SpinAverages)> {
    let FileDrawing { count, steps, seed, chain } = asked;
    let drawing = Drawing { count, seed, batch: BATCH, chains: 0 };
    let schedule = Schedule { steps, ..Schedule::default() };
    let kind = chain.unwrap_or_else(|| SpinChain::fitting(model));
    let mut rows =
        SpinRows { chains: SpinChains::new(model, kind, seed), steps, measured: Vec::new(), first: 0 };
    let drawn = drawing.run(&mut rows, &schedule, model.sites(), progress)?;
    Ok((drawn, SpinAverages::of(model, &rows.measured)))
}

/// Chains of spins as rows.
struct SpinRows<'a> {
    chains: SpinChains<'a>,
    steps: u64,
    /// What was measured of every chain.
    measured: Vec<Vec<[f64; 2]>>,
    /// The number of the first chain that moves.
    first: usize,
}

impl Transition for SpinRows<'_> {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.first = chains.start;
        self.measured.resize(chains.end, Vec::new());
        self.chains.start(chains);
        Ok(())
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        let all = self.steps;
        let measured = self.chains.advance_measured(steps, |step| is_measured(step, all))?;
        let of_chains = self.measured[self.first..].iter_mut();
        of_chains.zip(measured).for_each(|(all, more)| all.extend(more));
        Ok(())
    }

    fn rows(&self) -> Result<Vec<f32>> {
        Ok(self.chains.spins().map(f32::from).collect())
    }

    /// A step of a small lattice is shorter than sharing it out.
    fn steps_at_once(&self) -> u64 {
        self.steps.div_ceil(PARTS).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ising::exact::moments;
    use crate::ising::{Coupling, Field};

    /// Averages over seeds beside enumeration, in units of their errors: slow single sites, clusters, and one
    /// chain alone.
    #[test]
    fn averages_are_those_of_enumeration_within_their_errors() {
        let model = IsingModel::grid(3, 3, Coupling::Uniform(1.0), Field::Uniform(0.1), 0.5).unwrap();
        let exact = moments(&model).unwrap();
        for (kind, count, steps) in
            [(SpinChain::Gibbs, 24, 300), (SpinChain::SwendsenWang, 70, 100), (SpinChain::Wolff, 1, 8000)]
        {
            let seeds = 40;
            let mut squares = [0.0; 3];
            for seed in 0..seeds {
                let asked = FileDrawing { count, steps, seed, chain: Some(kind) };
                let (drawn, found) = draw_spins(&model, asked, &mut |_, _| Ok(())).unwrap();
                assert_eq!(drawn.rows.len(), 9 * count);
                for (square, (found, exact)) in squares.iter_mut().zip([
                    (found.energy_per_site, exact.energy / 9.0),
                    (found.magnetisation, exact.magnetisation),
                    (found.absolute_magnetisation, exact.absolute_magnetisation),
                ]) {
                    *square += ((found.value - exact) / found.std_err.unwrap()).powi(2) / seeds as f64;
                }
            }
            let spread = squares.map(f64::sqrt);
            assert!(spread.iter().all(|spread| (0.7..1.5).contains(spread)), "{kind:?}: {spread:?}");
        }
    }
}
