//! Annealed importance sampling: log Z of a target exp(f_1) from a normalised base p_0 along f_β = (1 - β)
//! log p_0 + β f_1.
//!
//! ```text
//! forward  x_0 ~ p_0,  x_k moved from x_{k-1} at β_k:                                   E[w] = Z
//!          log w = Σ_{k=1}^{K} (f_{β_k} - f_{β_{k-1}})(x_{k-1})
//! reverse  x_{K-1} ~ target, the same sum along the chain that moves at β_{K-1}, ..., β_1:  E[1/w] = 1/Z
//! ```
//!
//! (Neal 2001, "Annealed importance sampling", eq. 9; the reverse chain: Burda, Grosse and Salakhutdinov
//! 2015, "Accurate and conservative estimates of MRF log-likelihood using reverse annealing", and Grosse,
//! Ghahramani and Adams 2015, "Sandwiching the marginal likelihood using bidirectional Monte Carlo"). By
//! Jensen's inequality E[log w] is below log Z forward and above it in reverse; the latter only for samples
//! that are exactly the target's. Forward, log mean w also lies below log Z on average, and close to it where
//! the ESS is many chains. Everything in nats.
//!
//! Step sizes are adapted in a pilot run with random numbers of its own, then fixed, so that the kernels
//! leave their densities invariant and the weights are unbiased.

use enscore_program::random::{Key, mix};
use serde::Serialize;

use super::base::Base;
use super::geometric_path::{GeometricPath, PathChains, Temperatures};
use crate::error::{Error, Result};
use crate::evaluate::LogWeights;
use crate::executor::whole_rows;
use crate::mcmc::{HMC_ACCEPTANCE, Hmc, HostTransition, MALA_ACCEPTANCE, Mala, Moves};
use crate::model::HostDensity;

/// How chains move at each temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// The Metropolis-adjusted Langevin algorithm.
    Mala,
    /// Hamiltonian Monte Carlo with this many leapfrog steps.
    Hmc(usize),
}

impl Kernel {
    /// The transition of the step that `key` names, the same for every chain.
    fn transition(self, step_size: f64, key: Key) -> Result<Box<dyn HostTransition>> {
        Ok(match self {
            Kernel::Mala => Box::new(Mala::new(step_size)?),
            Kernel::Hmc(leapfrog_steps) => Box::new(Hmc::jittered(step_size, leapfrog_steps, key)?),
        })
    }

    fn acceptance(self) -> f64 {
        if self == Kernel::Mala { MALA_ACCEPTANCE } else { HMC_ACCEPTANCE }
    }
}

/// What annealing takes besides target, base and temperatures.
#[derive(Clone, Copy, Debug)]
pub struct AnnealingSettings {
    /// Forward chains, at least 2.
    pub chains: usize,
    /// Chains that move together; figures don't depend on it.
    pub batch: usize,
    /// The transition between two temperatures.
    pub kernel: Kernel,
    /// Transitions at each temperature.
    pub transitions: usize,
    /// Chains of the pilot run.
    pub pilot_chains: usize,
    /// The seed of starts and transitions.
    pub seed: u64,
}

impl Default for AnnealingSettings {
    fn default() -> Self {
        AnnealingSettings {
            chains: 256,
            batch: 1024,
            kernel: Kernel::Hmc(5),
            transitions: 1,
            pilot_chains: 64,
            seed: 0,
        }
    }
}

/// Where the samples that reverse annealing begins at come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleOrigin {
    /// Independent draws from the target itself.
    Exact,
    /// The end of a Markov chain, or data: no bound follows.
    Approximate,
}

/// On which side of log Z the mean log weight lies on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoundSide {
    /// Below: a stochastic lower bound.
    Lower,
    /// Above: a stochastic upper bound.
    Upper,
    /// Not known: the samples were not exact.
    Neither,
}

/// What the chains of one direction say about log Z, in nats.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Annealed {
    /// The estimate: log mean w forward, -log mean 1/w in reverse.
    pub log_z: f64,
    /// Its standard error (see [`LogWeights`]).
    #[serde(rename = "standard_error")]
    pub std_err: f64,
    /// The mean of log w, nats: a bound of log Z in expectation.
    pub bound: f64,
    /// The standard error of `bound`.
    #[serde(rename = "bound_standard_error")]
    pub bound_std_err: f64,
    /// Which bound it is.
    pub side: BoundSide,
    /// (Σ w)² / Σ w² of the weights that are averaged.
    pub effective_sample_size: f64,
    /// How far log w spreads above its median, nats² ([`LogWeights::upper_variance`]).
    pub upper_variance: f64,
    /// The shape of the weights' tail, where there are chains enough.
    pub pareto_shape: Option<f64>,
    /// Independent chains.
    pub chains: usize,
    /// Temperatures after the base's: K.
    pub temperatures: usize,
    /// The mean acceptance over all transitions; 1 without any.
    pub acceptance: f64,
    /// The least acceptance of a temperature.
    pub least_acceptance: f64,
    /// Proposals that were no numbers and were refused.
    pub failed: usize,
}

impl Annealed {
    /// What weights say whose moves are never refused. `sign` is that of log w in log Z, `base` log Z_0.
    pub(super) fn without_proposals(
        found: &LogWeights,
        sign: f64,
        base: f64,
        side: BoundSide,
        temperatures: &Temperatures,
    ) -> Annealed {
        Annealed {
            log_z: base + sign * found.log_mean,
            std_err: found.std_err,
            bound: base + sign * found.mean_log.value,
            bound_std_err: found.mean_log.std_err,
            side,
            effective_sample_size: found.effective_sample_size,
            upper_variance: found.upper_variance,
            pareto_shape: found.pareto_shape,
            chains: found.mean_log.count,
            temperatures: temperatures.as_slice().len() - 1,
            acceptance: 1.0,
            least_acceptance: 1.0,
            failed: 0,
        }
    }
}

/// Both directions with the same temperatures and kernels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bracket {
    /// Annealed from the base to the target.
    pub forward: Annealed,
    /// From samples of the target.
    pub reverse: Annealed,
}

impl Bracket {
    /// Reverse bound minus forward bound: what both leave open, at least 0 on average if the samples are
    /// exact.
    pub fn gap(&self) -> f64 {
        self.reverse.bound - self.forward.bound
    }
}

/// Annealing with step sizes that are settled.
#[derive(Clone, Debug)]
pub struct Annealing {
    temperatures: Temperatures,
    /// Step sizes at β_1 to β_{K-1}.
    step_sizes: Vec<f64>,
    settings: AnnealingSettings,
}

/// Moves of the pilot run: at the first temperature, from an arbitrary step size, and at each one after it.
const PILOT_MOVES: [usize; 2] = [40, 6];
/// How much a pilot's step follows its acceptance: log ε changes by this times (acceptance - aim).
const PILOT_GAIN: [f64; 2] = [1.0, 0.5];
/// Seeds of the three runs differ by these.
const PILOT: u64 = 0x5049;
const FORWARD: u64 = 0x464F;
const REVERSE: u64 = 0x5245;

impl Annealing {
    /// Settles the step sizes by a pilot run along the path.
    ///
    /// # Errors
    /// Settings of 0, rows of different lengths, the densities' own errors, step sizes that run away.
    pub fn tune(
        target: &mut dyn HostDensity,
        base: &mut dyn Base,
        temperatures: &Temperatures,
        settings: AnnealingSettings,
    ) -> Result<Annealing> {
        check(&settings)?;
        let mut path = GeometricPath::new(base, target)?;
        let seed = seed_of(settings.seed, PILOT);
        let start = path.base().draw(Key::new(seed, 0), settings.pilot_chains)?;
        let mut chains = PathChains::at(&mut path, start)?;
        let mut log_step = 0.0f64;
        let mut step = 0;
        let mut step_sizes = Vec::new();
        for (k, beta) in inner(temperatures).iter().enumerate() {
            let phase = usize::from(k > 0);
            let mut settled = 0.0;
            for _ in 0..PILOT_MOVES[phase] {
                step += 1;
                let key = Key::new(seed, step);
                let transition = settings.kernel.transition(log_step.exp(), key)?;
                let moves = chains.step(&mut path, *beta, |density, x| transition.step(density, x, key))?;
                log_step += PILOT_GAIN[phase] * (moves.mean_acceptance() - settings.kernel.acceptance());
                settled += log_step;
            }
            // The mean of the log steps is steadier than the last; the first ones came from an arbitrary
            // size.
            let mean = settled / PILOT_MOVES[phase] as f64;
            step_sizes.push(if phase == 0 { log_step.exp() } else { mean.exp() });
        }
        Ok(Annealing { temperatures: temperatures.clone(), step_sizes, settings })
    }

    /// Step sizes at β_1 to β_{K-1}.
    pub fn step_sizes(&self) -> &[f64] {
        &self.step_sizes
    }

    /// The transition next to the target, for the step that `key` names.
    pub(super) fn last_transition(&self, key: Key) -> Result<Box<dyn HostTransition>> {
        self.settings.kernel.transition(self.step_sizes.last().copied().unwrap_or(1.0), key)
    }

    /// Anneals chains from the base to the target: an estimate and a lower bound.
    ///
    /// # Errors
    /// Rows of different lengths, the densities' own errors, weights that are not finite or all 0.
    pub fn forward(&self, target: &mut dyn HostDensity, base: &mut dyn Base) -> Result<Annealed> {
        let mut path = GeometricPath::new(base, target)?;
        let seed = seed_of(self.settings.seed, FORWARD);
        let mut weights = Vec::new();
        let mut tally = Tally::new(&self.step_sizes);
        for first in (0..self.settings.chains).step_by(self.settings.batch) {
            let rows = self.settings.batch.min(self.settings.chains - first);
            let key = Key { row: first as u64, ..Key::new(seed, 0) };
            let start = path.base().draw(key, rows)?;
            weights.extend(self.weigh(&mut path, start, key, false, &mut tally)?);
        }
        let found = LogWeights::of(&weights)?;
        Ok(self.annealed(found, 1.0, BoundSide::Lower, &tally))
    }

    /// Anneals chains from `samples` `[n, row_len]` of the target to the base: an estimate and, from exact
    /// samples, an upper bound. One chain a sample; the settings' number of chains is that of the forward
    /// run.
    ///
    /// # Errors
    /// As [`Annealing::forward`]; samples that don't fill whole rows, or fewer than 2.
    pub fn reverse(
        &self,
        target: &mut dyn HostDensity,
        base: &mut dyn Base,
        samples: &[f64],
        origin: SampleOrigin,
    ) -> Result<Annealed> {
        let d = target.row_len();
        let count = whole_rows(samples, d)?.len();
        if count < 2 {
            return Err(Error::input("too few samples to anneal from").found(count).expected("at least 2"));
        }
        let mut path = GeometricPath::new(base, target)?;
        let seed = seed_of(self.settings.seed, REVERSE);
        let mut weights = Vec::new();
        let mut tally = Tally::new(&self.step_sizes);
        for start in samples.chunks(self.settings.batch.saturating_mul(d)) {
            let key = Key { row: weights.len() as u64, ..Key::new(seed, 0) };
            let batch = self.weigh(&mut path, start.to_vec(), key, true, &mut tally)?;
            weights.extend(batch.iter().map(|weight| -weight));
        }
        let side = if origin == SampleOrigin::Exact { BoundSide::Upper } else { BoundSide::Neither };
        Ok(self.annealed(LogWeights::of(&weights)?, -1.0, side, &tally))
    }

    /// log w of chains that start at `x`, at the base or, in reverse, at the target.
    fn weigh(
        &self,
        path: &mut GeometricPath,
        x: Vec<f64>,
        key: Key,
        reverse: bool,
        tally: &mut Tally,
    ) -> Result<Vec<f64>> {
        let betas = self.temperatures.as_slice();
        let last = betas.len() - 1;
        let mut chains = PathChains::at(path, x)?;
        let mut log_weights = vec![0.0; chains.slopes()?.len()];
        let mut step = 0;
        for count in 0..last {
            // The interval from β_{k} to β_{k+1}, in the order in which the chain passes them.
            let k = if reverse { last - 1 - count } else { count };
            let width = betas[k + 1] - betas[k];
            log_weights.iter_mut().zip(chains.slopes()?).for_each(|(sum, slope)| *sum += width * slope);
            // No move is needed after the last interval.
            let at = if reverse { k } else { k + 1 };
            if at == 0 || at == last {
                continue;
            }
            for _ in 0..self.settings.transitions {
                step += 1;
                let key = Key { step, ..key };
                let transition = self.settings.kernel.transition(self.step_sizes[at - 1], key)?;
                let moves = chains.step(path, betas[at], |density, x| transition.step(density, x, key))?;
                tally.count(at - 1, &moves);
            }
        }
        Ok(log_weights)
    }

    fn annealed(&self, found: LogWeights, sign: f64, side: BoundSide, tally: &Tally) -> Annealed {
        Annealed {
            acceptance: tally.mean(),
            least_acceptance: tally.least(),
            failed: tally.failed,
            ..Annealed::without_proposals(&found, sign, 0.0, side, &self.temperatures)
        }
    }
}

/// Both directions: tunes once, anneals from the base and from `samples` `[n, row_len]` of the target.
///
/// # Errors
/// As [`Annealing::tune`], [`Annealing::forward`] and [`Annealing::reverse`].
pub fn bracket(
    target: &mut dyn HostDensity,
    base: &mut dyn Base,
    samples: &[f64],
    origin: SampleOrigin,
    temperatures: &Temperatures,
    settings: AnnealingSettings,
) -> Result<Bracket> {
    let annealing = Annealing::tune(target, base, temperatures, settings)?;
    let forward = annealing.forward(target, base)?;
    Ok(Bracket { forward, reverse: annealing.reverse(target, base, samples, origin)? })
}

fn check(settings: &AnnealingSettings) -> Result<()> {
    let AnnealingSettings { chains, batch, transitions, pilot_chains, .. } = settings;
    if *chains >= 2 && *batch > 0 && *transitions > 0 && *pilot_chains > 0 {
        return Ok(());
    }
    Err(Error::input("invalid settings of annealed importance sampling")
        .found(format_args!(
            "{chains} chains in batches of {batch}, {transitions} transitions, {pilot_chains} pilot chains"
        ))
        .expected("at least 2 chains, and at least 1 of each other"))
}

fn seed_of(seed: u64, run: u64) -> u64 {
    mix(seed ^ mix(run))
}

/// β_1 to β_{K-1}, where chains move.
fn inner(temperatures: &Temperatures) -> &[f64] {
    let betas = temperatures.as_slice();
    &betas[1..betas.len() - 1]
}

/// Acceptance at each temperature.
struct Tally {
    sums: Vec<f64>,
    counts: Vec<usize>,
    failed: usize,
}

impl Tally {
    fn new(step_sizes: &[f64]) -> Tally {
        Tally { sums: vec![0.0; step_sizes.len()], counts: vec![0; step_sizes.len()], failed: 0 }
    }

    fn count(&mut self, at: usize, moves: &Moves) {
        self.sums[at] += moves.acceptance.iter().sum::<f64>();
        self.counts[at] += moves.acceptance.len();
        self.failed += moves.failed;
    }

    fn mean(&self) -> f64 {
        let count: usize = self.counts.iter().sum();
        if count == 0 { 1.0 } else { self.sums.iter().sum::<f64>() / count as f64 }
    }

    fn least(&self) -> f64 {
        let each = self.sums.iter().zip(&self.counts).filter(|(_, count)| **count > 0);
        each.map(|(sum, count)| sum / *count as f64).fold(1.0, f64::min)
    }
}

#[cfg(test)]
mod tests;
