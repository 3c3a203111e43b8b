//! Score networks: s(x, σ) without a log density.

mod mlp;
mod unet;

pub use mlp::{Mlp, MlpSettings};
pub use unet::{UNet, UNetSettings};
