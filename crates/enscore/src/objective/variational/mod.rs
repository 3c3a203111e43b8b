//! Bounds of the log-likelihood of latent variable models.

mod elbo;
mod importance_weighted;
mod weights;

pub use elbo::{Elbo, ElboSettings};
pub use importance_weighted::{ImportanceWeighted, ImportanceWeightedSettings};
pub use weights::{LatentDraws, log_weights};
