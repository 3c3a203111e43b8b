//! log Z: by quadrature on a grid, by enumeration of a side of units, by annealed importance sampling, and
//! what is known of it about a trained model.

mod annealed_importance;
mod base;
mod base_rates;
mod bipartite_annealing;
mod geometric_path;
mod grid;
mod log_z_estimate;
mod normaliser;
mod quadrature;
mod side_enumeration;

pub use annealed_importance::{
    Annealed, Annealing, AnnealingSettings, BoundSide, Bracket, Kernel, SampleOrigin, bracket,
};
pub use base::{Base, GaussianBase};
pub use base_rates::base_rates;
pub use bipartite_annealing::{BipartiteAnnealing, Tell, annealing_program};
pub use geometric_path::Temperatures;
pub use grid::Window;
pub use log_z_estimate::{
    Direction, LogZEstimate, LogZMethod, LogZSettings, ising_log_z_estimate, log_z_estimate,
};
pub use normaliser::{LogZOrigin, Normaliser, log_z_by_quadrature, quadrature_window};
pub use quadrature::{LogZ, Quadrature, QuadratureSettings};
pub use side_enumeration::{MOST_ENUMERATED_UNITS, SideEnumeration, can_enumerate};
