//! The density of one element by numbers that a network gives, from the elements before it or from latent
//! variables:
//!
//! ```text
//! Bernoulli, log odds l:     ln p(x) = x l - ln(1 + e^l),                   x in {0, 1};
//! a mixture of K:            p(x) = Σ_k w_k q((x - m_k) / s_k) / s_k,       w = softmax(a), s = e^b;
//! Gaussian components:       q(z) = e^(-z²/2) / √(2π);
//! logistic components:       q(z) = σ(z) σ(-z),                             σ(z) = 1 / (1 + e^-z);
//! levels 0, h, 2h, .., 1:    P(x) = Σ_k w_k [σ((x + h/2 - m_k) / s_k) - σ((x - h/2 - m_k) / s_k)],
//! ```
//!
//! where the lowest level has all that is below it and the highest all above (Salimans, Karpathy, Chen and
//! Kingma 2017, eq. 2). (Mixtures: Bishop 1994; Uria, Murray and Larochelle 2013, eq. 8.) Scales are at least
//! e^-7 of the element's unit: without a floor a component on a value that occurs twice has no best width.

use enscore_program::Var;
use enscore_program::random::{normal_pair, uniform};

/// ln of the least scale of a component.
pub(super) const LEAST_LOG_SCALE: f64 = -7.0;
/// Words that a draw takes.
pub(super) const WORDS: usize = 4;

/// What a mixture is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// N(m, s²).
    Gaussian,
    /// The logistic distribution of mean m and scale s, whose standard deviation is π s / √3.
    Logistic,
    /// The probabilities that the logistic distribution gives to this many levels in [0, 1].
    Levels(u32),
}

/// The density of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conditional {
    /// Of an element in {0, 1}: one number, its log odds.
    Bernoulli,
    /// Of a real element, or one on levels: K numbers a, then K means m, then K log scales b.
    Mixture {
        /// What it is made of.
        of: Component,
        /// K.
        components: usize,
    },
}

impl Component {
    /// ln p of x under the component with this mean and log scale, all of one shape, nats.
    pub fn log_density<'s>(self, x: Var<'s>, mean: Var<'s>, log_scale: Var<'s>) -> Var<'s> {
        let log_scale = log_scale.maximum(x.scope().constant(LEAST_LOG_SCALE));
        let per_scale = (-log_scale).exp();
        let centred = x - mean;
        match self {
            Component::Gaussian => {
                (centred * per_scale).square() * -0.5 - log_scale - 0.5 * std::f64::consts::TAU.ln()
            }
            Component::Logistic => {
                let z = centred * per_scale;
                -z - (-z).softplus() * 2.0 - log_scale
            }
            Component::Levels(levels) => log_level(x, centred, per_scale, levels),
        }
    }

    /// A draw with this mean and log scale.
    fn draw(self, mean: f64, log_scale: f64, words: &[u32]) -> f64 {
        let scale = log_scale.max(LEAST_LOG_SCALE).exp();
        let z = match self {
            Component::Gaussian => normal_pair(words[0], words[1]).0,
            Component::Logistic | Component::Levels(_) => {
                let v = uniform(words[0]);
                (v / (1.0 - v)).ln()
            }
        };
        let x = mean + scale * z;
        match self {
            Component::Gaussian | Component::Logistic => x,
            Component::Levels(levels) => round_to_level(x, levels),
        }
    }

    /// The log scale of the component whose standard deviation is this.
    fn log_scale_of(self, deviation: f64) -> f64 {
        match self {
            Component::Gaussian => deviation.ln(),
            Component::Logistic | Component::Levels(_) => {
                (deviation * 3f64.sqrt() / std::f64::consts::PI).ln()
            }
        }
    }
}

/// ln [σ(a) - σ(b)] with a = (x + h/2 - m)/s and b = (x - h/2 - m)/s: ln σ(a) + ln σ(-b) + ln(1 - e^(b - a)),
/// whose last term is far from rounding by 1 - e^-δ = 2t/(1 + t), t = tanh(δ/2).
fn log_level<'s>(x: Var<'s>, centred: Var<'s>, per_scale: Var<'s>, levels: u32) -> Var<'s> {
    let half = 0.5 / f64::from(levels.max(2) - 1);
    let up_to = -(-(centred + half) * per_scale).softplus();
    let from = -((centred - half) * per_scale).softplus();
    let t = (per_scale * half).tanh();
    let within = (t * 2.0 / (t + 1.0)).log();
    let scope = x.scope();
    let is_lowest = x.less(scope.constant(half));
    let is_highest = scope.constant(1.0 - half).less(x);
    is_lowest.select(up_to, is_highest.select(from, up_to + from + within))
}

/// The level in [0, 1] next to x.
pub fn round_to_level(x: f64, levels: u32) -> f64 {
    let steps = f64::from(levels.max(2) - 1);
    (x * steps).round().clamp(0.0, steps) / steps
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
                let [logits, means, log_scales] = [part(0), part(1), part(2)];
                let x = x.broadcast_axes(&means.shape(), &[0, 1]);
                let each = of.log_density(x, means, log_scales);
                (logits + each).log_sum_exp(2) - logits.log_sum_exp(2)
            }
        }
    }

    /// What a network's biases start at, `[d, width]`: the log odds of `means` `[d]` for elements in {0, 1};
    /// for standardised elements components side by side over ±1.5, for levels over [0, 1], as wide as they
    /// are apart.
    pub(super) fn starting_bias(self, means: &[f64]) -> Vec<f64> {
        match self {
            Conditional::Bernoulli => means.iter().map(|mean| log_odds(*mean)).collect(),
            Conditional::Mixture { of, components } => {
                let (low, span) = match of {
                    Component::Gaussian | Component::Logistic => (-1.5, 3.0),
                    Component::Levels(_) => (0.0, 1.0),
                };
                let apart = span / components as f64;
                let centre = |k: usize| low + apart * (k as f64 + 0.5);
                // One component is as wide as the data.
                let deviation = if components == 1 { span / 3.0 } else { apart };
                let element: Vec<f64> = std::iter::repeat_n(0.0, components)
                    .chain((0..components).map(centre))
                    .chain(std::iter::repeat_n(of.log_scale_of(deviation), components))
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
                let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let k = choose(logits.iter().map(|a| (a - max).exp()), u);
                of.draw(rest[k], rest[components + k], &words[2..])
            }
        }
    }
}

/// The log odds of a mean, which is kept within [1/1000, 999/1000].
pub(super) fn log_odds(mean: f64) -> f64 {
    let mean = mean.clamp(1e-3, 1.0 - 1e-3);
    (mean / (1.0 - mean)).ln()
}

/// The place at the share u of these weights.
pub(super) fn choose(weights: impl Iterator<Item = f64> + Clone, u: f64) -> usize {
    let mut left = u * weights.clone().sum::<f64>();
    let last = weights.clone().count().saturating_sub(1);
    let chosen = weights.into_iter().position(|weight| {
        left -= weight;
        left <= 0.0
    });
    // Rounding may leave a remainder after the last one.
    chosen.unwrap_or(last)
}
