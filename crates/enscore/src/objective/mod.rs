//! Objectives: what training minimises. Each is a plain function of a model, a batch and a key; one file per
//! method, which also declares its settings ([`ObjectiveKind`]); [`ObjectiveSettings`] lists them all.

mod adversarial;
mod chain_settings;
mod contrastive_divergence;
mod energy_discrepancy;
mod estimate;
mod evaluation;
mod fit;
mod gibbs;
mod kind;
mod kinds;
mod maximum_likelihood;
mod noise;
mod score;
mod task;
mod variational;

pub use adversarial::{
    Adversarial, CRITIC, CriticSettings, Game, GanSettings, Role, WganGpSettings, gradient_penalty,
};
pub use chain_settings::{ChainSettings, ChainStart, GibbsChainSettings, LangevinChainSettings};
pub use contrastive_divergence::{ContrastiveDivergence, ContrastiveDivergenceSettings};
pub use energy_discrepancy::{EnergyDiscrepancy, EnergyDiscrepancySettings};
pub use estimate::{Batch, Diagnostic, Estimate, Objective};
pub use evaluation::{evaluation_program, objective_program};
pub use fit::FitSettings;
pub use gibbs::{
    AfterPretraining, GibbsDivergence, GibbsDivergenceSettings, GreedyPretraining, Phase, RECOGNITION,
    contrast_phases,
};
pub use kind::{HeldOutLoss, ObjectiveKind, Scene};
pub use kinds::ObjectiveSettings;
pub use maximum_likelihood::{MaximumLikelihood, MaximumLikelihoodSettings};
pub use noise::{
    FLOW, FlowContrastive, FlowContrastiveSettings, FrozenFlow, LOG_Z, Noise, NoiseContrastive,
    NoiseContrastiveSettings, NoiseKind, NoiseSettings, contrast, refuse_zero_density,
};
pub use score::{
    Directions, Dsm, DsmSettings, Ncsn, NcsnSettings, ScoreMatching, ScoreMatchingSettings,
    SlicedScoreMatching, SlicedScoreMatchingSettings, denoising_loss, loss_at,
};
pub use task::{Alternation, Player, Side, Task};
pub use variational::{
    Elbo, ElboSettings, ImportanceWeighted, ImportanceWeightedSettings, LatentDraws, log_weights,
};
