//! Draw from a trained model: the sampler's loop, and noise levels and step sizes suggested from data.

mod annealed;
pub mod suggest;
mod trained;

pub use annealed::{Drawn, draw};
pub use trained::{Trained, TrainedScore, options, refused};
