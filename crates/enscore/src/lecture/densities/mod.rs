//! Figures of densities in the plane, their scores, and chains that follow them.

pub(super) mod density_and_score;
pub(super) mod langevin;
pub(super) mod low_density;
pub(super) mod perturbed;
