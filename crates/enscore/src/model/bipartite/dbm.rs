//! The deep Boltzmann machine (Salakhutdinov and Hinton 2009) with two or three layers h1, h2, .. of hidden
//! units in {0, 1} above the visible ones h0 = v:
//!
//! ```text
//! ln p(v, h1, h2, ..) = Σ_l h_l' W_l h_(l+1) + Σ_l b_l' h_l - ln Z.
//! ```
//!
//! Even layers are independent given the odd ones, and these given the even ones: two sides of units, the
//! first one v with h2, the second one h1 with h3. Block Gibbs sampling, annealing and enumeration see no
//! more than that.
//!
//! ln Σ_h exp(-E(v, h)) has no closed form. [`LogDensity::log_density`] is its **variational lower bound**,
//! with q(h) = Π Bernoulli(μ) (eq. 8 and 9 of the paper), the second side summed out:
//!
//! ```text
//! E_q[-E(v, h)] + H(q) = f(v, μ_even) + H(μ_even),        f(x) = g(x) + Σ softplus(c + W'x),
//! ```
//!
//! after a fixed number of sweeps μ_odd = σ(inputs), μ_even = σ(inputs) from a pass upwards with doubled
//! weights. Each sweep raises the bound; at their fixed point its gradient in the parameters is that of -E at
//! μ, which is held fixed in derivatives.
//!
//! W_l `[units of layer l, units of layer l + 1]`; all in nats.

use std::ops::Range;

use enscore_program::{Initial, Parameters, Var};

use super::units::{Bipartite, Interaction, UnitBlock, Units, starting_bias};
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Kind, ListOf, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;
use crate::model::tracing::sum_rows;
use crate::model::traits::LogDensity;

/// The names of W_0, W_1, W_2 among the parameters.
pub const DBM_WEIGHTS: [&str; 3] = ["layers.0.weights", "layers.1.weights", "layers.2.weights"];
/// The names of the biases of the layers from the visible one up.
pub const DBM_BIASES: [&str; 4] = ["visible_bias", "layers.0.bias", "layers.1.bias", "layers.2.bias"];

keys! {
    /// Settings of a deep Boltzmann machine.
    DbmSettings {
        hidden: Vec<usize> = vec![500, 1000], ListOf { items: within(1, 1 << 20), length: within(2, 3) },
            "Width of each hidden layer, bottom to top.";
        mean_field_steps: usize = 10, within(1, 1000),
            "Mean-field sweeps over the hidden layers given the visible units, initialised by an upward pass with doubled weights.";
    }
}

impl DbmSettings {
    /// The machine for such data.
    ///
    /// # Errors
    /// As [`Dbm::new`] and [`Dbm::starting_at`].
    pub fn machine(&self, data: &DataFacts) -> Result<Dbm> {
        Dbm::new(data.row_shape, &self.hidden, self.mean_field_steps)?.starting_at(data.mean)
    }
}

impl Kind for DbmSettings {
    type Facts = ();
}

impl ModelKind for DbmSettings {
    fn family(&self) -> Family {
        Family::Bipartite
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        Ok(Network::Bipartite(Box::new(self.machine(data)?)))
    }

    fn noun(&self) -> &'static str {
        "a deep Boltzmann machine"
    }

    fn filters(&self) -> Option<&'static str> {
        Some(DBM_WEIGHTS[0])
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "energy: deep Boltzmann machine, learnt with a mean field",
            authors: "Ruslan Salakhutdinov, Geoffrey Hinton",
            year: 2009,
            title: "Deep Boltzmann Machines",
            venue: "AISTATS 2009",
        }]
    }
}

/// A deep Boltzmann machine.
#[derive(Clone, Debug)]
pub struct Dbm {
    row_shape: Vec<usize>,
    /// Units of each layer from the visible one up.
    widths: Vec<usize>,
    first: [UnitBlock; 1],
    sweeps: usize,
    visible_bias: Initial,
}

impl Dbm {
    /// For rows of this shape, with two or three hidden layers of these widths and this many sweeps of
    /// the mean field. Weights start at N(0, 0.01²), biases at 0.
    ///
    /// # Errors
    /// Another number of layers; a layer without units; no sweeps.
    pub fn new(row_shape: &[usize], hidden: &[usize], sweeps: usize) -> Result<Self> {
        if !(2..=3).contains(&hidden.len()) {
            return Err(Error::input("a deep Boltzmann machine needs 2 or 3 hidden layers")
                .at("hidden")
                .found(hidden.len())
                .expected("2 or 3")
                .remedy("for one hidden layer, use a restricted Boltzmann machine"));
        }
        let widths: Vec<usize> =
            std::iter::once(row_shape.iter().product()).chain(hidden.iter().copied()).collect();
        if let Some(layer) = widths.iter().position(|width| *width == 0) {
            return Err(Error::input("a layer has no units")
                .at(format!("layer {layer}"))
                .found(0)
                .expected("at least 1"));
        }
        if sweeps == 0 {
            return Err(Error::input("no mean-field sweeps")
                .at("mean_field_steps")
                .found(0)
                .expected("at least 1"));
        }
        let first = [UnitBlock { width: widths[0] + widths[2], units: Units::Bernoulli }];
        let visible_bias = Initial::Constant(0.0);
        Ok(Dbm { row_shape: row_shape.to_vec(), widths, first, sweeps, visible_bias })
    }

    /// The same machine with visible biases that give the units these means, kept within [1/1000, 999/1000],
    /// while the weights are 0.
    ///
    /// # Errors
    /// Another number of means than of visible units.
    pub fn starting_at(self, means: &[f64]) -> Result<Self> {
        let visible = UnitBlock { width: self.widths[0], units: Units::Bernoulli };
        Ok(Dbm { visible_bias: starting_bias(means, visible)?, ..self })
    }

    /// Units of each layer, from the visible one up.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// The number of layers of weights, which is that of hidden layers.
    pub fn depth(&self) -> usize {
        self.widths.len() - 1
    }

    /// W_l between the layers l and l + 1, l below [`Dbm::depth`].
    pub fn weights<'s>(&self, parameters: &Parameters<'s>, l: usize) -> Var<'s> {
        parameters.get(DBM_WEIGHTS[l], &self.widths[l..l + 2], Initial::Normal(0.01))
    }

    /// The bias of a layer, 0 for the visible one.
    pub fn bias<'s>(&self, parameters: &Parameters<'s>, layer: usize) -> Var<'s> {
        let initial = if layer == 0 { self.visible_bias.clone() } else { Initial::Constant(0.0) };
        parameters.get(DBM_BIASES[layer], &self.widths[layer..=layer], initial)
    }

    /// Declares all parameters, in the order of the layers.
    pub fn declare(&self, parameters: &Parameters) {
        for layer in 0..=self.depth() {
            self.bias(parameters, layer);
            if layer < self.depth() {
                self.weights(parameters, layer);
            }
        }
    }

    /// Where a layer stands in its side: even layers in the first, odd ones in the second.
    fn place(&self, layer: usize) -> Range<usize> {
        let start = if layer < 2 { 0 } else { self.widths[layer - 2] };
        start..start + self.widths[layer]
    }

    /// A layer of its side `[batch, units]`.
    fn layer<'s>(&self, side: Var<'s>, layer: usize) -> Var<'s> {
        let Range { start, end } = self.place(layer);
        if (start, end) == (0, side.extent(1)) { side } else { side.slice(1, start, end) }
    }

    /// The log odds of a layer given the other side: what comes from below, from above, and its bias.
    fn inputs_of<'s>(&self, parameters: &Parameters<'s>, layer: usize, other: Var<'s>) -> Var<'s> {
        let from_below =
            (layer > 0).then(|| self.layer(other, layer - 1).matmul(self.weights(parameters, layer - 1)));
        let from_above = (layer < self.depth())
            .then(|| self.layer(other, layer + 1).matmul_with(self.weights(parameters, layer), false, true));
        let bias = self.bias(parameters, layer);
        [from_below, from_above].into_iter().flatten().fold(bias, |sum, product| product + sum)
    }

    /// The log odds of every other layer from `layer` up, side by side.
    fn side_inputs<'s>(&self, parameters: &Parameters<'s>, layer: usize, other: Var<'s>) -> Var<'s> {
        let inputs = self.inputs_of(parameters, layer, other);
        if layer + 2 <= self.depth() {
            inputs.concatenate(&[self.inputs_of(parameters, layer + 2, other)], 1)
        } else {
            inputs
        }
    }

    /// Σ b'x over every other layer from `layer` up: the side `[batch, units]` → `[batch]`.
    fn biased<'s>(&self, parameters: &Parameters<'s>, layer: usize, side: Var<'s>) -> Var<'s> {
        let of = |layer| sum_rows(self.layer(side, layer) * self.bias(parameters, layer));
        if layer + 2 <= self.depth() { of(layer) + of(layer + 2) } else { of(layer) }
    }

    /// The log odds of μ of h2 after the sweeps, v `[batch, visible]` → `[batch, h2]`; not differentiated.
    fn mean_field<'s>(&self, parameters: &Parameters<'s>, v: Var<'s>) -> Var<'s> {
        // The visible units don't move: their product is taken once.
        let from_visible = v.matmul(self.weights(parameters, 0)) + self.bias(parameters, 1);
        let from_visible_doubled = 2.0 * from_visible - self.bias(parameters, 1);
        let w = self.weights(parameters, 1);
        let into_second = |h1: Var<'s>, h3: Option<Var<'s>>| {
            let inputs = h1.matmul(w) + self.bias(parameters, 2);
            match h3 {
                Some(h3) => inputs + h3.matmul_with(self.weights(parameters, 2), false, true),
                None => inputs,
            }
        };
        let into_third = |h2: Var<'s>| h2.matmul(self.weights(parameters, 2)) + self.bias(parameters, 3);
        let deep = self.depth() == 3;
        // Upwards: a layer that will hear from above as well hears twice from below.
        let mut log_odds = {
            let inputs = into_second(from_visible_doubled.sigmoid(), None);
            if deep { 2.0 * inputs - self.bias(parameters, 2) } else { inputs }
        };
        for _ in 0..self.sweeps {
            let h2 = log_odds.sigmoid();
            let h1 = (from_visible + h2.matmul_with(w, false, true)).sigmoid();
            log_odds = into_second(h1, deep.then(|| into_third(h2).sigmoid()));
        }
        log_odds.stop_gradient()
    }
}

impl LogDensity for Dbm {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (first, entropy) = self.first_given_data(parameters, x.reshape(&[x.extent(0), self.widths[0]]));
        self.first_log_density(parameters, first) + entropy
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

impl Bipartite for Dbm {
    fn first_units(&self) -> &[UnitBlock] {
        &self.first
    }

    fn second_width(&self) -> usize {
        self.widths[1] + self.widths.get(3).copied().unwrap_or(0)
    }

    fn interactions(&self) -> Vec<Interaction> {
        let between = |l: usize| {
            let (even, odd) = if l.is_multiple_of(2) { (l, l + 1) } else { (l + 1, l) };
            Interaction {
                weights: DBM_WEIGHTS[l],
                transposed: even > odd,
                first: (DBM_BIASES[even], self.place(even)),
                second: (DBM_BIASES[odd], self.place(odd)),
            }
        };
        (0..self.depth()).map(between).collect()
    }

    fn second_inputs<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        self.side_inputs(parameters, 1, x)
    }

    fn first_inputs<'s>(&self, parameters: &Parameters<'s>, h: Var<'s>) -> Var<'s> {
        self.side_inputs(parameters, 0, h)
    }

    fn first_alone<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        self.biased(parameters, 0, x)
    }

    fn second_log_density<'s>(&self, parameters: &Parameters<'s>, h: Var<'s>) -> Var<'s> {
        self.biased(parameters, 1, h) + sum_rows(self.first_inputs(parameters, h).softplus())
    }

    fn first_given_data<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> (Var<'s>, Var<'s>) {
        let log_odds = self.mean_field(parameters, x);
        let mean = log_odds.sigmoid();
        // H(μ) = softplus(a) - a μ with a the log odds.
        (x.concatenate(&[mean], 1), sum_rows(log_odds.softplus() - log_odds * mean))
    }

    fn is_bound(&self) -> bool {
        true
    }
}
