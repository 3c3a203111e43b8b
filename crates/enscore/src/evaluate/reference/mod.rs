//! What results are compared with: closed forms, baselines, the divergence from a known score.

mod analytic;
mod bernoulli_baseline;
mod fisher_divergence;
mod linear_baseline;

pub use analytic::{IsotropicMixture, NoisyMixture};
pub use bernoulli_baseline::BernoulliBaseline;
pub use fisher_divergence::{FisherDivergence, fisher_divergence, weighted_fisher_divergence};
pub use linear_baseline::{LinearBaseline, affine_loss, held_out_linear_baseline, linear_baseline};
