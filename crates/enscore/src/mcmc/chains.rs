//! Chains on the host: what a transition needs, moves and reports, for any [`HostDensity`].
//!
//! A transition that leaves exp(f) invariant proposes a row for every chain and accepts it with probability
//! min(1, exp(log ratio)) (Metropolis et al. 1953; Hastings 1970). Randomness is the key's: chain i of a
//! batch draws as global row `key.row + i`, so that the same seed gives the same chains in any batches.

use enscore_program::random::{Key, normal_row, row_words, uniform};

use crate::error::{Error, Result};
use crate::executor::whole_rows;
use crate::model::HostDensity;
use crate::streams;

/// A proposal that is less likely than its start by more than this, in nats, has diverged: Stan's limit.
const MOST_LOST: f64 = 1000.0;

/// Chains with what the next step needs of the density: `x` and `score` `[n, row_len]`, `log_density` `[n]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Chains {
    /// The rows, one for each chain, `[chains, d]`.
    pub x: Vec<f64>,
    /// f at the rows, nats.
    pub log_density: Vec<f64>,
    /// ∇f at the rows.
    pub score: Vec<f64>,
}

impl Chains {
    /// Chains at `x` `[n, row_len]`.
    ///
    /// # Errors
    /// Values that don't fill whole rows; the density's own errors.
    pub fn at(density: &mut dyn HostDensity, x: Vec<f64>) -> Result<Chains> {
        let count = whole_rows(&x, density.row_len())?.len();
        let log_density = density.log_density(&x)?;
        let score = density.score(&x)?;
        if log_density.len() != count || score.len() != x.len() {
            return Err(Error::run("the density returned values for the wrong number of rows")
                .found(format_args!("{} log densities, {} score components", log_density.len(), score.len()))
                .expected(format_args!("{count} and {}", x.len())));
        }
        Ok(Chains { x, log_density, score })
    }

    /// The number of chains.
    pub fn count(&self) -> usize {
        self.log_density.len()
    }

    /// Elements of a row; 0 without chains.
    pub fn row_len(&self) -> usize {
        self.x.len().checked_div(self.count()).unwrap_or(0)
    }

    /// Moves the chains that `log_ratios` let move to `proposal`; the others stay as they were.
    pub(super) fn accept(&mut self, proposal: Chains, log_ratios: &[f64], key: Key) -> Moves {
        let d = self.row_len();
        let mut moves = Moves::default();
        for (chain, log_ratio) in log_ratios.iter().enumerate() {
            // A proposal outside of the support is refused; one that is no number at all is a failed step.
            let outside = proposal.log_density[chain] == f64::NEG_INFINITY;
            let failed = !outside
                && (log_ratio.is_nan()
                    || !proposal.log_density[chain].is_finite()
                    || !proposal.score[chain * d..][..d].iter().all(|v| v.is_finite()));
            let probability = if outside || failed { 0.0 } else { log_ratio.exp().min(1.0) };
            let accepted = accept_number(key, chain) < probability;
            if accepted {
                let row = chain * d..(chain + 1) * d;
                self.x[row.clone()].copy_from_slice(&proposal.x[row.clone()]);
                self.score[row.clone()].copy_from_slice(&proposal.score[row]);
                self.log_density[chain] = proposal.log_density[chain];
            }
            moves.acceptance.push(probability);
            moves.accepted.push(accepted);
            moves.failed += usize::from(failed);
            let diverged = failed || *log_ratio < -MOST_LOST;
            moves.divergent += usize::from(diverged);
            moves.diverged.push(diverged);
        }
        moves
    }
}

/// What a transition did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// The probability with which each chain's proposal was accepted, `[n]`.
    pub acceptance: Vec<f64>,
    /// Whether each chain moved, `[n]`.
    pub accepted: Vec<bool>,
    /// Proposals whose log density or score was not finite; their chains stayed.
    pub failed: usize,
    /// Failed proposals, and those less likely than their start by more than 1000 nats: the dynamics left
    /// what the step size can follow (Betancourt 2018, section 6.2).
    pub divergent: usize,
    /// Which chains' proposals these are, `[n]`.
    pub diverged: Vec<bool>,
}

impl Moves {
    /// The mean of the acceptance probabilities; 0 without chains.
    pub fn mean_acceptance(&self) -> f64 {
        if self.acceptance.is_empty() {
            return 0.0;
        }
        self.acceptance.iter().sum::<f64>() / self.acceptance.len() as f64
    }
}

/// A transition of a Markov chain that leaves exp(f) / Z invariant.
pub trait HostTransition {
    /// Moves every chain once. The last rows that the density is asked for, by either function, are the
    /// proposals.
    ///
    /// # Errors
    /// The density's own errors; the state is then as it was.
    fn step(&self, density: &mut dyn HostDensity, chains: &mut Chains, key: Key) -> Result<Moves>;
}

/// Standard normal numbers for the chains, `[n, row_len]`.
pub(super) fn normal_numbers(key: Key, chains: &Chains) -> Vec<f64> {
    let mut numbers = vec![0.0; chains.x.len()];
    if chains.row_len() > 0 {
        for (chain, row) in numbers.chunks_exact_mut(chains.row_len()).enumerate() {
            normal_row(key, streams::MOVE, key.row + chain as u64, row);
        }
    }
    numbers
}

fn accept_number(key: Key, chain: usize) -> f64 {
    let mut words = [0; 1];
    row_words(key, streams::ACCEPT, key.row + chain as u64, &mut words);
    uniform(words[0])
}

/// A step size that a transition can take.
pub(super) fn positive_step(step_size: f64) -> Result<f64> {
    if step_size > 0.0 && step_size.is_finite() {
        return Ok(step_size);
    }
    Err(Error::input("invalid step size").found(step_size).expected("a finite number above 0"))
}

#[cfg(test)]
pub mod contract;
