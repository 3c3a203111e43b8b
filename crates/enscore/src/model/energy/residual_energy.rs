//! A residual energy of images (He, Zhang, Ren and Sun 2016, without normalisation; the shape of Du and
//! Mordatch 2019's energies): at each resolution blocks h + conv(φ(conv(φ(h)))), then half the size by
//! average pooling, at last the sum over pixels and one number. `[batch, height, width, channels]` →
//! `[batch]`, nats up to a constant.

use enscore_program::{Parameters, Var};

use super::confinement::{Confinement, ConfinementSettings, check_confinement, confined};
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Kind, ListOf, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{
    Activation, Convolution, ConvolutionSettings, RESIDUAL, Start, check_images, conv, dense,
};
use crate::model::network::Network;
use crate::model::traits::LogDensity;

keys! {
    /// Settings of a residual convolutional energy: blocks without normalisation at halving resolutions.
    ResidualEnergySettings {
        channels: usize = 32, within(1, 4096), "Width at full resolution, in channels.";
        multipliers: Vec<usize> = vec![1, 2, 2], ListOf { items: within(1, 64), length: within(1, 8) },
            "Width of each level as a multiple of channels; each level after the first halves the resolution.";
        blocks: usize = 1, within(1, 16), "Residual blocks per level.";
        activation: Activation = Activation::Silu, (), "Nonlinearity.";
        ..confined: ConfinementSettings;
        ..convolutions: ConvolutionSettings;
    }
}

impl Kind for ResidualEnergySettings {
    type Facts = ();
}

impl ModelKind for ResidualEnergySettings {
    fn family(&self) -> Family {
        Family::Energy
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let shape = data.image("a residual energy", "mlp-energy")?;
        let confinement = self.confined.around(data.mean)?;
        let widths: Vec<usize> =
            self.multipliers.iter().map(|multiplier| multiplier * self.channels).collect();
        let energy = ResidualEnergy::new(shape, &widths, self.blocks, self.activation, confinement)?;
        Ok(Network::Energy(Box::new(energy)))
    }

    fn cites(&self) -> Vec<Citation> {
        vec![RESIDUAL]
    }

    fn convolution(&self) -> Convolution {
        self.convolutions.conv
    }
}

/// A residual convolutional energy.
#[derive(Clone, Debug)]
pub struct ResidualEnergy {
    row_shape: [usize; 3],
    widths: Vec<usize>,
    blocks: usize,
    activation: Activation,
    confinement: Option<Confinement>,
}

impl ResidualEnergy {
    /// The width of each resolution in channels, each half the one before it in size; blocks at each.
    ///
    /// # Errors
    /// No width, an extent of 0, a height or width that can't be halved so often, a confinement for rows of
    /// another size.
    pub fn new(
        row_shape: [usize; 3],
        widths: &[usize],
        blocks: usize,
        activation: Activation,
        confinement: Option<Confinement>,
    ) -> Result<Self> {
        let least = widths.iter().copied().min().unwrap_or(0);
        check_images(row_shape, widths.len().max(1) - 1, least)?;
        check_confinement(&confinement, row_shape.iter().product())?;
        match blocks {
            0 => Err(Error::input("the network is empty").at("blocks").found(0).expected("at least 1")),
            _ => Ok(ResidualEnergy { row_shape, widths: widths.to_vec(), blocks, activation, confinement }),
        }
    }

    fn block<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, width: usize) -> Var<'s> {
        let phi = |x| self.activation.apply(x);
        let hidden = conv(&parameters.at("conv1"), phi(x), 3, width, Start::Random);
        let hidden = conv(&parameters.at("conv2"), phi(hidden), 3, width, Start::Random);
        let identity =
            if x.extent(3) == width { x } else { conv(&parameters.at("skip"), x, 1, width, Start::Random) };
        identity + hidden
    }
}

impl LogDensity for ResidualEnergy {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let mut hidden = conv(&parameters.at("input"), x, 3, self.widths[0], Start::Random);
        for (level, width) in self.widths.iter().enumerate() {
            if level > 0 {
                hidden = hidden.average_pool();
            }
            for block in 0..self.blocks {
                hidden = self.block(&parameters.at(&format!("level.{level}.{block}")), hidden, *width);
            }
        }
        let pooled = self.activation.apply(hidden).sum(&[1, 2]);
        let network = dense(&parameters.at("output"), pooled, 1, Start::Random).reshape(&[x.extent(0)]);
        confined(&self.confinement, network, x)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}
