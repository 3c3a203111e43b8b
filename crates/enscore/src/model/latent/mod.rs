//! Latent variable models: p(x) = ∫ p(x|z) N(z; 0, I) dz, with an encoder q(z|x) that makes the integral's
//! bounds cheap.

mod coder;
mod conv_vae;
mod likelihood;
mod mlp_vae;
mod vae;

pub use coder::Coder;
pub use conv_vae::{ConvCoder, ConvCoderSettings, ConvVaeSettings};
pub use likelihood::{Likelihood, LikelihoodKind, LikelihoodSettings, ScaleSource};
pub use mlp_vae::{MlpCoder, MlpVaeSettings};
pub use vae::{VAE, Vae};
