//! Normalizing flows: exact densities, exact samples, exact inverses.

mod coupling;
mod real_nvp;
mod standardise;

pub use coupling::{couple, uncouple};
pub use real_nvp::RealNvp;
