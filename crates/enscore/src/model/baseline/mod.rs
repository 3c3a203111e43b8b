//! Densities that are fitted in closed form or by expectation maximisation: what every other model must beat.

mod bernoulli;
mod bernoulli_mixture;
mod gaussian;
mod gaussian_mixture;
mod kernel_density;
mod row_draws;

pub use bernoulli::BernoulliSettings;
pub use bernoulli_mixture::{BernoulliMixture, BernoulliMixtureSettings};
pub use gaussian::GaussianSettings;
pub use gaussian_mixture::{
    CovarianceChoice, GaussianMixtureModel, GaussianMixtureSettings, information_criteria,
};
pub use kernel_density::{Bandwidth, KernelDensity, KernelDensitySettings, KernelShape, leave_one_out};
