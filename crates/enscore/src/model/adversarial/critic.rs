//! The critic of a generator: one number for each row, by a perceptron or by convolutions, optionally with
//! spectral normalisation: each weight divided by its largest singular value σ(W) = u'Wv (Miyato, Kataoka,
//! Koyama and Yoshida 2018, eq. 8), of which u and v come from power iteration and are held fixed in
//! derivatives. The iteration starts afresh at every step from the same vector, so that it needs no state.

use enscore_program::random::{Key, normal_row};
use enscore_program::{Conv, Initial, Parameters, Var};

use crate::error::{Error, Result};
use crate::keys::choice;
use crate::model::layers::{Activation, Start, check_channels, check_images};
use crate::model::standardise::Standardise;
use crate::streams;

/// Steps of the power iteration.
const POWER_STEPS: usize = 8;

choice! {
    /// The network of a critic.
    CriticKind {
        /// A perceptron.
        Mlp = "mlp",
        /// Strided convolutions, of images.
        Conv = "conv",
    }
}

/// The layers of a critic.
#[derive(Clone, Debug)]
pub enum CriticLayers {
    /// Hidden layers of these widths.
    Mlp(Vec<usize>),
    /// Channels at half the resolution, doubled by each further level.
    Conv {
        /// Channels after the first convolution.
        channels: usize,
        /// Strided convolutions.
        levels: usize,
    },
}

/// A critic. Parameters `hidden.{i}` and `output`, each `weight` and `bias`.
#[derive(Clone, Debug)]
pub struct Critic {
    layers: CriticLayers,
    activation: Activation,
    spectral: bool,
    image: Option<[usize; 3]>,
    /// Of rows that are not images.
    standardise: Option<Standardise>,
}

impl Critic {
    /// For rows of this shape with these moments.
    ///
    /// # Errors
    /// Convolutions of rows that are no images, or can't be halved that often; moments that don't fit.
    pub fn new(
        row_shape: &[usize],
        (mean, deviation): (&[f64], &[f64]),
        layers: CriticLayers,
        activation: Activation,
        spectral: bool,
    ) -> Result<Self> {
        let image: Option<[usize; 3]> = row_shape.try_into().ok();
        if let CriticLayers::Conv { channels, levels } = layers {
            let image = image.ok_or_else(|| {
                Error::input("a critic of convolutions needs images")
                    .at("objective.critic")
                    .found(format!("rows of shape {row_shape:?}"))
                    .remedy("set objective.critic = \"mlp\"")
            })?;
            check_images(image, levels, channels)?;
            check_channels(channels, levels - 1)?;
        }
        let elements = row_shape.iter().product();
        let standardise = match image {
            Some(_) => None,
            None => Some(Standardise::new(elements, mean, deviation)?),
        };
        Ok(Critic { layers, activation, spectral, image, standardise })
    }

    /// f(x) of each row x `[n, ..]`: `[n]`.
    pub fn value<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let n = x.extent(0);
        let seen = match &self.standardise {
            Some(map) => map.apply(x),
            None => x * 2.0 - 1.0,
        };
        let hidden = match (&self.layers, self.image) {
            (CriticLayers::Conv { channels, levels }, Some([height, width, depth])) => {
                let mut hidden = seen.reshape(&[n, height, width, depth]);
                for level in 0..*levels {
                    let layer = parameters.at(&format!("hidden.{level}"));
                    hidden = self.activation.apply(self.strided(&layer, hidden, channels << level));
                }
                hidden.reshape(&[n, hidden.shape()[1..].iter().product()])
            }
            (CriticLayers::Mlp(widths), _) => {
                let mut hidden = seen.reshape(&[n, x.shape()[1..].iter().product()]);
                for (i, width) in widths.iter().enumerate() {
                    let layer = parameters.at(&format!("hidden.{i}"));
                    hidden = self.activation.apply(self.dense(&layer, hidden, *width));
                }
                hidden
            }
            (CriticLayers::Conv { .. }, None) => {
                x.scope().fail("a critic of convolutions needs images".into())
            }
        };
        self.dense(&parameters.at("output"), hidden, 1).reshape(&[n])
    }

    fn dense<'s>(&self, layer: &Parameters<'s>, x: Var<'s>, width: usize) -> Var<'s> {
        let inputs = x.extent(1);
        let weight = layer.get("weight", &[inputs, width], Start::Random.initial(inputs));
        let weight = if self.spectral { weight / norm(weight) } else { weight };
        x.matmul(weight) + layer.get("bias", &[width], Initial::Constant(0.0))
    }

    /// A convolution of 4x4 pixels with stride 2.
    fn strided<'s>(&self, layer: &Parameters<'s>, x: Var<'s>, channels: usize) -> Var<'s> {
        let inputs = x.extent(3);
        let shape = [4, 4, inputs, channels];
        let weight = layer.get("weight", &shape, Start::Random.initial(16 * inputs));
        let flat = [16 * inputs, channels];
        let weight = if self.spectral { weight / norm(weight.reshape(&flat)) } else { weight };
        x.conv2d(weight, Conv::strided(2, 1)) + layer.get("bias", &[channels], Initial::Constant(0.0))
    }
}

/// The largest singular value of W `[in, out]`, differentiable in W with its singular vectors held fixed.
fn norm(weight: Var) -> Var {
    let scope = weight.scope();
    let held = weight.stop_gradient();
    let outputs = weight.extent(1);
    let mut start = vec![0.0; outputs];
    normal_row(Key::new(0, 0), streams::POWER_START, 0, &mut start);
    let mut v = unit(scope.table(&start, &[outputs, 1]));
    let mut u = unit(held.matmul(v));
    for _ in 1..POWER_STEPS {
        v = unit(held.matmul_with(u, true, false));
        u = unit(held.matmul(v));
    }
    (u * weight.matmul(v)).sum_all()
}

/// A vector of length 1; 0 stays 0.
fn unit(vector: Var) -> Var {
    vector / (vector.square().sum_all() + 1e-24).sqrt()
}
