//! Figures of learning by contrast: with a model's own samples, with noise, with a flow, with a generator.

pub(super) mod contrastive_divergence;
pub(super) mod discriminators;
pub(super) mod flow_contrastive;
pub(super) mod learnt_log_z;
pub(super) mod noises;
