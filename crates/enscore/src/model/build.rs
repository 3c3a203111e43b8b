//! From checked settings to a network for given data.

use super::{Activation, Mlp, Score, UNet, UNetSettings};
use crate::error::{Error, Result};
use crate::settings;

/// The score network that `settings` describe, for rows of `row_shape` whose elements have this variance.
///
/// # Errors
/// An input error where the network does not fit the rows, naming what would.
pub fn build(settings: &settings::Model, row_shape: &[usize], data_variance: f64) -> Result<Box<dyn Score>> {
    match settings {
        settings::Model::Unet(unet) => {
            let image: [usize; 3] = row_shape.try_into().map_err(|_| {
                Error::input("a U-Net needs images")
                    .at("model.kind")
                    .found(format!("rows of shape {row_shape:?}"))
                    .expected("rows of shape [height, width, channels]")
                    .remedy("set model.kind = \"mlp\"")
            })?;
            let settings = UNetSettings {
                channels: unet.channels,
                multipliers: unet.multipliers.clone(),
                blocks: unet.blocks,
                groups: unet.groups,
                embedding: unet.embedding,
                data_variance,
            };
            Ok(Box::new(UNet::new(image, settings)?))
        }
        settings::Model::Mlp(mlp) => {
            let activation = match mlp.activation {
                settings::Activation::Silu => Activation::Silu,
                settings::Activation::Softplus => Activation::Softplus,
                settings::Activation::Tanh => Activation::Tanh,
            };
            Ok(Box::new(Mlp::new(row_shape, &mlp.hidden, activation, mlp.embedding, data_variance)?))
        }
    }
}
