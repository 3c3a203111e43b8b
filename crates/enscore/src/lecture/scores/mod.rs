//! Figures of estimated scores, and what they cost.

pub(super) mod cost;
pub(super) mod estimated;
pub(super) mod manifold;
