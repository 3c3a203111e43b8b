//! The list of models that settings can name.

use super::kind::ModelKind;
use crate::Result;
use crate::keys::{Reader, kinds};

kinds! {
    /// The model to train, with its settings.
    ModelSettings: ModelKind, by (), in "model", "Kind of model to train." {
        /// A score: a U-Net of residual blocks, for images.
        UNet(super::score::UNetSettings) = "unet",
        /// A score: a multilayer perceptron, for rows of any shape.
        Mlp(super::score::MlpSettings) = "mlp",
        /// An energy: a multilayer perceptron.
        MlpEnergy(super::energy::MlpEnergySettings) = "mlp-energy",
        /// An energy of images: a few strided convolutions.
        ConvEnergy(super::energy::ConvEnergySettings) = "conv-energy",
        /// An energy of images: residual blocks.
        ResidualEnergy(super::energy::ResidualEnergySettings) = "residual-energy",
        /// An energy: a deep kernel exponential family.
        Dkef(super::energy::DkefSettings) = "dkef",
        /// An energy: a quadratic form, whose density is Gaussian.
        GaussianEnergy(super::energy::GaussianEnergySettings) = "gaussian-energy",
        /// An energy: a Student t, with tails that fall like a power.
        StudentTEnergy(super::energy::StudentTEnergySettings) = "student-t-energy",
        /// A restricted Boltzmann machine.
        Rbm(super::bipartite::RbmSettings) = "rbm",
        /// A deep Boltzmann machine.
        Dbm(super::bipartite::DbmSettings) = "dbm",
        /// A flow of vectors: affine couplings.
        RealNvp(super::flow::RealNvpSettings) = "real-nvp",
        /// A flow of images: convolutional couplings at several scales.
        MultiScaleFlow(super::flow::MultiScaleFlowSettings) = "multi-scale-flow",
        /// A baseline: a Gaussian.
        Gaussian(super::baseline::GaussianSettings) = "gaussian",
        /// A baseline: a mixture of Gaussians.
        GaussianMixture(super::baseline::GaussianMixtureSettings) = "gaussian-mixture",
        /// A baseline: a kernel density estimate.
        KernelDensity(super::baseline::KernelDensitySettings) = "kde",
        /// A baseline: independent bits.
        Bernoulli(super::baseline::BernoulliSettings) = "bernoulli",
        /// A baseline: a mixture of independent bits.
        BernoulliMixture(super::baseline::BernoulliMixtureSettings) = "bernoulli-mixture",
        /// An autoregressive model: a masked perceptron.
        Made(super::autoregressive::MadeSettings) = "made",
        /// An autoregressive model of images: gated masked convolutions.
        PixelCnn(super::autoregressive::PixelCnnSettings) = "pixelcnn",
        /// A variational autoencoder: perceptrons.
        MlpVae(super::latent::MlpVaeSettings) = "mlp-vae",
        /// A variational autoencoder of images: convolutions.
        ConvVae(super::latent::ConvVaeSettings) = "conv-vae",
        /// The generator of an adversarial game: a perceptron.
        MlpGenerator(super::adversarial::MlpGeneratorSettings) = "mlp-generator",
        /// The generator of an adversarial game, of images: convolutions.
        ConvGenerator(super::adversarial::ConvGeneratorSettings) = "conv-generator",
    }
}

impl ModelSettings {
    /// Reads `[model]`.
    pub(crate) fn read(reader: &mut Reader) -> Result<ModelSettings> {
        Self::TABLE.read(reader, &(), "")
    }
}
