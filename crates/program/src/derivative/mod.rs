//! Derivatives as transforms of the growing graph: they add nodes, so they nest to any order.

mod curvature;
mod divergence;
mod forward;
mod laplacian;
mod partials;
mod reverse;
mod tangents;
mod walk;

pub use curvature::Curvature;
pub use laplacian::{Laplacian, LaplacianPart};
