//! A variational autoencoder of perceptrons: of rows of any shape. Without hidden layers and with a Gaussian
//! likelihood of one width it is probabilistic principal component analysis (Tipping and Bishop 1999; Lucas,
//! Tucker, Grosse and Norouzi 2019).

use enscore_program::{Initial, Parameters, Var};

use super::coder::Coder;
use super::likelihood::LikelihoodSettings;
use super::vae::{VAE, Vae};
use crate::citation::Citation;
use crate::error::Result;
use crate::keys::{Kind, ListOf, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{Activation, Start, dense};
use crate::model::network::Network;

keys! {
    /// Settings of a variational autoencoder of perceptrons.
    MlpVaeSettings {
        latents: usize = 16, within(1, 65_536), "Latent variables.";
        hidden: Vec<usize> = vec![500, 500], ListOf { items: within(1, 65_536), length: within(0, 64) },
            "Width of each hidden layer of the encoder; the decoder has them in reverse order.";
        activation: Activation = Activation::Silu, (), "Activation between layers.";
        ..observed: LikelihoodSettings;
    }
}

impl Kind for MlpVaeSettings {
    type Facts = ();
}

impl ModelKind for MlpVaeSettings {
    fn family(&self) -> Family {
        Family::LatentVariable
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let coder = MlpCoder { hidden: self.hidden.clone(), activation: self.activation };
        let vae = Vae::new(data.row_shape, self.latents, coder, self.observed.of(data)?)?;
        Ok(Network::LatentVariable(Box::new(vae)))
    }

    fn noun(&self) -> &'static str {
        "a variational autoencoder"
    }

    fn cites(&self) -> Vec<Citation> {
        vec![VAE]
    }
}

/// Perceptrons with these hidden layers, the decoder's in reverse order.
#[derive(Clone, Debug)]
pub struct MlpCoder {
    /// Width of each hidden layer of the encoder.
    pub hidden: Vec<usize>,
    /// Between layers.
    pub activation: Activation,
}

impl MlpCoder {
    fn layers<'s, 'a>(
        &self,
        parameters: &Parameters<'s>,
        x: Var<'s>,
        widths: impl Iterator<Item = &'a usize>,
    ) -> Var<'s> {
        widths.enumerate().fold(x, |x, (i, width)| {
            self.activation.apply(dense(&parameters.at(&format!("hidden.{i}")), x, *width, Start::Random))
        })
    }
}

impl Coder for MlpCoder {
    fn features<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        self.layers(parameters, x, self.hidden.iter())
    }

    fn decode<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>, _width: usize, bias: &[f64]) -> Var<'s> {
        let hidden = self.layers(parameters, z, self.hidden.iter().rev());
        let output = parameters.at("output");
        let weight =
            output.get("weight", &[hidden.extent(1), bias.len()], Start::Random.initial(hidden.extent(1)));
        hidden.matmul(weight) + output.get("bias", &[bias.len()], Initial::Values(bias.into()))
    }
}
