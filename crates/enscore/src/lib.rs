//! Energy-based and score-based generative models: train, sample and evaluate unnormalised densities.

#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod compare;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod mcmc;
pub mod model;
pub mod objective;
pub mod report;
pub mod sample;
pub mod settings;
pub mod streams;
pub mod train;

pub use error::{Error, Result};
