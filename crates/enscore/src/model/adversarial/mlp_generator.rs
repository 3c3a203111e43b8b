//! A generator: a perceptron, for rows of any shape.

use super::generator::{GAN, Generated, Output};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Kind, ListOf, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::latent::MlpCoder;
use crate::model::layers::Activation;
use crate::model::network::Network;

keys! {
    /// Settings of a generator that is a perceptron.
    MlpGeneratorSettings {
        latents: usize = 32, within(1, 65_536), "Numbers of noise that a row is made of.";
        hidden: Vec<usize> = vec![128, 128], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer.";
        activation: Activation = Activation::LeakyRelu, (), "Activation between layers.";
    }
}

impl Kind for MlpGeneratorSettings {
    type Facts = ();
}

impl ModelKind for MlpGeneratorSettings {
    fn family(&self) -> Family {
        Family::Generator
    }

    /// Images have values in (0, 1); other rows the data's mean and deviation where the network gives
    /// N(0, 1).
    fn build(&self, data: &DataFacts) -> Result<Network> {
        let elements = data.row_shape.iter().product();
        let output = match data.row_shape.len() {
            3 => Output::Unit,
            _ => Output::affine(elements, data.mean, data.deviation)?,
        };
        // The decoder has the layers in reverse order.
        let hidden = self.hidden.iter().rev().copied().collect();
        let coder = MlpCoder { hidden, activation: self.activation };
        Ok(Network::Generator(Box::new(Generated::new(data.row_shape, self.latents, coder, output)?)))
    }

    fn cites(&self) -> Vec<Citation> {
        vec![GAN]
    }
}
