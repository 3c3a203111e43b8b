//! One training step: as one program, or as two with a seam between the gradients and the step along them.

pub mod adam;
mod apart;
mod optimiser;
mod program;
mod state;

pub use apart::{GRADIENT, UpdateApart};
pub use optimiser::Optimiser;
pub use program::{Steps, UpdateProgram};
