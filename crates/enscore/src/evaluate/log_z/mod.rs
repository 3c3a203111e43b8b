//! log Z: by quadrature on a grid, by enumeration of a side of units, by annealed importance sampling, and
//! what is known of it about a trained model.

mod annealing;
mod directions;
mod energy_estimate;
mod fitted_grid;
mod grid;
mod ising_estimate;
mod likelihood;
mod log_z_estimate;
mod machine_estimate;
mod normaliser;
mod quadrature;
mod side_enumeration;

pub use annealing::{
    Annealed, Annealing, AnnealingSettings, Base, BipartiteAnnealing, BoundSide, Bracket, EnergyAnnealing,
    GaussianBase, Kernel, SampleOrigin, SpinAnnealing, Tell, Temperatures, annealing_program, base_rates,
    bracket, fitted_base,
};
pub use directions::{Directions, estimate};
pub use energy_estimate::energy_log_z_estimate;
pub use fitted_grid::fitted_log_z;
pub use grid::Window;
pub use ising_estimate::ising_log_z_estimate;
pub use likelihood::{Likelihood, MOST_LOG_Z_ERROR};
pub use log_z_estimate::{Direction, LogZEstimate, LogZMethod, LogZSettings};
pub use machine_estimate::log_z_estimate;
pub use normaliser::{LogZOrigin, Normaliser, log_z_by_quadrature, quadrature_window};
pub use quadrature::{LogZ, Quadrature, QuadratureSettings};
pub use side_enumeration::{MOST_ENUMERATED_UNITS, SideEnumeration, can_enumerate};
