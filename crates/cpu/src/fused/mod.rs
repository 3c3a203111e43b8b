//! Fused element-by-element work: a unit runs over tiles that stay in the nearest cache, several operations a
//! pass.

mod build;
mod instruction;
mod pass;
mod run;
// x == x and x - x tell NaN and infinity apart from numbers without a branch.
#[allow(clippy::eq_op)]
mod tile;

pub(crate) use build::build;
pub(crate) use instruction::{Fused, Slots, View};
pub(crate) use run::{is_wide, run, run_part, run_stretch};
pub(crate) use tile::{MAX_AXES, combine};

/// Elements of a tile: registers of this length stay in the nearest cache.
pub(crate) const TILE: usize = 1024;
/// Views of a unit that are kept loaded from tile to tile, at most.
const MOST_STEADY: usize = 6;
