//! Contrastive divergence of bipartite models by Gibbs sampling, and the greedy pretraining of deep ones.

mod gibbs_divergence;
mod greedy_pretraining;
mod phases;

pub use gibbs_divergence::{GibbsDivergence, GibbsDivergenceSettings};
pub use greedy_pretraining::{AfterPretraining, GreedyPretraining, RECOGNITION};
pub use phases::{Phase, contrast_phases};
