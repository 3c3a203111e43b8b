//! Unnormalised log densities of real numbers.

mod confinement;
mod conv_energy;
mod dkef;
mod gaussian_energy;
mod mixture_energy;
mod mlp_energy;
mod residual_energy;
mod student_t_energy;

pub use confinement::{Confinement, ConfinementSettings};
pub use conv_energy::{ConvEnergy, ConvEnergySettings};
pub use dkef::{Dkef, DkefSettings};
pub use gaussian_energy::{GaussianEnergy, GaussianEnergySettings};
pub use mixture_energy::GaussianMixtureEnergy;
pub use mlp_energy::{MlpEnergy, MlpEnergySettings};
pub use residual_energy::{ResidualEnergy, ResidualEnergySettings};
pub use student_t_energy::{StudentTEnergy, StudentTEnergySettings};
