//! A variational autoencoder of images by convolutions: the encoder halves the image with strided ones, the
//! decoder doubles it (nearest neighbour, then a convolution; Odena, Dumoulin and Olah 2016).

use enscore_program::{Conv, Initial, Parameters, Var};

use super::coder::Coder;
use super::likelihood::LikelihoodSettings;
use super::vae::{VAE, Vae};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Kind, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{
    Activation, Convolution, ConvolutionSettings, Start, check_channels, check_images, conv, dense,
    halving_conv,
};
use crate::model::network::Network;

keys! {
    /// The size of the networks between images and latent variables.
    ConvCoderSettings {
        channels: usize = 32, within(1, 4096), "Channels at half the resolution; each further level doubles them.";
        levels: usize = 2, within(1, 8), "How often the image is halved, or doubled.";
        width: usize = 256, within(1, 65_536), "Width of the dense layer between convolutions and latent variables.";
    }
}

keys! {
    /// Settings of a variational autoencoder of convolutions.
    ConvVaeSettings {
        latents: usize = 16, within(1, 65_536), "Latent variables.";
        activation: Activation = Activation::Silu, (), "Activation between layers.";
        ..size: ConvCoderSettings;
        ..observed: LikelihoodSettings;
        ..convolutions: ConvolutionSettings;
    }
}

impl Kind for ConvVaeSettings {
    type Facts = ();
}

impl ModelKind for ConvVaeSettings {
    fn family(&self) -> Family {
        Family::LatentVariable
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let image = data.image("a convolutional autoencoder", "mlp-vae")?;
        let coder = self.size.coder(image, self.activation)?;
        let vae = Vae::new(data.row_shape, self.latents, coder, self.observed.of(data)?)?;
        Ok(Network::LatentVariable(Box::new(vae)))
    }

    fn noun(&self) -> &'static str {
        "a variational autoencoder"
    }

    fn convolution(&self) -> Convolution {
        self.convolutions.conv
    }

    fn cites(&self) -> Vec<Citation> {
        vec![VAE]
    }
}

impl ConvCoderSettings {
    /// The networks for such images.
    ///
    /// # Errors
    /// As [`ConvCoder::new`].
    pub(in crate::model) fn coder(&self, image: [usize; 3], activation: Activation) -> Result<ConvCoder> {
        ConvCoder::new(image, self.channels, self.levels, self.width, activation)
    }
}

/// Strided convolutions down, doubled images up.
#[derive(Clone, Debug)]
pub struct ConvCoder {
    image: [usize; 3],
    channels: usize,
    levels: usize,
    width: usize,
    activation: Activation,
}

impl ConvCoder {
    /// For images `[height, width, channels]`, with `channels` at half the resolution, doubled by each
    /// further of `levels` convolutions, and a dense layer of `width`.
    ///
    /// # Errors
    /// An image that can't be halved that often, an extent of 0, more channels than fit a network.
    pub fn new(
        image: [usize; 3],
        channels: usize,
        levels: usize,
        width: usize,
        activation: Activation,
    ) -> Result<Self> {
        check_images(image, levels, channels)?;
        check_channels(channels, levels - 1)?;
        Ok(ConvCoder { image, channels, levels, width, activation })
    }

    /// Channels after `level` convolutions, from 1 on.
    fn channels_at(&self, level: usize) -> usize {
        self.channels << (level - 1)
    }

    /// The extents of the smallest image.
    fn smallest(&self) -> [usize; 3] {
        let [height, width, _] = self.image;
        [height >> self.levels, width >> self.levels, self.channels_at(self.levels)]
    }
}

impl Coder for ConvCoder {
    fn features<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let [height, width, depth] = self.image;
        let mut hidden = x.reshape(&[x.extent(0), height, width, depth]);
        for level in 1..=self.levels {
            let down = parameters.at(&format!("down.{}", level - 1));
            hidden = self.activation.apply(halving_conv(&down, hidden, self.channels_at(level)));
        }
        let flat = hidden.reshape(&[x.extent(0), self.smallest().iter().product()]);
        self.activation.apply(dense(&parameters.at("dense"), flat, self.width, Start::Random))
    }

    fn decode<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>, width: usize, bias: &[f64]) -> Var<'s> {
        let n = z.extent(0);
        let [rows, columns, deepest] = self.smallest();
        let first = self.activation.apply(dense(&parameters.at("dense"), z, self.width, Start::Random));
        let spread = dense(&parameters.at("spread"), first, rows * columns * deepest, Start::Random);
        let mut hidden = self.activation.apply(spread).reshape(&[n, rows, columns, deepest]);
        for level in (1..self.levels).rev() {
            let up = parameters.at(&format!("up.{level}"));
            let wider = conv(&up, hidden.upsample_nearest(), 3, self.channels_at(level), Start::Random);
            hidden = self.activation.apply(wider);
        }
        let last = hidden.upsample_nearest();
        let output = parameters.at("output");
        let channels = self.image[2] * width;
        let shape = [3, 3, last.extent(3), channels];
        let weight = output.get("weight", &shape, Start::Random.initial(9 * shape[2]));
        let start = output.get("bias", &[bias.len()], Initial::Values(bias.into()));
        last.conv2d(weight, Conv::same(3)).reshape(&[n, bias.len()]) + start
    }
}
