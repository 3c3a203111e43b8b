//! The contract of a transition: chains of any kind that a sampler moves, and what the one loop of sampling
//! needs of them.

use std::ops::Range;

use serde::Serialize;

use super::arrival::watched;
use crate::error::Result;
use crate::text::number;

/// Independent chains that move together. A draw depends on (seed, step, chain) alone, not on the batch.
pub trait Transition {
    /// Puts the chains with these numbers at their starts. A batch may hold more chains than are asked for.
    ///
    /// # Errors
    /// An executor that refuses.
    fn start(&mut self, chains: Range<usize>) -> Result<()>;

    /// Moves every chain by the steps with these numbers, 1 the first.
    ///
    /// # Errors
    /// An executor that refuses.
    fn advance(&mut self, steps: Range<u64>) -> Result<()>;

    /// The rows as they stand: `[chains, ..row_shape]`, the first chain first.
    ///
    /// # Errors
    /// An executor that refuses.
    fn rows(&self) -> Result<Vec<f32>>;

    /// The means that pictures show instead of the rows, if there are any.
    ///
    /// # Errors
    /// An executor that refuses.
    fn means(&self) -> Result<Option<Vec<f32>>> {
        Ok(None)
    }

    /// What moves came to since the chains were made, where proposals can be refused.
    fn moves(&self) -> Option<MoveReport> {
        None
    }

    /// Steps after which progress is told and an interruption is seen.
    fn steps_at_once(&self) -> u64 {
        1
    }
}

/// How long chains run, and when their trajectory is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Steps of each chain.
    pub steps: u64,
    /// The numbers of the steps after which the first chains are kept, ascending; 0 is the start.
    pub stages: Vec<u64>,
    /// The numbers of the steps at which chains are watched, to see whether they have arrived; none where
    /// they need not.
    pub watched: Vec<u64>,
}

impl Schedule {
    /// Parts of a chain at whose ends its trajectory is kept.
    const PARTS: u64 = 10;

    /// A chain of `steps` steps, kept at its start and at the ends of ten equal parts, watched over the
    /// second half of its steps.
    pub fn in_parts(steps: u64) -> Schedule {
        let parts = Self::PARTS.min(steps);
        // The least step at which a part is complete.
        let ends = (1..=parts).map(|part| (part * steps).div_ceil(parts));
        let stages = std::iter::once(0).chain(ends).collect();
        Schedule { steps, stages, watched: watched(steps / 2, steps) }
    }
}

/// How proposals fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MoveReport {
    /// The step size that was used.
    pub step_size: f64,
    /// The mean probability of accepting a proposal.
    pub acceptance: f64,
    /// Proposals.
    pub proposals: u64,
    /// Proposals whose log density fell by more than 1000 nats along the trajectory, or was not finite: the
    /// step is too large for the density there.
    pub divergent: u64,
}

impl MoveReport {
    /// Below this chains hardly move.
    const FEW: f64 = 0.01;

    /// What to tell the user of chains that hardly move.
    pub(super) fn warning(&self) -> Option<String> {
        let MoveReport { step_size, acceptance, proposals, .. } = self;
        (*proposals > 0 && *acceptance < Self::FEW).then(|| {
            format!(
                "the chains hardly move: {:.2} % of {proposals} proposals are accepted with a step size of \
                 {}; set sampler.step_size to 0 to have it tuned",
                100.0 * acceptance,
                number(*step_size)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stages are those steps s at which ⌊s parts / steps⌋ grows.
    #[test]
    fn parts_end_where_their_count_grows() {
        for steps in 1..45 {
            let parts = 10.min(steps);
            let grows = |step: &u64| step * parts / steps > (step - 1) * parts / steps;
            let expected: Vec<u64> = std::iter::once(0).chain((1..=steps).filter(grows)).collect();
            assert_eq!(Schedule::in_parts(steps).stages, expected, "{steps}");
        }
    }
}
