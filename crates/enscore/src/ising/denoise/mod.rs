//! Denoises a binary image: [`IsingDenoising`] is its posterior given a noisy one, p(x | y) ∝ exp(-E(x)).
//!
//! Its best labelling comes by a minimum cut or by iterated conditional modes, exact marginals of small
//! images by enumeration. With any finite weights [`posterior`] samples it and gives marginals, and
//! [`anneal`] searches for a labelling of low energy. [`ImageTables`] has general potentials instead.

mod annealing;
mod checkerboard;
mod components;
mod enumeration;
mod gibbs;
mod grid_cut;
mod icm;
mod model;
mod persistency;
mod tables;

pub use annealing::{AnnealingSettings, TemperatureSchedule, anneal};
pub use enumeration::{ExactPosterior, MOST_ENUMERATED_PIXELS};
pub use gibbs::{GibbsSettings, Posterior, posterior};
pub use model::{IsingDenoising, Labelling};
pub use tables::{ImageTables, TablesPosterior};
