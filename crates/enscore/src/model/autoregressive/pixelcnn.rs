//! The gated PixelCNN (van den Oord, Kalchbrenner, Espeholt, Vinyals, Graves and Kavukcuoglu 2016): pixels in
//! the order of reading, each given all before it by two stacks of convolutions,
//!
//! ```text
//! v_0 = 7x7 conv of the rows above,           h_0 = conv of the 3 pixels to the left + A v_0,
//! p_l = 3x3 conv of v_(l-1), this row and the one above,
//! q_l = conv of h_(l-1), this pixel and the one to the left, + B_l p_l,
//! v_l = g(p_l),   h_l = h_(l-1) + C_l g(q_l),   g(a, b) = tanh(a) σ(b),
//! heads = E silu(D silu(h_L)),
//! ```
//!
//! where v at a pixel knows the rows above it alone, and h the pixels to its left, too. Convolutions keep the
//! size; what they must not see has weight 0. The density of a pixel is Bernoulli, or a mixture of logistic
//! distributions between the edges of grey levels (Salimans, Karpathy, Chen and Kingma 2017, eq. 2).

use enscore_program::{Conv, Initial, Parameters, Var};

use super::pixelcnn_draws::{FIRST, Grid, LEFT, PixelCnnDraws};
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::executor::Weights;
use crate::keys::{Kind, choice, keys, within};
use crate::model::conditional::{Component, Conditional};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{Convolution, ConvolutionSettings, Start};
use crate::model::network::Network;
use crate::model::tracing::sum_rows;
use crate::model::traits::{LogDensity, Normalised, SequentialDraws, Support};

choice! {
    /// The density of a pixel given those before it.
    Pixels {
        /// Of black and white.
        Bernoulli = "bernoulli",
        /// Of grey levels.
        Levels = "discretised-logistic-mixture",
    }
}

keys! {
    /// Settings of a gated PixelCNN.
    PixelCnnSettings {
        channels: usize = 32, within(1, 4096), "Channels of both stacks.";
        layers: usize = 7, within(1, 256), "Gated layers.";
        pixels: Pixels = Pixels::Bernoulli, (), "Density of a pixel given those before it: \"bernoulli\" for black and white, else a mixture over grey levels.";
        components: usize = 10, within(1, 1024), "With pixels = \"discretised-logistic-mixture\": components.";
        ..convolutions: ConvolutionSettings;
    }
}

impl Kind for PixelCnnSettings {
    type Facts = ();
}

impl ModelKind for PixelCnnSettings {
    fn family(&self) -> Family {
        Family::Autoregressive
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let [height, width, depth] = data.image("a PixelCNN", "made")?;
        if depth != 1 {
            return Err(Error::input("a PixelCNN draws grey images")
                .at("model.kind")
                .found(format!("{depth} channels"))
                .expected("1 channel")
                .remedy("set data.colour = \"grey\""));
        }
        let conditional = match (self.pixels, data.levels) {
            (Pixels::Bernoulli, _) => Conditional::Bernoulli,
            (Pixels::Levels, Some(levels)) => {
                Conditional::Mixture { of: Component::Levels(levels), components: self.components }
            }
            (Pixels::Levels, None) => {
                return Err(Error::input("the data have no levels")
                    .at("model.pixels")
                    .found("\"discretised-logistic-mixture\"")
                    .expected("data of bytes, or of another fixed number of levels"));
            }
        };
        let mean = data.mean.iter().sum::<f64>() / data.mean.len().max(1) as f64;
        let net = PixelCnn::new([height, width], self.channels, self.layers, conditional, mean)?;
        Ok(Network::Normalised(Box::new(net)))
    }

    fn noun(&self) -> &'static str {
        "a PixelCNN"
    }

    fn convolution(&self) -> Convolution {
        self.convolutions.conv
    }

    fn cites(&self) -> Vec<Citation> {
        let gated = Citation {
            role: "autoregressive model: gated PixelCNN",
            authors: "Aaron van den Oord, Nal Kalchbrenner, Lasse Espeholt, Oriol Vinyals, Alex Graves, Koray \
                      Kavukcuoglu",
            year: 2016,
            title: "Conditional Image Generation with PixelCNN Decoders",
            venue: "Advances in Neural Information Processing Systems 29, 4790-4798",
        };
        let levels = Citation {
            role: "density of a pixel: discretised mixture of logistic distributions",
            authors: "Tim Salimans, Andrej Karpathy, Xi Chen, Diederik P. Kingma",
            year: 2017,
            title: "PixelCNN++: Improving the PixelCNN with Discretized Logistic Mixture Likelihood and Other \
                    Modifications",
            venue: "International Conference on Learning Representations",
        };
        let mut works = vec![gated];
        works.extend((self.pixels == Pixels::Levels).then_some(levels));
        works
    }
}

/// A gated PixelCNN of images `[height, width, 1]`. Parameters below `vertical.{l}`, `horizontal.{l}`,
/// `cross.{l}`, `residual.{l}`, `hidden` and `output`, each `weight` and `bias`.
#[derive(Clone, Debug)]
pub struct PixelCnn {
    row_shape: [usize; 3],
    channels: usize,
    layers: usize,
    conditional: Conditional,
    bias: Vec<f64>,
}

impl PixelCnn {
    /// For images of this height and width, whose values have the mean `mean`.
    ///
    /// # Errors
    /// An extent of 0.
    pub fn new(
        [height, width]: [usize; 2],
        channels: usize,
        layers: usize,
        conditional: Conditional,
        mean: f64,
    ) -> Result<Self> {
        if height * width * channels * layers == 0 {
            return Err(Error::input("the network is empty")
                .found(format!("{height}x{width}, {channels} channels, {layers} layers"))
                .expected("at least 1 of each"));
        }
        let bias = conditional.starting_bias(&[mean]);
        Ok(PixelCnn { row_shape: [height, width, 1], channels, layers, conditional, bias })
    }

    fn pixels(&self) -> usize {
        self.row_shape[0] * self.row_shape[1]
    }

    /// ln p of each pixel of x `[n, height, width, 1]` given those before it: `[n, pixels]`, nats.
    pub fn log_conditionals<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let n = x.extent(0);
        let heads = self.heads(parameters, x).reshape(&[n, self.pixels(), self.conditional.width()]);
        self.conditional.log_density(x.reshape(&[n, self.pixels()]), heads)
    }

    /// What the network says of each pixel: `[n, height, width, numbers]`.
    fn heads<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let channels = self.channels;
        let seen = x * 2.0 - 1.0;
        let mut v = masked(&parameters.at("vertical.0"), seen, FIRST, channels);
        let left: Vec<Var> = (1..=LEFT).rev().map(|by| shifted(seen, by)).collect();
        let of_left = pointwise(&parameters.at("horizontal.0"), left[0].concatenate(&left[1..], 3), channels);
        let mut h = of_left + pointwise(&parameters.at("cross.0"), v, channels);
        for layer in 1..=self.layers {
            let at = |name: &str| parameters.at(&format!("{name}.{layer}"));
            let p = masked(&at("vertical"), v, 3, 2 * channels);
            let own = pointwise(&at("horizontal"), shifted(h, 1).concatenate(&[h], 3), 2 * channels);
            let q = own + pointwise(&at("cross"), p, 2 * channels);
            (v, h) = (gate(p), h + pointwise(&at("residual"), gate(q), channels));
        }
        let hidden = pointwise(&parameters.at("hidden"), h.silu(), 2 * channels).silu();
        let output = parameters.at("output");
        let numbers = self.conditional.width();
        let weight = output.get("weight", &[2 * channels, numbers], Initial::Constant(0.0));
        let bias = output.get("bias", &[numbers], Initial::Values(self.bias.as_slice().into()));
        flat(hidden).matmul(weight).reshape(&[x.extent(0), self.row_shape[0], self.row_shape[1], numbers])
            + bias
    }
}

/// tanh(a) σ(b) of `[.., 2C]`: `[.., C]`.
fn gate(x: Var) -> Var {
    let channels = x.extent(3) / 2;
    x.slice(3, 0, channels).tanh() * x.slice(3, channels, 2 * channels).sigmoid()
}

/// Images `[n, h, w, c]` moved by pixels to the right; 0 comes in.
fn shifted(x: Var, by: usize) -> Var {
    let width = x.extent(2);
    x.pad(&[(0, 0), (0, 0), (by, 0), (0, 0)]).slice(2, 0, width)
}

/// Pixels as rows.
fn flat(x: Var) -> Var {
    let shape = x.shape();
    x.reshape(&[shape[0] * shape[1] * shape[2], shape[3]])
}

/// An affine map of each pixel's channels.
fn pointwise<'s>(layer: &Parameters<'s>, x: Var<'s>, channels: usize) -> Var<'s> {
    let inputs = x.extent(3);
    let weight = layer.get("weight", &[inputs, channels], Start::Random.initial(inputs));
    let bias = layer.get("bias", &[channels], Initial::Constant(0.0));
    let mut shape = x.shape();
    shape[3] = channels;
    (flat(x).matmul(weight) + bias).reshape(&shape)
}

/// A convolution that sees no row below, and with a kernel of [`FIRST`] not the pixel's own.
fn masked<'s>(layer: &Parameters<'s>, x: Var<'s>, kernel: usize, channels: usize) -> Var<'s> {
    let inputs = x.extent(3);
    let rows = if kernel == FIRST { kernel / 2 } else { kernel / 2 + 1 };
    let initial = Start::Random.initial(rows * kernel * inputs);
    let weight = layer.get("weight", &[kernel, kernel, inputs, channels], initial);
    let mask: Vec<f64> = (0..kernel * kernel).map(|at| f64::from(u8::from(at / kernel < rows))).collect();
    let mask = x.scope().table(&mask, &[kernel, kernel, 1, 1]);
    x.conv2d(weight * mask, Conv::same(kernel)) + layer.get("bias", &[channels], Initial::Constant(0.0))
}

impl LogDensity for PixelCnn {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        sum_rows(self.log_conditionals(parameters, x))
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

impl Normalised for PixelCnn {
    fn support(&self) -> Support {
        match self.conditional {
            Conditional::Mixture { of: Component::Levels(levels), .. } => Support::Levels(levels),
            Conditional::Mixture { .. } => Support::Real,
            Conditional::Bernoulli => Support::Bits,
        }
    }

    fn draws(&self, weights: &Weights, seed: u64) -> Result<Box<dyn SequentialDraws>> {
        let grid = Grid { height: self.row_shape[0], width: self.row_shape[1], channels: self.channels };
        let draws = PixelCnnDraws::new(grid, self.layers, self.conditional, weights, seed)?;
        Ok(Box::new(draws))
    }
}
