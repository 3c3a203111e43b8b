//! Chains over the labellings of an image, p(x | y) ∝ exp(-E(x)) of
//! [`IsingDenoising`](crate::model::ising::IsingDenoising) with any finite weights: [`posterior`]
//! samples it and gives marginals, [`anneal`] searches for one labelling of low energy.

mod annealing;
mod checkerboard;
mod gibbs;

pub use annealing::{AnnealingSettings, TemperatureSchedule, anneal};
pub use gibbs::{GibbsSettings, Posterior, posterior};
