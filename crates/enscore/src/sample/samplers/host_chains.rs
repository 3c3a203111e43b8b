//! Chains of Metropolis transitions on the host: MALA and HMC on any trained density.
//!
//! The step size is settled before by pilot chains of their own (Robbins and Monro 1951: the log of the
//! step moves by the difference between the acceptance and its aim), so that it depends on the seed and the
//! model, not on how many samples are drawn. The chains then leave the density invariant.

use std::ops::Range;

use enscore_program::random::Key;

use super::pilots::FIRST_PILOT;
use crate::error::Result;
use crate::keys::Fit;
use crate::mcmc::{Chains, HostTransition, Moves, SamplerFacts};
use crate::model::Family;
use crate::sample::density::TrainedDensity;
use crate::sample::drawing::{Drawing, noise_start};
use crate::sample::kind::Tell;
use crate::sample::trained::TrainedModel;
use crate::sample::transition::{MoveReport, Transition};

/// Rows that the density is computed for at once, whatever the number of chains.
const AT_ONCE: usize = 64;
/// Chains that move, at least: the density is computed for as many at once anyway.
const FEWEST: usize = 64;
/// Chains that settle the step size.
const PILOTS: usize = 32;
/// By how much the log of the step moves for each unit by which the acceptance misses its aim.
const PILOT_GAIN: f64 = 0.5;

/// The transition of a step, by the step size and a key of the step that all chains share.
pub(super) type Make<'a> = Box<dyn Fn(f64, Key) -> Result<Box<dyn HostTransition>> + 'a>;

/// Whether a Metropolis sampler fits: to any energy of real numbers, since acceptance needs a log density.
pub(super) fn metropolis_fits(facts: &SamplerFacts) -> Fit {
    if facts.family == Family::Energy { Fit::Yes } else { Fit::No }
}

/// What chains of a kind share.
pub(super) struct Metropolis<'a> {
    /// The transition of each step.
    pub(super) transition: Make<'a>,
    /// The step size; 0: the pilot chains settle it.
    pub(super) step_size: f64,
    /// Steps of the pilot chains.
    pub(super) warmup: u64,
    /// The acceptance that the step size is tuned to.
    pub(super) acceptance: f64,
}

/// Chains in double precision on a trained density.
pub(super) struct HostChains<'a> {
    model: &'a TrainedModel,
    density: TrainedDensity<'a>,
    transition: Make<'a>,
    chains: Chains,
    seed: u64,
    /// The number of the first chain.
    first: u64,
    /// Chains asked for; the others move beside them.
    asked: usize,
    report: MoveReport,
}

impl<'a> HostChains<'a> {
    pub(super) fn new(
        model: &'a TrainedModel,
        drawing: &Drawing,
        metropolis: Metropolis<'a>,
        tell: &mut Tell,
    ) -> Result<HostChains<'a>> {
        let mut density = TrainedDensity::in_batches(model, AT_ONCE)?;
        let step_size = if metropolis.step_size > 0.0 {
            metropolis.step_size
        } else {
            tuned(model, &mut density, &metropolis, drawing.seed, tell)?
        };
        Ok(HostChains {
            transition: metropolis.transition,
            chains: at_noise(model, &mut density, drawing.seed, 0..1)?,
            model,
            density,
            seed: drawing.seed,
            first: 0,
            asked: 0,
            report: MoveReport { step_size, ..MoveReport::default() },
        })
    }

    fn note(&mut self, moves: &Moves) {
        let before = self.report.proposals as f64;
        let asked = &moves.acceptance[..self.asked.min(moves.acceptance.len())];
        let sum = self.report.acceptance * before + asked.iter().sum::<f64>();
        self.report.acceptance = sum / (before + asked.len() as f64).max(1.0);
        self.report.proposals += asked.len() as u64;
        self.report.divergent += moves.diverged.iter().take(self.asked).filter(|is| **is).count() as u64;
    }
}

/// Chains with these numbers at noise of the size of the data.
fn at_noise(
    model: &TrainedModel,
    density: &mut TrainedDensity,
    seed: u64,
    chains: Range<usize>,
) -> Result<Chains> {
    let start: Vec<f32> = noise_start(model, seed, chains.start, chains.len())?.read()?;
    Chains::at(density, start.into_iter().map(f64::from).collect())
}

/// The step size at which pilot chains reach the acceptance aimed at: the mean of its log over the second
/// half of their steps, from a twentieth of the data's size on.
fn tuned(
    model: &TrainedModel,
    density: &mut TrainedDensity,
    metropolis: &Metropolis,
    seed: u64,
    tell: &mut Tell,
) -> Result<f64> {
    let mut chains = at_noise(model, density, seed, FIRST_PILOT..FIRST_PILOT + PILOTS)?;
    let mut log_step = (0.05 * model.data.variance.max(1e-12).sqrt()).ln();
    let mut sum = 0.0;
    let settling = metropolis.warmup / 2;
    for step in 1..=metropolis.warmup {
        let transition = (metropolis.transition)(log_step.exp(), Key::new(seed, step))?;
        let key = Key { seed, step, row: FIRST_PILOT as u64 };
        let moves = transition.step(density, &mut chains, key)?;
        log_step += PILOT_GAIN * (moves.mean_acceptance() - metropolis.acceptance);
        sum += if step > settling { log_step } else { 0.0 };
        tell()?;
    }
    Ok((sum / (metropolis.warmup - settling) as f64).exp())
}

impl Transition for HostChains<'_> {
    fn start(&mut self, chains: Range<usize>) -> Result<()> {
        self.first = chains.start as u64;
        self.asked = chains.len();
        // As many as a program of any sampler has: whether they have arrived is then seen of one, too.
        let chains = chains.start..chains.start + chains.len().max(FEWEST);
        self.chains = at_noise(self.model, &mut self.density, self.seed, chains)?;
        Ok(())
    }

    fn advance(&mut self, steps: Range<u64>) -> Result<()> {
        for step in steps {
            let key = Key { seed: self.seed, step, row: self.first };
            let transition = (self.transition)(self.report.step_size, Key::new(self.seed, step))?;
            let moves = transition.step(&mut self.density, &mut self.chains, key)?;
            self.note(&moves);
        }
        Ok(())
    }

    fn rows(&self) -> Result<Vec<f32>> {
        Ok(self.chains.x.iter().map(|x| *x as f32).collect())
    }

    fn moves(&self) -> Option<MoveReport> {
        Some(self.report)
    }
}
