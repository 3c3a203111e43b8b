//! Chains over the labellings of an image, p(x | y) ∝ exp(-E(x)) of
//! [`IsingDenoising`](crate::model::ising::IsingDenoising) with any finite weights: [`posterior`] samples at
//! the weights as they are (marginals), [`anneal`] optimises (one labelling of low energy).

mod annealing;
mod checkerboard;
mod gibbs;

pub use annealing::{AnnealingSettings, TemperatureSchedule, anneal};
pub use gibbs::{GibbsSettings, Posterior, posterior};
