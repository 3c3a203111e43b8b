//! The density of one element given those before it, by numbers that a network gives:
//!
//! ```text
//! Bernoulli, log odds l:        ln p(x) = x l - ln(1 + e^l),                        x in {0, 1};
//! a mixture of K components:    p(x) = Σ_k w_k q((x - m_k) / s_k) / s_k,            w = softmax(a), s = e^b;
//! Gaussian components:          q(z) = e^(-z²/2) / √(2π);
//! logistic components:          q(z) = e^(-z) / (1 + e^(-z))².
//! ```
//!
//! (Mixtures: Bishop 1994; Uria, Murray and Larochelle 2013, eq. 8, for autoregressive models; logistic ones:
//! Salimans, Karpathy, Chen and Kingma 2017, eq. 1.) Scales are at least e^-7 of the element's unit: without
//! a floor a component on a value that occurs twice has no best width.

use enscore_program::Var;
use enscore_program::random::{normal_pair, uniform};

/// ln of the least scale of a component.
const LEAST_LOG_SCALE: f64 = -7.0;
/// Words that a draw takes.
pub(super) const WORDS: usize = 4;

/// What a mixture is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// N(m, s²).
    Gaussian,
    /// The logistic distribution of mean m and scale s, whose standard deviation is π s / √3.
    Logistic,
}

/// The density of an element given those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditional {
    /// Of an element in {0, 1}: one number, its log odds.
    Bernoulli,
    /// Of a real element: K numbers a, then K means m, then K log scales b.
    Mixture {
        /// What it is made of.
        of: Component,
        /// K.
        components: usize,
    },
}

impl Conditional {
    /// The numbers that a network gives for an element.
    pub fn width(self) -> usize {
        match self {
            Conditional::Bernoulli => 1,
            Conditional::Mixture { components, .. } => 3 * components,
        }
    }

    /// ln p of each element of x `[n, d]` under `heads` `[n, d, width]`: `[n, d]`, nats.
    pub fn log_density<'s>(self, x: Var<'s>, heads: Var<'s>) -> Var<'s> {
        match self {
            Conditional::Bernoulli => {
                let log_odds = heads.reshape(&x.shape());
                x * log_odds - log_odds.softplus()
            }
            Conditional::Mixture { of, components: k } => {
                let part = |at: usize| heads.slice(2, at * k, (at + 1) * k);
                let [logits, means] = [part(0), part(1)];
                let log_scales = part(2).maximum(heads.scope().constant(LEAST_LOG_SCALE));
                let z = (x.broadcast_axes(&means.shape(), &[0, 1]) - means) / log_scales.exp();
                let log_q = match of {
                    Component::Gaussian => z.square() * -0.5 - 0.5 * std::f64::consts::TAU.ln(),
                    Component::Logistic => -z - (-z).softplus() * 2.0,
                };
                (logits + log_q - log_scales).log_sum_exp(2) - logits.log_sum_exp(2)
            }
        }
    }

    /// What the network's biases start at, `[d, width]`: the log odds of `means` `[d]` for elements in
    /// {0, 1}, kept within [1/1000, 999/1000]; for standardised elements components side by side over ±1.5,
    /// as wide as they are apart.
    pub(super) fn starting_bias(self, means: &[f64]) -> Vec<f64> {
        match self {
            Conditional::Bernoulli => {
                let log_odds = |mean: &f64| {
                    let mean = mean.clamp(1e-3, 1.0 - 1e-3);
                    (mean / (1.0 - mean)).ln()
                };
                means.iter().map(log_odds).collect()
            }
            Conditional::Mixture { of, components } => {
                let apart = 3.0 / components as f64;
                let centre = |k: usize| apart * (k as f64 + 0.5) - 1.5;
                // One component is as wide as the data.
                let deviation = if components == 1 { 1.0 } else { apart };
                let log_scale = match of {
                    Component::Gaussian => deviation.ln(),
                    Component::Logistic => (deviation * 3f64.sqrt() / std::f64::consts::PI).ln(),
                };
                let element: Vec<f64> = std::iter::repeat_n(0.0, components)
                    .chain((0..components).map(centre))
                    .chain(std::iter::repeat_n(log_scale, components))
                    .collect();
                element.repeat(means.len())
            }
        }
    }

    /// A draw from the density that `head` `[width]` describes.
    pub(super) fn draw(self, head: &[f64], words: [u32; WORDS]) -> f64 {
        let u = uniform(words[0]);
        match self {
            Conditional::Bernoulli => f64::from(u8::from(u < 1.0 / (1.0 + (-head[0]).exp()))),
            Conditional::Mixture { of, components } => {
                let (logits, rest) = head.split_at(components);
                let k = choose(logits, u);
                let scale = rest[components + k].max(LEAST_LOG_SCALE).exp();
                let z = match of {
                    Component::Gaussian => normal_pair(words[2], words[3]).0,
                    Component::Logistic => {
                        let v = uniform(words[1]);
                        (v / (1.0 - v)).ln()
                    }
                };
                rest[k] + scale * z
            }
        }
    }
}

/// The component at the share u of the weights softmax(logits).
fn choose(logits: &[f64], u: f64) -> usize {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logits.iter().map(|a| (a - max).exp()).sum();
    let mut left = u * total;
    let chosen = logits.iter().position(|a| {
        left -= (a - max).exp();
        left <= 0.0
    });
    // Rounding may leave a remainder after the last one.
    chosen.unwrap_or(logits.len() - 1)
}
