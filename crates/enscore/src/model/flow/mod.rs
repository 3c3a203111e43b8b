//! Normalizing flows: exact densities, exact samples, exact inverses.

mod channel_mixing;
mod coupling;
mod multi_scale;
mod real_nvp;

pub use coupling::{couple, uncouple};
pub use multi_scale::{MultiScaleFlow, MultiScaleFlowSettings};
pub use real_nvp::{REAL_NVP, RealNvp, RealNvpSettings};
