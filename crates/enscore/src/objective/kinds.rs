//! The list of objectives that settings can name.

use super::kind::{ObjectiveFacts, ObjectiveKind};
use crate::Result;
use crate::keys::{Reader, kinds};
use crate::model::ModelSettings;

kinds! {
    /// The objective to minimise, with its settings.
    ObjectiveSettings: ObjectiveKind, by ObjectiveFacts, in "objective", "Objective to minimise." {
        /// Denoising score matching over a ladder of noise levels.
        Ncsn(super::score::NcsnSettings) = "ncsn",
        /// Denoising score matching at one noise level.
        Dsm(super::score::DsmSettings) = "dsm",
        /// Exact score matching.
        ScoreMatching(super::score::ScoreMatchingSettings) = "sm",
        /// Sliced score matching.
        SlicedScoreMatching(super::score::SlicedScoreMatchingSettings) = "ssm",
        /// Contrastive divergence with Langevin chains.
        ContrastiveDivergence(super::contrastive_divergence::ContrastiveDivergenceSettings) = "cd",
        /// Contrastive divergence with block Gibbs sampling.
        GibbsDivergence(super::gibbs::GibbsDivergenceSettings) = "cd",
        /// Noise contrastive estimation.
        NoiseContrastive(super::noise::NoiseContrastiveSettings) = "nce",
        /// Flow contrastive estimation.
        FlowContrastive(super::noise::FlowContrastiveSettings) = "fce",
        /// Energy discrepancy.
        EnergyDiscrepancy(super::energy_discrepancy::EnergyDiscrepancySettings) = "ed",
        /// The evidence lower bound.
        Elbo(super::variational::ElboSettings) = "elbo",
        /// The importance-weighted bound.
        ImportanceWeighted(super::variational::ImportanceWeightedSettings) = "iwae",
        /// The adversarial game.
        Gan(super::adversarial::GanSettings) = "gan",
        /// The Wasserstein game with a gradient penalty.
        WganGp(super::adversarial::WganGpSettings) = "wgan-gp",
        /// Closed forms and expectation maximisation.
        Fit(super::fit::FitSettings) = "fit",
        /// Maximum likelihood.
        MaximumLikelihood(super::maximum_likelihood::MaximumLikelihoodSettings) = "ml",
    }
}

impl ObjectiveSettings {
    /// Reads `[objective]` of a training of `model`.
    pub(crate) fn read(reader: &mut Reader, model: &ModelSettings) -> Result<ObjectiveSettings> {
        let deep_layers = if let ModelSettings::Dbm(dbm) = model { Some(dbm.hidden.len()) } else { None };
        let facts = ObjectiveFacts { family: model.method().family(), deep_layers };
        Self::TABLE.read(reader, &facts, &format!("model.kind = {:?}", model.name()))
    }
}
