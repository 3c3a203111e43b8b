//! Annealed importance sampling of an energy of vectors from a Gaussian fitted to rows of its data, moved by
//! Hamiltonian Monte Carlo ([`Annealing`]), in either direction. Reverse chains begin at the ends of long
//! runs of the same moves on the energy itself, from rows of the data where there are some; they are samples
//! of the model as far as the runs were long enough, so their estimate is no bound.

use enscore_program::random::{Key, mix};

use super::annealed_importance::{Annealed, Annealing, AnnealingSettings, SampleOrigin};
use super::base::{Base, GaussianBase};
use super::bipartite_annealing::Tell;
use super::geometric_path::Temperatures;
use crate::error::Result;
use crate::evaluate::{Moments, Rows};
use crate::mcmc::Chains;
use crate::model::HostDensity;

/// Elements of a row beyond which the base's are independent: a covariance would take too long.
const MOST_CORRELATED: usize = 256;
/// What is added to the base's variances, as a fraction of their mean: rows may lie in fewer dimensions.
const RIDGE: f64 = 1e-3;
/// Seeds of the runs differ by these.
const LONG_RUN: u64 = 0x454C;

/// The Gaussian with the moments of rows `[n, d]`: with their covariance where there are rows enough for it,
/// else with the variance of each element.
///
/// # Errors
/// Fewer than 2 rows, or rows that are all the same.
pub fn fitted_base(rows: &[f32], d: usize) -> Result<GaussianBase> {
    let moments = Moments::of(Rows::new(rows, d)?)?;
    let full = d <= MOST_CORRELATED && rows.len() / d >= 2 * d;
    let ridge = RIDGE * moments.covariance().trace() / d as f64;
    let entry = |at: usize| {
        let value = moments.covariance()[(at / d, at % d)];
        if at / d == at % d {
            value + ridge
        } else if full {
            value
        } else {
            0.0
        }
    };
    let covariance: Vec<f64> = (0..d * d).map(entry).collect();
    GaussianBase::new(&Moments::new(moments.mean(), &covariance)?)
}

/// Annealing of an energy with its moves settled.
pub struct EnergyAnnealing<'a> {
    target: &'a mut dyn HostDensity,
    base: GaussianBase,
    annealing: Annealing,
    chains: usize,
    seed: u64,
}

impl<'a> EnergyAnnealing<'a> {
    /// Annealing of `settings.chains` chains; a pilot run settles the step sizes.
    ///
    /// # Errors
    /// Settings of 0; a base over other rows; the energy's own errors; what `tell` returns.
    pub fn new(
        target: &'a mut dyn HostDensity,
        mut base: GaussianBase,
        temperatures: &Temperatures,
        settings: AnnealingSettings,
        tell: &mut Tell,
    ) -> Result<EnergyAnnealing<'a>> {
        let mut told = Told { density: target, tell, phase: "settling steps" };
        let annealing = Annealing::tune(&mut told, &mut base, temperatures, settings)?;
        let AnnealingSettings { chains, seed, .. } = settings;
        Ok(EnergyAnnealing { target, base, annealing, chains, seed })
    }

    /// Anneals the chains from the base to the energy: an estimate and a lower bound.
    ///
    /// # Errors
    /// As [`Annealing::forward`]; what `tell` returns.
    pub fn forward(&mut self, tell: &mut Tell) -> Result<Annealed> {
        let mut told = Told { density: &mut *self.target, tell, phase: "annealing" };
        self.annealing.forward(&mut told, &mut self.base)
    }

    /// Anneals the chains from `samples` `[n, row_len]` to the base.
    ///
    /// # Errors
    /// As [`Annealing::reverse`]; what `tell` returns.
    pub fn reverse(&mut self, samples: &[f64], origin: SampleOrigin, tell: &mut Tell) -> Result<Annealed> {
        let mut told = Told { density: &mut *self.target, tell, phase: "reverse annealing" };
        self.annealing.reverse(&mut told, &mut self.base, samples, origin)
    }

    /// The ends of `moves` moves of the energy from `start` `[n, row_len]`, rows taken in turn, or from the
    /// base: `[chains, row_len]`.
    ///
    /// # Errors
    /// The energy's own errors; what `tell` returns.
    pub fn long_run(&mut self, start: &[f64], moves: usize, tell: &mut Tell) -> Result<Vec<f64>> {
        let seed = mix(self.seed ^ mix(LONG_RUN));
        let d = self.target.row_len();
        let count = start.len() / d;
        let spread = |chain: usize| chain * (count / self.chains).max(1) % count.max(1);
        let x = if count == 0 {
            self.base.draw(Key::new(seed, 0), self.chains)?
        } else {
            (0..self.chains).flat_map(|chain| &start[spread(chain) * d..][..d]).copied().collect()
        };
        let mut told = Told { density: &mut *self.target, tell, phase: "moving samples" };
        let mut chains = Chains::at(&mut told, x)?;
        for step in 1..=moves as u64 {
            let key = Key::new(seed, step);
            self.annealing.last_transition(key)?.step(&mut told, &mut chains, key)?;
        }
        Ok(chains.x)
    }
}

/// A density that tells that it is asked, so that long work can be ended between two answers.
struct Told<'a, 't> {
    density: &'a mut dyn HostDensity,
    tell: &'a mut Tell<'t>,
    phase: &'static str,
}

impl HostDensity for Told<'_, '_> {
    fn row_len(&self) -> usize {
        self.density.row_len()
    }

    fn log_density(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        (self.tell)(self.phase, 0, 0)?;
        self.density.log_density(rows)
    }

    fn score(&mut self, rows: &[f64]) -> Result<Vec<f64>> {
        self.density.score(rows)
    }
}
