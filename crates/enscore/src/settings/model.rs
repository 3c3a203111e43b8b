//! `[model]`: the model to train: a score network, an unnormalised log density (an energy), or a
//! normalizing flow.

use super::reading::{ListOf, Reader, above, at_least, choice, keys, within};
use crate::Result;

choice! {
    /// A kind of model.
    Kind {
        /// A score: a U-Net of residual blocks, for images.
        Unet = "unet",
        /// A score: a multilayer perceptron, for rows of any shape.
        Mlp = "mlp",
        /// An energy: a multilayer perceptron.
        MlpEnergy = "mlp-energy",
        /// An energy of images: a few strided convolutions.
        ConvEnergy = "conv-energy",
        /// An energy of images: residual blocks.
        ResidualEnergy = "residual-energy",
        /// An energy: a deep kernel exponential family.
        Dkef = "dkef",
        /// An energy: a quadratic form, whose density is Gaussian.
        GaussianEnergy = "gaussian-energy",
        /// A restricted Boltzmann machine.
        Rbm = "rbm",
        /// A deep Boltzmann machine.
        Dbm = "dbm",
        /// A flow of vectors: affine couplings.
        RealNvp = "real-nvp",
        /// A flow of images: convolutional couplings at several scales.
        MultiScaleFlow = "multi-scale-flow",
    }
}

choice! {
    /// The visible units of a restricted Boltzmann machine.
    VisibleUnits {
        /// In {0, 1}.
        Bernoulli = "bernoulli",
        /// Real numbers, Gaussian given the hidden units.
        Gaussian = "gaussian",
    }
}

choice! {
    /// How convolutions are computed.
    Convolution {
        /// The fastest algorithm for each shape.
        Auto = "auto",
        /// The direct algorithm everywhere: slower, with the smallest rounding error.
        Direct = "direct",
    }
}

choice! {
    /// The nonlinearity of a perceptron.
    Activation {
        /// x sigmoid(x).
        Silu = "silu",
        /// ln(1 + exp(x)).
        Softplus = "softplus",
        /// tanh(x).
        Tanh = "tanh",
        /// max(x, x/5).
        LeakyRelu = "leaky-relu",
    }
}

keys! {
    /// A U-Net: residual blocks at halving resolutions, joined by skip connections.
    Unet {
        channels: usize = 32, within(1, 4096), "Width at full resolution, in channels.";
        multipliers: Vec<usize> = vec![1, 2, 2], ListOf { items: within(1, 64), length: within(1, 8) },
            "Width of each level as a multiple of channels; each level after the first halves the resolution.";
        blocks: usize = 1, within(1, 16), "Residual blocks per level.";
        groups: usize = 8, within(1, 4096), "Groups of GroupNorm; must divide the width of every level.";
        embedding: usize = 64, within(0, 4096),
            "Width of the embedding of log sigma; 0: none, an unconditional network whose output is divided by sigma.";
        conv: Convolution = Convolution::Auto, (), "Convolution algorithm: the fastest for each shape, or direct everywhere (slower, smallest rounding error).";
    }
}

keys! {
    /// A multilayer perceptron.
    Mlp {
        hidden: Vec<usize> = vec![128, 128], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer.";
        activation: Activation = Activation::Silu, (), "Nonlinearity after each hidden layer.";
        embedding: usize = 64, within(0, 4096),
            "Width of the embedding of log sigma; 0: none, an unconditional network whose output is divided by sigma.";
    }
}

keys! {
    /// A perceptron whose output is an unnormalised log density.
    MlpEnergy {
        hidden: Vec<usize> = vec![128, 128], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer.";
        activation: Activation = Activation::Softplus, (), "Nonlinearity after each hidden layer.";
        confinement: f64 = 0.0, at_least(0.0),
            "Standard deviation s of a factor exp(-|x - c|^2 / (2 s^2)) around the data's centre c that makes the density normalisable, in units of the scaled data; 0: no factor.";
    }
}

keys! {
    /// An energy of images: one convolution at full resolution, then strided ones, then one number.
    ConvEnergy {
        channels: usize = 32, within(1, 4096), "Width at full resolution, in channels; each level doubles it.";
        levels: usize = 2, within(1, 8), "Strided convolutions; each halves the resolution.";
        activation: Activation = Activation::LeakyRelu, (), "Nonlinearity after each convolution.";
        confinement: f64 = 0.0, at_least(0.0),
            "Standard deviation s of a factor exp(-|x - c|^2 / (2 s^2)) around the data's centre c that makes the density normalisable, in units of the scaled data; 0: no factor.";
        conv: Convolution = Convolution::Auto, (), "Convolution algorithm: the fastest for each shape, or direct everywhere (slower, smallest rounding error).";
    }
}

keys! {
    /// An energy of images: residual blocks without normalisation at halving resolutions, then one number.
    ResidualEnergy {
        channels: usize = 32, within(1, 4096), "Width at full resolution, in channels.";
        multipliers: Vec<usize> = vec![1, 2, 2], ListOf { items: within(1, 64), length: within(1, 8) },
            "Width of each level as a multiple of channels; each level after the first halves the resolution.";
        blocks: usize = 1, within(1, 16), "Residual blocks per level.";
        activation: Activation = Activation::Silu, (), "Nonlinearity.";
        confinement: f64 = 0.0, at_least(0.0),
            "Standard deviation s of a factor exp(-|x - c|^2 / (2 s^2)) around the data's centre c that makes the density normalisable, in units of the scaled data; 0: no factor.";
        conv: Convolution = Convolution::Auto, (), "Convolution algorithm: the fastest for each shape, or direct everywhere (slower, smallest rounding error).";
    }
}

keys! {
    /// A deep kernel exponential family (Wenliang et al. 2019): f(x) = sum_i a_i k(x, z_i) + log q0(x).
    Dkef {
        kernels: usize = 3, within(1, 64), "Number of Gaussian kernels on learnt features in the mixture.";
        inducing: usize = 200, within(1, 100_000), "Inducing points z_i; they start at training rows.";
        width: usize = 30, within(1, 65_536), "Width of the layers of each kernel's feature network.";
        layers: usize = 3, within(1, 16), "Layers of each kernel's feature network.";
    }
}

keys! {
    /// f(x) = -(x - m)' P (x - m) / 2 with free m and symmetric P.
    GaussianEnergy {}
}

keys! {
    /// A restricted Boltzmann machine (Smolensky 1986; Hinton 2002): ln p(v, h) = b'v + c'h + v'Wh - ln Z.
    Rbm {
        hidden: usize = 500, within(1, 1 << 20), "Hidden units, in {0, 1}.";
        visible: VisibleUnits = VisibleUnits::Bernoulli, (), "Kind of visible units.";
        deviation: f64 = 1.0, above(0.0),
            "With visible = \"gaussian\": standard deviation of a visible unit given the hidden units, in units of the scaled data.";
    }
}

keys! {
    /// A deep Boltzmann machine (Salakhutdinov and Hinton 2009): layers of units in {0, 1}, each with weights
    /// to the next.
    Dbm {
        hidden: Vec<usize> = vec![500, 1000], ListOf { items: within(1, 1 << 20), length: within(2, 3) },
            "Width of each hidden layer, bottom to top.";
        mean_field_steps: usize = 10, within(1, 1000),
            "Mean-field sweeps over the hidden layers given the visible units, initialised by an upward pass with doubled weights.";
    }
}

keys! {
    /// Affine couplings with perceptrons (Dinh, Sohl-Dickstein and Bengio 2017).
    RealNvp {
        couplings: usize = 8, within(1, 1024), "Affine couplings.";
        hidden: Vec<usize> = vec![64, 64], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer of a coupling's perceptron.";
    }
}

keys! {
    /// Convolutional couplings at several scales (Dinh, Sohl-Dickstein and Bengio 2017, section 3.6).
    MultiScaleFlow {
        channels: usize = 32, within(1, 4096), "Width of a coupling's convolutions, in channels.";
        scales: usize = 2, within(1, 8), "Scales; each halves the resolution and factors out half of its channels.";
        couplings: usize = 4, within(1, 64), "Affine couplings at each scale.";
        conv: Convolution = Convolution::Auto, (), "Convolution algorithm: the fastest for each shape, or direct everywhere (slower, smallest rounding error).";
    }
}

/// The model to train.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// A score of images.
    Unet(Unet),
    /// A score of rows of any shape.
    Mlp(Mlp),
    /// A perceptron energy.
    MlpEnergy(MlpEnergy),
    /// A small convolutional energy.
    ConvEnergy(ConvEnergy),
    /// A residual convolutional energy.
    ResidualEnergy(ResidualEnergy),
    /// A deep kernel exponential family.
    Dkef(Dkef),
    /// A quadratic energy.
    GaussianEnergy(GaussianEnergy),
    /// A restricted Boltzmann machine.
    Rbm(Rbm),
    /// A deep Boltzmann machine.
    Dbm(Dbm),
    /// A flow of vectors.
    RealNvp(RealNvp),
    /// A flow of images.
    MultiScaleFlow(MultiScaleFlow),
}

/// What a model computes, which decides the objectives that can train it and the samplers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The gradient of a log density.
    Score,
    /// An unnormalised log density.
    Energy,
    /// A bipartite unnormalised log density, with block Gibbs sampling.
    Bipartite,
    /// A normalised log density with exact samples.
    Flow,
}

impl Unet {
    /// The width of each level, in channels.
    pub fn widths(&self) -> Vec<usize> {
        self.multipliers.iter().map(|multiplier| multiplier * self.channels).collect()
    }
}

impl Model {
    /// The family of the model.
    pub fn family(&self) -> Family {
        match self {
            Model::Unet(_) | Model::Mlp(_) => Family::Score,
            Model::RealNvp(_) | Model::MultiScaleFlow(_) => Family::Flow,
            Model::Rbm(_) | Model::Dbm(_) => Family::Bipartite,
            _ => Family::Energy,
        }
    }

    /// How the model's convolutions are computed.
    pub fn convolution(&self) -> Convolution {
        match self {
            Model::Unet(unet) => unet.conv,
            Model::ConvEnergy(energy) => energy.conv,
            Model::ResidualEnergy(energy) => energy.conv,
            Model::MultiScaleFlow(flow) => flow.conv,
            _ => Convolution::Auto,
        }
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Model> {
        reader.table("model");
        let Some(kind) = reader.optional("kind", (), "Kind of model to train.")? else {
            return Err(reader
                .missing("model.kind")
                .expected("kind = \"unet\", \"mlp\", \"mlp-energy\" or another"));
        };
        match kind {
            Kind::Unet => {
                reader.only_with("model.kind = \"unet\"");
                let unet = Unet::read_keys(reader)?;
                if let Some(width) = unet.widths().into_iter().find(|width| width % unet.groups != 0) {
                    return Err(reader
                        .wrong("groups")
                        .found(format!("{} for a level of {width} channels", unet.groups))
                        .expected("a divisor of every level's width"));
                }
                Ok(Model::Unet(unet))
            }
            Kind::Mlp => {
                reader.only_with("model.kind = \"mlp\"");
                Ok(Model::Mlp(Mlp::read_keys(reader)?))
            }
            other => Model::read_density(other, reader),
        }
    }

    /// An energy or a flow.
    fn read_density(kind: Kind, reader: &mut Reader) -> Result<Model> {
        reader.only_with(match kind {
            Kind::ConvEnergy => "model.kind = \"conv-energy\"",
            Kind::ResidualEnergy => "model.kind = \"residual-energy\"",
            Kind::Dkef => "model.kind = \"dkef\"",
            Kind::GaussianEnergy => "model.kind = \"gaussian-energy\"",
            Kind::Rbm => "model.kind = \"rbm\"",
            Kind::Dbm => "model.kind = \"dbm\"",
            Kind::RealNvp => "model.kind = \"real-nvp\"",
            Kind::MultiScaleFlow => "model.kind = \"multi-scale-flow\"",
            _ => "model.kind = \"mlp-energy\"",
        });
        Ok(match kind {
            Kind::ConvEnergy => Model::ConvEnergy(ConvEnergy::read_keys(reader)?),
            Kind::ResidualEnergy => Model::ResidualEnergy(ResidualEnergy::read_keys(reader)?),
            Kind::Dkef => Model::Dkef(Dkef::read_keys(reader)?),
            Kind::GaussianEnergy => Model::GaussianEnergy(GaussianEnergy::read_keys(reader)?),
            Kind::Rbm => Model::Rbm(Rbm::read_keys(reader)?),
            Kind::Dbm => Model::Dbm(Dbm::read_keys(reader)?),
            Kind::RealNvp => Model::RealNvp(RealNvp::read_keys(reader)?),
            Kind::MultiScaleFlow => Model::MultiScaleFlow(MultiScaleFlow::read_keys(reader)?),
            _ => Model::MlpEnergy(MlpEnergy::read_keys(reader)?),
        })
    }
}
