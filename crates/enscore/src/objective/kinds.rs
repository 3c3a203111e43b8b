//! The list of objectives that settings can name.

use super::contrastive_divergence::ContrastiveDivergenceSettings;
use super::dsm::DsmSettings;
use super::gibbs::GibbsDivergenceSettings;
use super::kind::{ObjectiveFacts, ObjectiveKind};
use super::maximum_likelihood::MaximumLikelihoodSettings;
use super::ncsn::NcsnSettings;
use super::noise::{FlowContrastiveSettings, NoiseContrastiveSettings};
use super::score_matching::ScoreMatchingSettings;
use super::sliced_score_matching::SlicedScoreMatchingSettings;
use crate::Result;
use crate::keys::{Reader, kinds};
use crate::model::ModelSettings;

kinds! {
    /// The objective to minimise, with its settings.
    ObjectiveSettings: ObjectiveKind, by ObjectiveFacts, in "objective", "Objective to minimise." {
        /// Denoising score matching over a ladder of noise levels.
        Ncsn(NcsnSettings) = "ncsn",
        /// Denoising score matching at one noise level.
        Dsm(DsmSettings) = "dsm",
        /// Exact score matching.
        ScoreMatching(ScoreMatchingSettings) = "sm",
        /// Sliced score matching.
        SlicedScoreMatching(SlicedScoreMatchingSettings) = "ssm",
        /// Contrastive divergence with Langevin chains.
        ContrastiveDivergence(ContrastiveDivergenceSettings) = "cd",
        /// Contrastive divergence with block Gibbs sampling.
        GibbsDivergence(GibbsDivergenceSettings) = "cd",
        /// Noise contrastive estimation.
        NoiseContrastive(NoiseContrastiveSettings) = "nce",
        /// Flow contrastive estimation.
        FlowContrastive(FlowContrastiveSettings) = "fce",
        /// Maximum likelihood.
        MaximumLikelihood(MaximumLikelihoodSettings) = "ml",
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
