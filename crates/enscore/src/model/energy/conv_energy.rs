//! A small convolutional energy of images, as Nijkamp, Hill, Han, Zhu and Wu 2020 ("On the Anatomy of
//! MCMC-Based Maximum Likelihood Learning of Energy-Based Models", appendix) use: a 3x3 convolution at full
//! resolution, then 4x4 convolutions of stride 2 that double the channels, then one number from all that is
//! left.
//!
//! f(x) = w' h(x) + b, `[batch, height, width, channels]` → `[batch]`, nats up to a constant. There is no
//! normalisation: it would make a row's energy depend on scale alone or on other rows.

use enscore_program::{Parameters, Var};

use super::confinement::{Confinement, ConfinementSettings, check_confinement, confined};
use crate::error::Result;
use crate::keys::{Kind, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{
    Activation, Convolution, ConvolutionSettings, Start, check_channels, check_images, conv, dense,
    halving_conv,
};
use crate::model::network::Network;
use crate::model::traits::LogDensity;

keys! {
    /// Settings of a small convolutional energy.
    ConvEnergySettings {
        channels: usize = 32, within(1, 4096), "Width at full resolution, in channels; each level doubles it.";
        levels: usize = 2, within(1, 8), "Strided convolutions; each halves the resolution.";
        activation: Activation = Activation::LeakyRelu, (), "Nonlinearity after each convolution.";
        ..confined: ConfinementSettings;
        ..convolutions: ConvolutionSettings;
    }
}

impl Kind for ConvEnergySettings {
    type Facts = ();
}

impl ModelKind for ConvEnergySettings {
    fn family(&self) -> Family {
        Family::Energy
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let shape = data.image("a convolutional energy", "mlp-energy")?;
        let confinement = self.confined.around(data.mean)?;
        let energy = ConvEnergy::new(shape, self.channels, self.levels, self.activation, confinement)?;
        Ok(Network::Energy(Box::new(energy)))
    }

    fn convolution(&self) -> Convolution {
        self.convolutions.conv
    }
}

/// A convolutional energy.
#[derive(Clone, Debug)]
pub struct ConvEnergy {
    row_shape: [usize; 3],
    channels: usize,
    levels: usize,
    activation: Activation,
    confinement: Option<Confinement>,
}

impl ConvEnergy {
    /// `channels` at full resolution, doubled by each of `levels` convolutions that halve the size.
    ///
    /// # Errors
    /// An extent of 0, a height or width that can't be halved that often, or a confinement that does not
    /// match the rows in size.
    pub fn new(
        row_shape: [usize; 3],
        channels: usize,
        levels: usize,
        activation: Activation,
        confinement: Option<Confinement>,
    ) -> Result<Self> {
        check_images(row_shape, levels, channels)?;
        check_channels(channels, levels)?;
        check_confinement(&confinement, row_shape.iter().product())?;
        Ok(ConvEnergy { row_shape, channels, levels, activation, confinement })
    }
}

impl LogDensity for ConvEnergy {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let first = conv(&parameters.at("input"), x, 3, self.channels, Start::Random);
        let mut hidden = self.activation.apply(first);
        for level in 0..self.levels {
            let width = self.channels << (level + 1);
            hidden =
                self.activation.apply(halving_conv(&parameters.at(&format!("down.{level}")), hidden, width));
        }
        let shape = hidden.shape();
        let flat = hidden.reshape(&[shape[0], shape[1..].iter().product()]);
        let network = dense(&parameters.at("output"), flat, 1, Start::Random).reshape(&[x.extent(0)]);
        confined(&self.confinement, network, x)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}
