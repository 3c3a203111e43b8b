//! A flow of images at several scales (Dinh, Sohl-Dickstein and Bengio 2017, section 3.6, eq. 13 to 15): at
//! each scale every 2x2 square of pixels becomes one pixel of four times the channels, affine couplings
//! follow, and half of the channels go to the base; the next scale transforms the rest.
//!
//! ```text
//! (z_i, h_i) = couplings(squeeze(h_{i-1})),  h_0 = (x - mean) / deviation,
//! log p(x) = log N(z; 0, I) + Σ ln |det|.
//! ```
//!
//! Two pairs of masks take turns: a checkerboard of pixels with its complement, and every other channel with
//! its complement (of one channel before the squeeze: columns of pixels). Conditioners have a 3x3, a 1x1 and
//! a last 3x3 convolution, as in Kingma and Dhariwal 2018, section 4, with SiLU, and no normalisation: every
//! row's density is its own. With `mix`, an invertible 1x1 convolution (their section 3.2) mixes the channels
//! before every coupling. z has the shape of x: each scale's halves are put back where they came from.

use enscore_program::{Parameters, Var};

use super::channel_mixing::{mix, unmix};
use super::coupling::{couple, heads, uncouple};
use super::real_nvp::REAL_NVP;
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Kind, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{Convolution, ConvolutionSettings, Start, conv};
use crate::model::network::Network;
use crate::model::standardise::Standardise;
use crate::model::tracing::standard_normal;
use crate::model::traits::{Flow, LogDensity};

keys! {
    /// Settings of a flow of images.
    MultiScaleFlowSettings {
        channels: usize = 32, within(1, 4096), "Width of a coupling's convolutions, in channels.";
        scales: usize = 2, within(1, 8), "Scales; each halves the resolution and factors out half of its channels.";
        couplings: usize = 4, within(1, 64), "Affine couplings at each scale.";
        mix: bool = false, (), "Mix the channels before every coupling by an invertible 1x1 convolution, as in Glow.";
        ..convolutions: ConvolutionSettings;
    }
}

impl Kind for MultiScaleFlowSettings {
    type Facts = ();
}

impl ModelKind for MultiScaleFlowSettings {
    fn family(&self) -> Family {
        Family::Flow
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let shape = data.image("a multi-scale flow", "real-nvp")?;
        let flow = MultiScaleFlow::new(
            shape,
            self.channels,
            self.scales,
            self.couplings,
            data.mean,
            data.deviation,
        )?;
        Ok(Network::Flow(Box::new(MultiScaleFlow { mix: self.mix, ..flow })))
    }

    fn cites(&self) -> Vec<Citation> {
        if self.mix { vec![REAL_NVP, GLOW] } else { vec![REAL_NVP] }
    }

    fn convolution(&self) -> Convolution {
        self.convolutions.conv
    }
}

/// A flow of images.
#[derive(Clone, Debug)]
pub struct MultiScaleFlow {
    row_shape: [usize; 3],
    channels: usize,
    scales: usize,
    couplings: usize,
    /// Whether channels are mixed before every coupling.
    mix: bool,
    standardise: Standardise,
}

/// The invertible 1x1 convolution.
const GLOW: Citation = Citation {
    role: "invertible 1x1 convolutions",
    authors: "Diederik P. Kingma, Prafulla Dhariwal",
    year: 2018,
    title: "Glow: Generative Flow with Invertible 1x1 Convolutions",
    venue: "Advances in Neural Information Processing Systems 31",
};

impl MultiScaleFlow {
    /// For images of this height, width and number of channels: the width of a coupling's convolutions in
    /// channels; scales; couplings at each scale; mean and standard deviation of each element of the data,
    /// which the first layer removes. An element that is constant in the data (deviation 0) is only centred.
    ///
    /// # Errors
    /// A number of 0, a height or width that the scales can't halve, means and deviations that don't fit.
    pub fn new(
        row_shape: [usize; 3],
        channels: usize,
        scales: usize,
        couplings: usize,
        mean: &[f64],
        deviation: &[f64],
    ) -> Result<Self> {
        let numbers = [("channels", channels), ("scales", scales), ("couplings", couplings)];
        if let Some((name, _)) = numbers.into_iter().find(|(_, number)| *number == 0) {
            return Err(Error::input("the network is empty").at(name).found(0).expected("at least 1"));
        }
        let [h, w, c] = row_shape;
        let most = if h * w * c == 0 { 0 } else { h.trailing_zeros().min(w.trailing_zeros()) as usize };
        if scales > most {
            let remedy = match most {
                0 => "crop or pad the images to an even height and width, or set model.kind = \"real-nvp\""
                    .into(),
                _ => format!("set model.scales to at most {most}"),
            };
            return Err(Error::input("each scale halves the images")
                .at("model.scales")
                .found(format!("{scales} scales for images of {h}x{w}x{c}"))
                .expected("a height and width divisible by 2 to the number of scales")
                .remedy(remedy));
        }
        let standardise = Standardise::new(h * w * c, mean, deviation)?;
        Ok(MultiScaleFlow { row_shape, channels, scales, couplings, mix: false, standardise })
    }

    /// The same with an invertible 1x1 convolution of the channels before every coupling.
    pub fn mixing_channels(self) -> Self {
        MultiScaleFlow { mix: true, ..self }
    }

    /// s and t of coupling k of a scale at squeezed images `[n, h, w, c]`, 0 where the mask is 1.
    fn condition<'s>(&self, parameters: &Parameters<'s>, k: usize, x: Var<'s>) -> [Var<'s>; 2] {
        let parameters = parameters.at(&format!("coupling.{k}"));
        let mask = mask(k, x.extent(3));
        let seen = x * x.scope().table(&mask, &[mask.len()]);
        let layer = |name: &str, x, kernel| {
            conv(&parameters.at(name), x, kernel, self.channels, Start::Random).silu()
        };
        let hidden = layer("hidden.1", layer("hidden.0", seen, 3), 1);
        heads(&parameters, &mask, |head| conv(head, hidden, 3, mask.len(), Start::Zero))
    }

    /// The transform of images `[n, h, w, c]` from `scale` on.
    fn forward<'s>(&self, parameters: &Parameters<'s>, scale: usize, x: Var<'s>) -> (Var<'s>, Var<'s>) {
        let of_scale = parameters.at(&format!("scale.{scale}"));
        let mut y = squeeze(x);
        let mut ln_det = x.scope().constant(0.0).broadcast_to(&[x.extent(0)]);
        for k in 0..self.couplings {
            if self.mix {
                let (mixed, own) = mix(&of_scale.at(&format!("mixing.{k}")), y);
                (y, ln_det) = (mixed, ln_det + own);
            }
            let [s, t] = self.condition(&of_scale, k, y);
            let (moved, own) = couple(y, s, t);
            (y, ln_det) = (moved, ln_det + own);
        }
        if scale + 1 < self.scales {
            let [base, rest] = halves(y);
            let (rest, deeper) = self.forward(parameters, scale + 1, rest);
            (y, ln_det) = (base.concatenate(&[rest], 3), ln_det + deeper);
        }
        (unsqueeze(y), ln_det)
    }

    /// The inverse of [`MultiScaleFlow::forward`].
    fn backward<'s>(&self, parameters: &Parameters<'s>, scale: usize, z: Var<'s>) -> Var<'s> {
        let of_scale = parameters.at(&format!("scale.{scale}"));
        let mut y = squeeze(z);
        if scale + 1 < self.scales {
            let [base, rest] = halves(y);
            y = base.concatenate(&[self.backward(parameters, scale + 1, rest)], 3);
        }
        for k in (0..self.couplings).rev() {
            let [s, t] = self.condition(&of_scale, k, y);
            y = uncouple(y, s, t);
            if self.mix {
                y = unmix(&of_scale.at(&format!("mixing.{k}")), y);
            }
        }
        unsqueeze(y)
    }
}

impl Flow for MultiScaleFlow {
    fn transform<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> (Var<'s>, Var<'s>) {
        let (z, ln_det) = self.forward(parameters, 0, self.standardise.apply(x));
        (z, ln_det + self.standardise.ln_determinant())
    }

    fn invert<'s>(&self, parameters: &Parameters<'s>, z: Var<'s>) -> Var<'s> {
        self.standardise.invert(self.backward(parameters, 0, z))
    }
}

impl LogDensity for MultiScaleFlow {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (z, ln_det) = self.transform(parameters, x);
        standard_normal(z) + ln_det
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

/// What coupling k leaves as it is: 1, else 0, for each of `channels` squeezed channels, which count the
/// pixels of a 2x2 square first and the channels of a pixel last.
fn mask(k: usize, channels: usize) -> Vec<f64> {
    let kept = |channel: usize| {
        let pixel = 4 * channel / channels.max(1);
        let first = match k % 4 {
            0 | 1 => pixel == 0 || pixel == 3,
            _ => channel.is_multiple_of(2),
        };
        first == k.is_multiple_of(2)
    };
    (0..channels).map(|channel| f64::from(u8::from(kept(channel)))).collect()
}

/// `[n, h, w, c]` → `[n, h/2, w/2, 4c]`: each 2x2 square of pixels as one pixel.
fn squeeze(x: Var) -> Var {
    let [n, h, w, c] = [0, 1, 2, 3].map(|axis| x.extent(axis));
    let squares = x.reshape(&[n, h / 2, 2, w / 2, 2, c]).transpose(&[0, 1, 3, 2, 4, 5]);
    squares.reshape(&[n, h / 2, w / 2, 4 * c])
}

/// The inverse of [`squeeze`].
fn unsqueeze(x: Var) -> Var {
    let [n, h, w, c] = [0, 1, 2, 3].map(|axis| x.extent(axis));
    let squares = x.reshape(&[n, h, w, 2, 2, c / 4]).transpose(&[0, 1, 3, 2, 4, 5]);
    squares.reshape(&[n, 2 * h, 2 * w, c / 4])
}

/// The first and the last half of the channels.
fn halves(x: Var) -> [Var; 2] {
    let channels = x.extent(3);
    [x.slice(3, 0, channels / 2), x.slice(3, channels / 2, channels)]
}
