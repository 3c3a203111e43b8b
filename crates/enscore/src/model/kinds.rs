//! The list of models that settings can name.

use super::bipartite::{DbmSettings, RbmSettings};
use super::energy::{
    ConvEnergySettings, DkefSettings, GaussianEnergySettings, MlpEnergySettings, ResidualEnergySettings,
};
use super::flow::{MultiScaleFlowSettings, RealNvpSettings};
use super::kind::ModelKind;
use super::score::{MlpSettings, UNetSettings};
use crate::Result;
use crate::keys::{Reader, kinds};

kinds! {
    /// The model to train, with its settings.
    ModelSettings: ModelKind, by (), in "model", "Kind of model to train." {
        /// A score: a U-Net of residual blocks, for images.
        UNet(UNetSettings) = "unet",
        /// A score: a multilayer perceptron, for rows of any shape.
        Mlp(MlpSettings) = "mlp",
        /// An energy: a multilayer perceptron.
        MlpEnergy(MlpEnergySettings) = "mlp-energy",
        /// An energy of images: a few strided convolutions.
        ConvEnergy(ConvEnergySettings) = "conv-energy",
        /// An energy of images: residual blocks.
        ResidualEnergy(ResidualEnergySettings) = "residual-energy",
        /// An energy: a deep kernel exponential family.
        Dkef(DkefSettings) = "dkef",
        /// An energy: a quadratic form, whose density is Gaussian.
        GaussianEnergy(GaussianEnergySettings) = "gaussian-energy",
        /// A restricted Boltzmann machine.
        Rbm(RbmSettings) = "rbm",
        /// A deep Boltzmann machine.
        Dbm(DbmSettings) = "dbm",
        /// A flow of vectors: affine couplings.
        RealNvp(RealNvpSettings) = "real-nvp",
        /// A flow of images: convolutional couplings at several scales.
        MultiScaleFlow(MultiScaleFlowSettings) = "multi-scale-flow",
    }
}

impl ModelSettings {
    /// Reads `[model]`.
    pub(crate) fn read(reader: &mut Reader) -> Result<ModelSettings> {
        Self::TABLE.read(reader, &(), "")
    }
}
