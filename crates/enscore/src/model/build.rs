//! From checked settings to a model for given data.

use super::{
    Activation, Confinement, ConvEnergy, Dbm, Dkef, DkefSettings, GaussianEnergy, Mlp, MlpEnergy,
    MultiScaleFlow, Network, Rbm, RealNvp, ResidualEnergy, UNet, UNetSettings, Units,
};
use crate::error::{Error, Result};
use crate::settings;

/// The facts about the data that a model is built from.
#[derive(Clone, Copy, Debug)]
pub struct DataFacts<'a> {
    /// The extents of a row.
    pub row_shape: &'a [usize],
    /// The variance over all rows and elements.
    pub variance: f64,
    /// The mean of each element; may be empty for a score.
    pub mean: &'a [f64],
    /// The standard deviation of each element; may be empty for a score.
    pub deviation: &'a [f64],
    /// Rows of the data that parameters start at (see [`starting_rows`]); empty where the start does not
    /// matter, as for a model whose weights are known.
    pub rows: &'a [f64],
}

/// The model that `settings` describe, for such data.
///
/// # Errors
/// An input error where the model does not fit the rows, naming what would.
pub fn build(settings: &settings::Model, data: &DataFacts) -> Result<Network> {
    match settings {
        settings::Model::Unet(unet) => {
            let settings = UNetSettings {
                channels: unet.channels,
                multipliers: unet.multipliers.clone(),
                blocks: unet.blocks,
                groups: unet.groups,
                embedding: unet.embedding,
                data_variance: data.variance,
            };
            Ok(Network::Score(Box::new(UNet::new(image(data, "a U-Net", "mlp")?, settings)?)))
        }
        settings::Model::Mlp(mlp) => {
            let activation = activation(mlp.activation);
            let mlp = Mlp::new(data.row_shape, &mlp.hidden, activation, mlp.embedding, data.variance)?;
            Ok(Network::Score(Box::new(mlp)))
        }
        settings::Model::MlpEnergy(mlp) => {
            let energy = MlpEnergy::new(data.row_shape, &mlp.hidden, activation(mlp.activation))?;
            Ok(Network::Energy(match confinement(mlp.confinement, data)? {
                Some(confinement) => Box::new(energy.confined(confinement)?),
                None => Box::new(energy),
            }))
        }
        settings::Model::ConvEnergy(conv) => {
            let (shape, confinement) =
                (image(data, "a convolutional energy", "mlp-energy")?, confinement(conv.confinement, data)?);
            let activation = activation(conv.activation);
            let energy = ConvEnergy::new(shape, conv.channels, conv.levels, activation, confinement)?;
            Ok(Network::Energy(Box::new(energy)))
        }
        settings::Model::ResidualEnergy(residual) => {
            let (shape, confinement) =
                (image(data, "a residual energy", "mlp-energy")?, confinement(residual.confinement, data)?);
            let widths: Vec<usize> =
                residual.multipliers.iter().map(|multiplier| multiplier * residual.channels).collect();
            let activation = activation(residual.activation);
            let energy = ResidualEnergy::new(shape, &widths, residual.blocks, activation, confinement)?;
            Ok(Network::Energy(Box::new(energy)))
        }
        settings::Model::Dkef(dkef) => {
            let settings::Dkef { kernels, inducing, width, layers } = *dkef;
            let size = DkefSettings { kernels, inducing, width, layers };
            let dkef = Dkef::new(data.row_shape, size, data.mean, data.deviation, data.rows)?;
            Ok(Network::Energy(Box::new(dkef)))
        }
        settings::Model::GaussianEnergy(_) => {
            Ok(Network::Energy(Box::new(GaussianEnergy::new(data.row_shape)?)))
        }
        settings::Model::Rbm(rbm) => {
            let units = match rbm.visible {
                settings::VisibleUnits::Bernoulli => Units::Bernoulli,
                settings::VisibleUnits::Gaussian => Units::Gaussian { deviation: rbm.deviation },
            };
            let machine = Rbm::new(data.row_shape, rbm.hidden, units)?.starting_at(data.mean)?;
            Ok(Network::Bipartite(Box::new(machine)))
        }
        settings::Model::Dbm(dbm) => Ok(Network::Bipartite(Box::new(deep_machine(dbm, data)?))),
        settings::Model::MultiScaleFlow(flow) => {
            let shape = image(data, "a multi-scale flow", "real-nvp")?;
            let (mean, deviation) = (data.mean, data.deviation);
            let flow =
                MultiScaleFlow::new(shape, flow.channels, flow.scales, flow.couplings, mean, deviation)?;
            Ok(Network::Flow(Box::new(flow)))
        }
        settings::Model::RealNvp(flow) => {
            let (shape, couplings) = (data.row_shape, flow.couplings);
            let flow = RealNvp::new(shape, couplings, &flow.hidden, data.mean, data.deviation)?;
            Ok(Network::Flow(Box::new(flow)))
        }
    }
}

/// The deep Boltzmann machine that `settings` describe, for such data.
///
/// # Errors
/// As [`Dbm::new`] and [`Dbm::starting_at`].
pub fn deep_machine(settings: &settings::Dbm, data: &DataFacts) -> Result<Dbm> {
    Dbm::new(data.row_shape, &settings.hidden, settings.mean_field_steps)?.starting_at(data.mean)
}

/// How many rows of the data the model's parameters start at.
pub fn starting_rows(settings: &settings::Model) -> usize {
    match settings {
        settings::Model::Dkef(dkef) => dkef.inducing,
        _ => 0,
    }
}

/// The confinement of this deviation around the data's mean; 0 is none.
fn confinement(deviation: f64, data: &DataFacts) -> Result<Option<Confinement>> {
    (deviation > 0.0).then(|| Confinement::new(data.mean, deviation)).transpose()
}

fn activation(settings: settings::Activation) -> Activation {
    match settings {
        settings::Activation::Silu => Activation::Silu,
        settings::Activation::Softplus => Activation::Softplus,
        settings::Activation::Tanh => Activation::Tanh,
        settings::Activation::LeakyRelu => Activation::LeakyRelu,
    }
}

/// The extents of images, which `what` needs; vectors have `instead`.
fn image(data: &DataFacts, what: &str, instead: &str) -> Result<[usize; 3]> {
    data.row_shape.try_into().map_err(|_| {
        Error::input(format!("{what} needs images"))
            .at("model.kind")
            .found(format!("rows of shape {:?}", data.row_shape))
            .expected("rows of shape [height, width, channels]")
            .remedy(format!("set model.kind = \"{instead}\""))
    })
}
