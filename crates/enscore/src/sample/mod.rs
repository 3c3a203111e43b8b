//! Draw from a trained model: noise levels, step sizes and their suggestion from data.

pub mod noise_levels;
pub mod suggest;

pub use noise_levels::{NoiseLevels, StepRule};
