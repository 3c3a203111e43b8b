//! A generator of images: a dense layer, then images that are doubled and convolved.

use super::generator::{GAN, Generated, Output};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Kind, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::latent::ConvCoderSettings;
use crate::model::layers::{Activation, Convolution, ConvolutionSettings};
use crate::model::network::Network;

keys! {
    /// Settings of a generator of images by convolutions.
    ConvGeneratorSettings {
        latents: usize = 64, within(1, 65_536), "Numbers of noise that an image is made of.";
        activation: Activation = Activation::LeakyRelu, (), "Activation between layers.";
        ..size: ConvCoderSettings;
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
        let coder = self.size.coder(image, self.activation)?;
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
