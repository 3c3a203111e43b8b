//! Samples of models given by files: the last states of independent chains that start at random.
//!
//! Spins of an Ising model start at independent fair ones and are moved at its β by single sites or by
//! clusters; units of a restricted Boltzmann machine start at fair bits, or at N(0, 1), and are moved by
//! block Gibbs sweeps. Chain i of a seed is the same however many are drawn, on any number of threads.

use std::ops::Range;

use crate::error::{Error, Result};
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
    let schedule = Schedule { steps, stages: Vec::new() };
    match file {
        ModelFile::Ising(model) => {
            let kind = chain.unwrap_or_else(|| SpinChain::fitting(model));
            let mut chains = SpinRows { chains: SpinChains::new(model, kind, seed), steps };
            drawing.run(&mut chains, &schedule, model.sites(), progress)
        }
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

/// Chains of spins as rows.
struct SpinRows<'a> {
    chains: SpinChains<'a>,
    steps: u64,
}

impl Transition for SpinRows<'_> {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.chains.start(chains);
        Ok(())
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        self.chains.advance(steps)
    }

    fn rows(&self) -> Result<Vec<f32>> {
        Ok(self.chains.spins().map(f32::from).collect())
    }

    /// A step of a small lattice is shorter than sharing it out.
    fn steps_at_once(&self) -> u64 {
        self.steps.div_ceil(PARTS).max(1)
    }
}
