//! Samples from trained models: the samplers' loops, log densities on the host, and noise levels and step
//! sizes suggested from data.

mod annealed;
mod clamped;
mod density;
mod drawing;
mod exact;
mod file_draws;
mod gibbs;
mod ising_sides;
mod langevin;
mod model_file;
mod own_network;
pub mod suggest;
mod trained;
mod weighted_bipartite;

pub use clamped::draw_clamped;
pub use density::TrainedDensity;
pub use drawing::{Drawn, draw};
pub use file_draws::{FileDraws, SpinChain, draw_from_file};
pub use ising_sides::ising_sides;
pub use model_file::{ModelFile, RbmFile};
pub use trained::{Trained, TrainedModel, frozen_flow, options, refused, temperature, update_options};
pub use weighted_bipartite::WeightedBipartite;
