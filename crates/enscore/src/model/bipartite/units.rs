//! Energies over two sides of units, where the units of a side are independent given the other side: the
//! restricted Boltzmann machine (Smolensky 1986; Hinton 2002), and a deep Boltzmann machine whose even layers
//! are the first side and whose odd layers are the second (Salakhutdinov and Hinton 2009).
//!
//! ```text
//! ln p(x, h) = g(x) + c'h + x'Wh - ln Z,      h in {0, 1}^m,
//! g(x) = Σ b_i x_i                   for units in {0, 1},
//! g(x) = -Σ (x_i - b_i)² / (2σ²)     for Gaussian ones (their x in x'Wh is x / σ²),
//! f(x) = g(x) + Σ_j ln(1 + exp((c + W'x)_j)): the log density of the first side, the second summed out.
//! ```
//!
//! Block Gibbs sampling draws one side given the other. Everything below is a function of variables
//! `[batch, units]`.

use std::ops::Range;

use enscore_program::{Initial, Parameters, Var};

use crate::error::{Error, Result};
use crate::model::tracing::sum_rows;
use crate::model::traits::LogDensity;

/// What values a unit has, and its law given its input a.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Units {
    /// {0, 1}: P(x = 1) = 1 / (1 + exp(-a)).
    Bernoulli,
    /// Real: N(a, deviation²).
    Gaussian {
        /// The standard deviation σ > 0.
        deviation: f64,
    },
}

impl Units {
    /// What multiplies a unit's value in x'Wh: 1/σ² for Gaussian units, else 1.
    pub fn precision(self) -> f64 {
        match self {
            Units::Bernoulli => 1.0,
            Units::Gaussian { deviation } => (deviation * deviation).recip(),
        }
    }
}

/// Units that stand beside each other in a side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitBlock {
    /// How many.
    pub width: usize,
    /// Their kind.
    pub units: Units,
}

/// Weights between units of the two sides: x'Wh over those units, by the names of the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// W `[first, second]` over the two ranges.
    pub weights: &'static str,
    /// Whether W stands as `[second, first]` instead.
    pub transposed: bool,
    /// The bias of the units of the first side, and where they stand in it.
    pub first: (&'static str, Range<usize>),
    /// The bias of the units of the second side, and where they stand in it.
    pub second: (&'static str, Range<usize>),
}

/// A joint density of two sides of units.
pub trait Bipartite: LogDensity {
    /// The units of the first side, in order. The data's come first.
    fn first_units(&self) -> &[UnitBlock];

    /// The number of units in {0, 1} of the second side.
    fn second_width(&self) -> usize;

    /// All weights between the sides.
    fn interactions(&self) -> Vec<Interaction>;

    /// c + W'x, the log odds of the second side: x `[batch, first]` → `[batch, second]`.
    fn second_inputs<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s>;

    /// b + W h, the log odds or the means of the first side: h `[batch, second]` → `[batch, first]`.
    fn first_inputs<'s>(&self, parameters: &Parameters<'s>, h: Var<'s>) -> Var<'s>;

    /// g(x), what the first side alone adds: x `[batch, first]` → `[batch]`, nats.
    fn first_alone<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s>;

    /// ln ∫ exp(g(x) + c'h + x'Wh) dx, the log density of the second side: h `[batch, second]` → `[batch]`,
    /// nats.
    fn second_log_density<'s>(&self, parameters: &Parameters<'s>, h: Var<'s>) -> Var<'s>;

    /// The first side given the data's units alone, which come first, and what a log density of the data adds
    /// to f of it: x `[batch, data]` → (`[batch, first]`, `[batch]`). Where the data are the whole first side
    /// it is x and 0; else the other units are at their mean field, which derivatives hold fixed, and the sum
    /// of f and their entropy is a lower bound.
    fn first_given_data<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> (Var<'s>, Var<'s>);

    /// Whether [`LogDensity::log_density`] is a lower bound of ln Σ_h exp(-E(v, h)) and not its value.
    fn is_bound(&self) -> bool;

    /// f(x) = g(x) + Σ softplus(c + W'x): x `[batch, first]` → `[batch]`, nats. It is minus the free energy.
    fn first_log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        self.first_alone(parameters, x) + sum_rows(self.second_inputs(parameters, x).softplus())
    }

    /// Whether ln p(x_i | the other data) of each element has a closed form: the first side is data in {0, 1}
    /// alone.
    fn has_pseudo_likelihood(&self) -> bool {
        !self.is_bound() && self.is_binary()
    }

    /// Whether every unit of the first side is in {0, 1}.
    fn is_binary(&self) -> bool {
        self.first_units().iter().all(|block| block.units == Units::Bernoulli)
    }

    /// The number of units of the first side.
    fn first_width(&self) -> usize {
        self.first_units().iter().map(|block| block.width).sum()
    }
}

/// Biases that give the visible units these means while the weights are 0: log odds for units in
/// {0, 1}, with means kept within [1/1000, 999/1000].
///
/// # Errors
/// Another number of means than of units.
pub(super) fn starting_bias(means: &[f64], UnitBlock { width, units }: UnitBlock) -> Result<Initial> {
    if means.len() != width {
        return Err(Error::input("the means don't match the visible units in number")
            .at("visible_bias")
            .found(means.len())
            .expected(width));
    }
    let start = |mean: &f64| match units {
        Units::Bernoulli => {
            let mean = mean.clamp(1e-3, 1.0 - 1e-3);
            (mean / (1.0 - mean)).ln()
        }
        Units::Gaussian { .. } => *mean,
    };
    Ok(Initial::Values(means.iter().map(start).collect()))
}

/// Units in {0, 1} with these log odds.
pub fn draw_bernoulli<'s>(key: Var<'s>, log_odds: Var<'s>) -> Var<'s> {
    key.uniform(&log_odds.shape()).less(log_odds.sigmoid()).to_float()
}

/// A side drawn at its inputs `[batch, units]`.
pub fn draw_units<'s>(key: Var<'s>, blocks: &[UnitBlock], inputs: Var<'s>) -> Var<'s> {
    by_block(blocks, inputs, |units, inputs| match units {
        Units::Bernoulli => draw_bernoulli(key, inputs),
        Units::Gaussian { deviation } => inputs + deviation * key.normal(&inputs.shape()),
    })
}

/// The expectation of a side at its inputs `[batch, units]`.
pub fn mean_units<'s>(blocks: &[UnitBlock], inputs: Var<'s>) -> Var<'s> {
    by_block(blocks, inputs, |units, inputs| match units {
        Units::Bernoulli => inputs.sigmoid(),
        Units::Gaussian { .. } => inputs,
    })
}

/// A side's values as they stand in x'Wh: x / σ² for Gaussian units: `[batch, units]`.
pub fn scaled_units<'s>(blocks: &[UnitBlock], x: Var<'s>) -> Var<'s> {
    if blocks.iter().all(|block| block.units == Units::Bernoulli) {
        x
    } else {
        by_block(blocks, x, |units, x| x * units.precision())
    }
}

fn by_block<'s>(blocks: &[UnitBlock], inputs: Var<'s>, each: impl Fn(Units, Var<'s>) -> Var<'s>) -> Var<'s> {
    if let [block] = blocks {
        return each(block.units, inputs);
    }
    let mut start = 0;
    let parts: Vec<Var<'s>> = blocks
        .iter()
        .map(|block| {
            let part = each(block.units, inputs.slice(1, start, start + block.width));
            start += block.width;
            part
        })
        .collect();
    match parts.split_first() {
        Some((first, rest)) => first.concatenate(rest, 1),
        None => inputs.scope().fail("a layer without units".to_string()),
    }
}
