//! Layers with parameters: affine maps, convolutions, normalisation, the embedding of a noise level.
//!
//! Weights start as N(0, 1/fan_in) (LeCun, Bottou, Orr and Müller 1998, section 4.6), those of U-Nets with a
//! third of that variance, biases at 0; a network's last layer starts at 0, so that its first output is 0
//! whatever its size.

use enscore_program::{Conv, Initial, Parameters, Var};

use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{choice, keys};

/// The number of frequencies in the embedding of log σ.
pub const FREQUENCIES: usize = 8;

/// More channels than any image's network needs.
const MOST_CHANNELS: usize = 1 << 20;

/// Radians per nat of σ: the lowest frequency tells levels over e^25 apart, the highest turns every 1.6 nats.
const LOWEST_FREQUENCY: f64 = 0.125;
const HIGHEST_FREQUENCY: f64 = 4.0;

choice! {
    /// A function of each element between layers.
    #[derive(Default)]
    Activation {
        /// x / (1 + e^-x)
        #[default]
        Silu = "silu",
        /// ln(1 + e^x)
        Softplus = "softplus",
        /// tanh x
        Tanh = "tanh",
        /// max(x, x/5)
        LeakyRelu = "leaky-relu",
    }
}

choice! {
    /// How convolutions are computed.
    Convolution {
        /// The fastest algorithm for each shape.
        Auto = "auto",
        /// The direct algorithm everywhere: slower, with the smallest rounding error.
        Direct = "direct",
    }
}

keys! {
    /// Settings of a model with convolutions.
    ConvolutionSettings {
        conv: Convolution = Convolution::Auto, (), "Convolution algorithm: the fastest for each shape, or direct everywhere (slower, smallest rounding error).";
    }
}

impl Activation {
    /// The function's value at x.
    pub fn apply(self, x: Var) -> Var {
        match self {
            Activation::Silu => x.silu(),
            Activation::Softplus => x.softplus(),
            Activation::Tanh => x.tanh(),
            Activation::LeakyRelu => x.maximum(x * 0.2),
        }
    }

    /// The function's value at a number, on the host.
    pub(super) fn value(self, x: f64) -> f64 {
        match self {
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Activation::Tanh => x.tanh(),
            Activation::LeakyRelu => x.max(0.2 * x),
        }
    }
}

/// Residual connections.
pub(super) const RESIDUAL: Citation = Citation {
    role: "network: residual blocks",
    authors: "Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun",
    year: 2016,
    title: "Deep Residual Learning for Image Recognition",
    venue: "IEEE Conference on Computer Vision and Pattern Recognition, 770-778",
};

/// Group normalisation.
pub(super) const GROUP_NORM: Citation = Citation {
    role: "network: group normalisation",
    authors: "Yuxin Wu, Kaiming He",
    year: 2018,
    title: "Group Normalization",
    venue: "European Conference on Computer Vision, LNCS 11217, 3-19",
};

/// The SiLU activation.
pub(super) const SILU: Citation = Citation {
    role: "network: SiLU activation",
    authors: "Stefan Elfwing, Eiji Uchibe, Kenji Doya",
    year: 2018,
    title: "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in Reinforcement Learning",
    venue: "Neural Networks 107, 3-11",
};

/// Winograd convolutions.
pub(super) const WINOGRAD: Citation = Citation {
    role: "fast convolutions",
    authors: "Andrew Lavin, Scott Gray",
    year: 2016,
    title: "Fast Algorithms for Convolutional Neural Networks",
    venue: "IEEE Conference on Computer Vision and Pattern Recognition, 4013-4021",
};

/// How a layer's weights start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// N(0, 1/fan_in).
    Random,
    /// N(0, 1/(3 fan_in)): for layers between normalisations. Their weights' size does not change what comes
    /// out, but a step of Adam, whose length is given, turns smaller ones further (van Laarhoven 2017): at
    /// the same rate a U-Net needs fewer steps.
    Small,
    /// 0: for last layers, of networks and of residual branches.
    Zero,
}

impl Start {
    pub(super) fn initial(self, fan_in: usize) -> Initial {
        match self {
            Start::Random => Initial::Normal((1.0 / fan_in.max(1) as f64).sqrt()),
            Start::Small => Initial::Normal((1.0 / (3.0 * fan_in.max(1) as f64)).sqrt()),
            Start::Zero => Initial::Constant(0.0),
        }
    }
}

/// x W + b: `[batch, in]` → `[batch, width]`. Parameters `weight` `[in, width]`, `bias` `[width]`.
pub(super) fn dense<'s>(parameters: &Parameters<'s>, x: Var<'s>, width: usize, start: Start) -> Var<'s> {
    let inputs = x.extent(1);
    let weight = parameters.get("weight", &[inputs, width], start.initial(inputs));
    x.matmul(weight) + parameters.get("bias", &[width], Initial::Constant(0.0))
}

/// A convolution that keeps the size: `[batch, h, w, in]` → `[batch, h, w, channels]`. Parameters `weight`
/// `[kernel, kernel, in, channels]`, `bias` `[channels]`.
pub(super) fn conv<'s>(
    parameters: &Parameters<'s>,
    x: Var<'s>,
    kernel: usize,
    channels: usize,
    start: Start,
) -> Var<'s> {
    let inputs = x.extent(3);
    let initial = start.initial(kernel * kernel * inputs);
    let weight = parameters.get("weight", &[kernel, kernel, inputs, channels], initial);
    x.conv2d(weight, Conv::same(kernel)) + parameters.get("bias", &[channels], Initial::Constant(0.0))
}

/// A convolution of 4x4 pixels with stride 2 that halves an even size: `[batch, h, w, in]` →
/// `[batch, h/2, w/2, channels]`.
pub(super) fn halving_conv<'s>(parameters: &Parameters<'s>, x: Var<'s>, channels: usize) -> Var<'s> {
    let inputs = x.extent(3);
    let weight = parameters.get("weight", &[4, 4, inputs, channels], Start::Random.initial(16 * inputs));
    x.conv2d(weight, Conv::strided(2, 1)) + parameters.get("bias", &[channels], Initial::Constant(0.0))
}

/// Group normalisation (Wu and He 2018) with a scale that starts at 1 and a shift that starts at 0.
pub(super) fn group_norm<'s>(parameters: &Parameters<'s>, x: Var<'s>, groups: usize) -> Var<'s> {
    let channels = x.extent(3);
    let scale = parameters.get("scale", &[channels], Initial::Constant(1.0));
    let shift = parameters.get("shift", &[channels], Initial::Constant(0.0));
    x.group_norm(scale, shift, groups)
}

/// A noise level σ `[batch]` as features `[batch, width]`: sines and cosines of log σ at 8 fixed frequencies
/// (geometric, 1/8 to 4 radians per nat), then dense, SiLU, dense, SiLU.
///
/// The frequencies are fixed where others draw them (Tancik et al. 2020): two runs then differ in their
/// weights only, and neighbouring levels, a fraction of a nat apart, always have similar features.
pub(super) fn embed_noise_level<'s>(
    parameters: &Parameters<'s>,
    sigma: Var<'s>,
    width: usize,
    start: Start,
) -> Var<'s> {
    let ratio = (HIGHEST_FREQUENCY / LOWEST_FREQUENCY).powf(1.0 / (FREQUENCIES - 1) as f64);
    let frequencies: Vec<f64> = (0..FREQUENCIES).map(|i| LOWEST_FREQUENCY * ratio.powi(i as i32)).collect();
    let frequencies = sigma.scope().table(&frequencies, &[1, FREQUENCIES]);
    let angles = sigma.log().reshape(&[sigma.extent(0), 1]) * frequencies;
    let features = angles.sin().concatenate(&[angles.cos()], 1);
    let hidden = dense(&parameters.at("dense1"), features, width, start).silu();
    dense(&parameters.at("dense2"), hidden, width, start).silu()
}

/// x / √(σ² + data variance): about unit variance per element at every noise level.
pub(super) fn scale_input<'s>(x: Var<'s>, sigma: Var<'s>, data_variance: f64) -> Var<'s> {
    x * super::along_rows(1.0 / (sigma.square() + data_variance).sqrt(), &x.shape())
}

/// network / σ: the network predicts -z for x + σz, of the same size at every noise level.
pub(super) fn scale_output<'s>(network: Var<'s>, sigma: Var<'s>) -> Var<'s> {
    network * super::along_rows(1.0 / sigma, &network.shape())
}

/// Refuses a perceptron with an extent or width of 0.
pub(super) fn refuse_empty(row_shape: &[usize], hidden: &[usize]) -> Result<()> {
    let extents = row_shape.iter().map(|extent| ("row shape", *extent));
    let widths = hidden.iter().map(|width| ("hidden", *width));
    match extents.chain(widths).find(|(_, extent)| *extent == 0) {
        Some((name, _)) => Err(Error::input("the network is empty").at(name).found(0).expected("at least 1")),
        None => Ok(()),
    }
}

/// `[batch, ..]` → `[batch, d]`.
pub(super) fn flat(x: Var) -> Var {
    let shape = x.shape();
    let batch = shape.first().copied().unwrap_or(0);
    x.reshape(&[batch, shape.iter().skip(1).product()])
}

/// Images with content, whose sides can be halved `halvings` times.
pub(super) fn check_images(row_shape: [usize; 3], halvings: usize, channels: usize) -> Result<()> {
    if row_shape.contains(&0) || channels == 0 {
        return Err(Error::input("the network is empty")
            .found(format!("{row_shape:?} with {channels} channels"))
            .expected("at least 1 of each"));
    }
    let possible = row_shape[0].trailing_zeros().min(row_shape[1].trailing_zeros()) as usize;
    if halvings > possible {
        return Err(Error::input("the image can't be halved that often")
            .found(format!("{}x{}, {halvings} times", row_shape[0], row_shape[1]))
            .expected(format!("at most {possible} times"))
            .remedy("use fewer levels, or crop or pad the images"));
    }
    Ok(())
}

/// Channels that stay countable when they are doubled `doublings` times.
pub(super) fn check_channels(channels: usize, doublings: usize) -> Result<()> {
    let widest = 1usize.checked_shl(doublings as u32).and_then(|factor| channels.checked_mul(factor));
    if widest.is_none_or(|widest| widest > MOST_CHANNELS) {
        return Err(Error::input("the network is too wide")
            .found(format!("{channels} channels doubled {doublings} times"))
            .expected(format!("at most {MOST_CHANNELS}")));
    }
    Ok(())
}
