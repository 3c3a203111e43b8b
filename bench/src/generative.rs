//! One update of the families that learn by other losses than scores: a variational autoencoder, a masked
//! autoencoder, a gated PixelCNN, a critic with a gradient penalty. All act on images of 28x28 pixels and are
//! the library's own, with its activations; what is drawn in a training is given here, so that all libraries
//! compute the same numbers.

use enscore_program::{Conv, Var};

use crate::drive::Drive;
use crate::networks::{Spec, perceptron_parameters};

/// Height and width of an image.
const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;
/// Rows of a batch, but of the PixelCNN.
const ROWS: usize = 128;
/// Latent variables and hidden units of the variational autoencoder.
const LATENTS: usize = 32;
const CODER: usize = 500;
/// Hidden units of the masked autoencoder.
const MASKED: usize = 1000;
/// Hidden units of the critic, and the weight of its penalty.
const CRITIC: usize = 512;
const PENALTY: f64 = 10.0;
/// Rows, channels and gated layers of the PixelCNN; pixels along its first kernel, and seen to the left.
const IMAGES: usize = 32;
const CHANNELS: usize = 32;
const LAYERS: usize = 7;
const FIRST: usize = 7;
const LEFT: usize = 3;

/// A workload of this file.
#[derive(Clone, Copy, Debug)]
pub enum Generative {
    Vae,
    Made,
    PixelCnn,
    Critic,
}

impl Generative {
    /// The workload called `name`.
    pub fn named(name: &str) -> Option<Generative> {
        match name {
            "vae_step" => Some(Generative::Vae),
            "made_step" => Some(Generative::Made),
            "pixelcnn_forward_backward" => Some(Generative::PixelCnn),
            "wgan_gp_critic_step" => Some(Generative::Critic),
            _ => None,
        }
    }

    pub fn drive(self) -> Drive {
        match self {
            Generative::PixelCnn => Drive::Once,
            Generative::Vae | Generative::Made | Generative::Critic => Drive::Update,
        }
    }

    pub fn parameters(self) -> Vec<Spec> {
        match self {
            Generative::Vae => vae_parameters(),
            Generative::Made => perceptron_parameters(&[PIXELS, MASKED, PIXELS]),
            Generative::PixelCnn => pixelcnn_parameters(),
            Generative::Critic => perceptron_parameters(&[PIXELS, CRITIC, CRITIC, 1]),
        }
    }

    /// The rows first, which are bits.
    pub fn batch(self) -> Vec<Spec> {
        let specs: &[(&str, &[usize])] = match self {
            Generative::Vae => &[("x", &[ROWS, PIXELS]), ("e", &[ROWS, LATENTS])],
            Generative::Made => &[("x", &[ROWS, PIXELS])],
            Generative::PixelCnn => &[("x", &[IMAGES, SIDE, SIDE, 1])],
            Generative::Critic => {
                &[("x", &[ROWS, PIXELS]), ("generated", &[ROWS, PIXELS]), ("share", &[ROWS, 1])]
            }
        };
        specs.iter().map(|(name, shape)| (name.to_string(), shape.to_vec())).collect()
    }

    /// The loss, and what a run puts out besides updated parameters.
    pub fn trace<'s>(self, parameters: &[Var<'s>], batch: &[Var<'s>]) -> (Var<'s>, Vec<Var<'s>>) {
        let loss = match self {
            Generative::Vae => vae(parameters, batch[0], batch[1]),
            Generative::Made => made(parameters, batch[0]),
            Generative::PixelCnn => pixelcnn(parameters, batch[0]),
            Generative::Critic => critic(parameters, [batch[0], batch[1]], batch[2]),
        };
        let mut outputs = match self {
            Generative::PixelCnn => loss.scope().gradient(loss, parameters),
            Generative::Vae | Generative::Made | Generative::Critic => Vec::new(),
        };
        outputs.push(loss);
        (loss, outputs)
    }
}

fn affine<'s>(layer: &[Var<'s>], x: Var<'s>) -> Var<'s> {
    x.matmul(layer[0]) + layer[1]
}

fn leaky_relu(x: Var) -> Var {
    x.maximum(x * 0.2)
}

/// -ln p of each bit of x by its log odds.
fn surprise<'s>(x: Var<'s>, log_odds: Var<'s>) -> Var<'s> {
    log_odds.softplus() - x * log_odds
}

/// The encoder's two hidden layers, its layers of means and of log variances, the decoder's three layers.
fn vae_parameters() -> Vec<Spec> {
    let parts: [(&str, &[usize]); 4] = [
        ("encoder", &[PIXELS, CODER, CODER]),
        ("mean", &[CODER, LATENTS]),
        ("log_variance", &[CODER, LATENTS]),
        ("decoder", &[LATENTS, CODER, CODER, PIXELS]),
    ];
    let mut specs = Vec::new();
    for (part, widths) in parts {
        let layers = perceptron_parameters(widths).into_iter();
        specs.extend(layers.map(|(name, shape)| (format!("{part}.{name}"), shape)));
    }
    specs
}

/// Minus the evidence lower bound (Kingma and Welling 2014, eq. 10) of a row, by one draw z = m + s e: nats.
fn vae<'s>(p: &[Var<'s>], x: Var<'s>, e: Var<'s>) -> Var<'s> {
    let layers = |layers: &[Var<'s>], x: Var<'s>| layers.chunks_exact(2).fold(x, |x, p| affine(p, x).silu());
    let features = layers(&p[..4], x * 2.0 - 1.0);
    let (mean, log_variance) = (affine(&p[4..6], features), affine(&p[6..8], features));
    let z = mean + (log_variance * 0.5).exp() * e;
    let log_odds = affine(&p[12..14], layers(&p[8..12], z));
    let divergence = (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(&[1]) * 0.5;
    (surprise(x, log_odds).sum(&[1]) + divergence).mean_all()
}

/// -ln p of a row by a masked autoencoder (Germain, Gregor, Murray and Larochelle 2015) whose units have
/// degrees spread evenly: nats.
fn made<'s>(p: &[Var<'s>], x: Var<'s>) -> Var<'s> {
    let row = |values: Vec<f64>| x.scope().table(&values, &[1, values.len()]);
    let places = row((1..=PIXELS).map(|place| place as f64).collect());
    let degrees = row((0..MASKED).map(|unit| (1 + unit * (PIXELS - 1) / MASKED) as f64).collect());
    let column = |row: Var<'s>| row.reshape(&[row.extent(1), 1]);
    let first = p[0] * column(places).less_equal(degrees).to_float();
    let last = p[2] * column(degrees).less(places).to_float();
    let log_odds = affine(&[last, p[3]], leaky_relu(affine(&[first, p[1]], x)));
    surprise(x, log_odds).sum(&[1]).mean_all()
}

/// As the network reads them: both stacks of each layer, then the two layers that give log odds.
fn pixelcnn_parameters() -> Vec<Spec> {
    let mut specs: Vec<Spec> = Vec::new();
    let mut layer = |name: String, weights: &[usize]| {
        specs.push((format!("{name}.weight"), weights.to_vec()));
        specs.extend(weights.last().map(|outputs| (format!("{name}.bias"), vec![*outputs])));
    };
    layer("vertical.0".into(), &[FIRST, FIRST, 1, CHANNELS]);
    layer("horizontal.0".into(), &[LEFT, CHANNELS]);
    layer("cross.0".into(), &[CHANNELS, CHANNELS]);
    for number in 1..=LAYERS {
        layer(format!("vertical.{number}"), &[3, 3, CHANNELS, 2 * CHANNELS]);
        layer(format!("horizontal.{number}"), &[2 * CHANNELS, 2 * CHANNELS]);
        layer(format!("cross.{number}"), &[2 * CHANNELS, 2 * CHANNELS]);
        layer(format!("residual.{number}"), &[CHANNELS, CHANNELS]);
    }
    layer("hidden".into(), &[CHANNELS, 2 * CHANNELS]);
    layer("output".into(), &[2 * CHANNELS, 1]);
    specs
}

/// -ln p of a pixel by a gated PixelCNN (van den Oord and others 2016): nats, the mean over pixels.
fn pixelcnn<'s>(p: &[Var<'s>], x: Var<'s>) -> Var<'s> {
    let seen = x * 2.0 - 1.0;
    let mut v = masked(&p[..2], seen, FIRST / 2);
    let left: Vec<Var> = (1..=LEFT).rev().map(|by| shifted(seen, by)).collect();
    let mut h = pointwise(&p[2..4], left[0].concatenate(&left[1..], 3)) + pointwise(&p[4..6], v);
    for p in p[6..6 + 8 * LAYERS].chunks_exact(8) {
        let below = masked(&p[..2], v, 2);
        let own = pointwise(&p[2..4], shifted(h, 1).concatenate(&[h], 3)) + pointwise(&p[4..6], below);
        (v, h) = (gate(below), h + pointwise(&p[6..8], gate(own)));
    }
    let last = &p[6 + 8 * LAYERS..];
    let log_odds = pointwise(&last[2..4], pointwise(&last[..2], h.silu()).silu());
    surprise(x, log_odds).mean_all()
}

/// tanh(a) σ(b) of both halves of the channels.
fn gate(x: Var) -> Var {
    let channels = x.extent(3) / 2;
    x.slice(3, 0, channels).tanh() * x.slice(3, channels, 2 * channels).sigmoid()
}

/// Images moved by pixels to the right; 0 comes in.
fn shifted(x: Var, by: usize) -> Var {
    x.pad(&[(0, 0), (0, 0), (by, 0), (0, 0)]).slice(2, 0, SIDE)
}

/// An affine map of each pixel's channels.
fn pointwise<'s>(layer: &[Var<'s>], x: Var<'s>) -> Var<'s> {
    let [n, h, w, c] = [0, 1, 2, 3].map(|axis| x.extent(axis));
    affine(layer, x.reshape(&[n * h * w, c])).reshape(&[n, h, w, layer[1].extent(0)])
}

/// A convolution of which the first `rows` of the kernel's count.
fn masked<'s>(layer: &[Var<'s>], x: Var<'s>, rows: usize) -> Var<'s> {
    let kernel = layer[0].extent(0);
    let mask: Vec<f64> = (0..kernel * kernel).map(|at| f64::from(u8::from(at / kernel < rows))).collect();
    let mask = x.scope().table(&mask, &[kernel, kernel, 1, 1]);
    x.conv2d(layer[0] * mask, Conv::same(kernel)) + layer[1]
}

/// E f(y) - E f(x) + λ E (‖∇f(u)‖ - 1)², u = t x + (1 - t) y (Gulrajani and others 2017, eq. 3).
fn critic<'s>(p: &[Var<'s>], [x, y]: [Var<'s>; 2], share: Var<'s>) -> Var<'s> {
    let value = |x: Var<'s>| {
        let hidden = p[..4].chunks_exact(2).fold(x * 2.0 - 1.0, |x, p| leaky_relu(affine(p, x)));
        affine(&p[4..6], hidden)
    };
    let between = y + share * (x - y);
    let gradient = x.scope().gradient(value(between).sum_all(), &[between])[0];
    let penalty = ((gradient.square().sum(&[1]) + 1e-12).sqrt() - 1.0).square();
    value(y).mean_all() - value(x).mean_all() + penalty.mean_all() * PENALTY
}
