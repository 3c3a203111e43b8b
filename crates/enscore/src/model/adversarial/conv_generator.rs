//! A generator of images: a dense layer, then images that are doubled and convolved.

use super::generator::{GAN, Generated, Output};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Kind, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::latent::ConvVae;
use crate::model::layers::{Activation, Convolution, ConvolutionSettings};
use crate::model::network::Network;

keys! {
    /// Settings of a generator of images by convolutions.
    ConvGeneratorSettings {
        latents: usize = 64, within(1, 65_536), "Numbers of noise that an image is made of.";
        channels: usize = 32, within(1, 4096), "Channels at half the resolution; each further level doubles them.";
        levels: usize = 2, within(1, 8), "How often the image is doubled.";
        width: usize = 256, within(1, 65_536), "Width of the dense layer before the smallest image.";
        activation: Activation = Activation::LeakyRelu, (), "Activation between layers.";
        ..convolutions: ConvolutionSettings;
    }
}

impl Kind for ConvGeneratorSettings {
    type Facts = ();
}

impl ModelKind for ConvGeneratorSettings {
    fn family(&self) -> Family {
        Family::Generator
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let image = data.image("a convolutional generator", "mlp-generator")?;
        let ConvGeneratorSettings { channels, levels, width, activation, .. } = *self;
        let coder = ConvVae::new(image, channels, levels, width, activation)?;
        let generator = Generated::new(data.row_shape, self.latents, coder, Output::Unit)?;
        Ok(Network::Generator(Box::new(generator)))
    }

    fn convolution(&self) -> Convolution {
        self.convolutions.conv
    }

    fn cites(&self) -> Vec<Citation> {
        vec![GAN]
    }
}
