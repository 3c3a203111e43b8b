//! Latent variable models: p(x) = ∫ p(x|z) N(z; 0, I) dz, with an encoder q(z|x) that makes the integral's
//! bounds cheap.

mod coder;
mod conv_vae;
mod likelihood;
mod mlp_vae;
mod vae;

pub use coder::Coder;
pub use conv_vae::{ConvVae, ConvVaeSettings};
pub use likelihood::{Likelihood, LikelihoodSettings, Observed, Spread};
pub use mlp_vae::{MlpVae, MlpVaeSettings};
pub use vae::{VAE, Vae};
