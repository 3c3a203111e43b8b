//! Figures of noise-conditional score networks.

pub(super) mod annealed_langevin;
pub(super) mod digits;
pub(super) mod levels;
pub(super) mod weighting;
