//! Estimation by contrast with noise: a fixed density, or a flow that is trained beside.

mod density;
mod flow_contrastive;
mod noise_contrastive;

pub use density::{FrozenFlow, Noise, NoiseKind, NoiseSettings, refuse_zero_density};
pub use flow_contrastive::{FLOW, FlowContrastive, FlowContrastiveSettings};
pub use noise_contrastive::{LOG_Z, NoiseContrastive, NoiseContrastiveSettings, contrast};
