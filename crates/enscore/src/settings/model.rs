//! `[model]`: the score network.

use super::reader::{Reader, keys};
use super::value::{ListOf, choice, within};
use crate::Result;

choice! {
    /// A kind of score network.
    Kind {
        /// A U-Net of residual blocks, for images.
        Unet = "unet",
        /// A multilayer perceptron, for rows of any shape.
        Mlp = "mlp",
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
            "Width of the embedding of log sigma; 0: the network sees no sigma and its output is divided by it.";
        conv: Convolution = Convolution::Auto, (), "How convolutions are computed.";
    }
}

keys! {
    /// A multilayer perceptron.
    Mlp {
        hidden: Vec<usize> = vec![128, 128], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer.";
        activation: Activation = Activation::Silu, (), "The nonlinearity after each hidden layer.";
        embedding: usize = 64, within(0, 4096),
            "Width of the embedding of log sigma; 0: the network sees no sigma and its output is divided by it.";
    }
}

/// The score network.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    /// For images.
    Unet(Unet),
    /// For rows of any shape.
    Mlp(Mlp),
}

impl Unet {
    /// The width of each level, in channels.
    pub fn widths(&self) -> Vec<usize> {
        self.multipliers.iter().map(|multiplier| multiplier * self.channels).collect()
    }
}

impl Model {
    pub(super) fn read(reader: &mut Reader) -> Result<Model> {
        reader.table("model");
        let Some(kind) = reader.optional("kind", (), "The score network.")? else {
            return Err(reader.missing("model.kind").expected("kind = \"unet\" or kind = \"mlp\""));
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
        }
    }
}
