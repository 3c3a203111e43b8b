//! Samples of models given by files: independent chains, each from a state that knows nothing, after so many
//! sweeps.
//!
//! Spins of an Ising model start at independent fair ones and are moved at its β by single sites or by
//! clusters; units of a restricted Boltzmann machine start at fair bits, or at N(0, 1), and are moved by
//! block Gibbs sweeps. Chain i of a seed is the same however many are drawn, on any number of threads.

use crate::error::{Error, Result};
use crate::ising::chains::{SpinChain, SpinDraws, draw_spins};
use crate::ising::{IsingModel, Lattice};
use crate::mcmc::UnitStart;
use crate::model::Bipartite;
use crate::sample::gibbs::{UnitChains, WeightedUnits};
use crate::sample::{ModelFile, RbmFile};

/// Chains of units that move together.
const BATCH: usize = 64;

/// Samples of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileDraws {
    /// `[count, ..row_shape]`: spins ±1, or units.
    pub rows: Vec<f32>,
    /// The extents of a row: `[height, width, 1]` of a lattice, else `[sites]` or `[visible]`.
    pub row_shape: Vec<usize>,
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
            spins(model, chain, SpinDraws { count, steps, seed }, progress)
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
    draws: SpinDraws,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<FileDraws> {
    let spins = draw_spins(model, chain, draws, progress)?;
    let row_shape = match model.lattice() {
        Lattice::Grid { height, width } | Lattice::Torus { height, width } => vec![height, width, 1],
        Lattice::Graph { sites } => vec![sites],
    };
    Ok(FileDraws { rows: spins.into_iter().map(f32::from).collect(), row_shape })
}

fn units(
    file: &RbmFile,
    (count, steps): (usize, u64),
    seed: u64,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<FileDraws> {
    let (target, width) = (file.weighted()?, file.model.first_width());
    let start = UnitStart::new(file.model.first_units(), &[], &[]);
    let (weights, executor) = (target.single()?, target.executor.clone());
    let units = WeightedUnits { model: &file.model, weights, executor };
    let mut chains = UnitChains::new(units, start, BATCH, seed)?;
    let total = count.div_ceil(BATCH) as u64 * steps;
    let (mut rows, mut done) = (Vec::new(), 0);
    for first in (0..count).step_by(BATCH) {
        chains.begin(first)?;
        for step in 1..=steps {
            chains.sweep(step)?;
            done += 1;
            progress(done, total)?;
        }
        rows.extend_from_slice(&chains.states.view()?[..BATCH.min(count - first) * width]);
    }
    Ok(FileDraws { rows, row_shape: vec![width] })
}
