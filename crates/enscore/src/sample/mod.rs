//! Draw from a trained model: the samplers' loops, its log density on the host, and noise levels and step sizes suggested
//! from data.

mod annealed;
mod clamped;
mod density;
mod drawing;
mod exact;
mod gibbs;
mod langevin;
pub mod suggest;
mod trained;

pub use clamped::draw_clamped;
pub use density::TrainedDensity;
pub use drawing::{Drawn, draw};
pub use trained::{Trained, TrainedModel, frozen_flow, options, refused, temperature};
