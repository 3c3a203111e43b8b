//! The restricted Boltzmann machine (Smolensky 1986; Hinton 2002): visible units v, hidden units h in {0, 1},
//!
//! ```text
//! Bernoulli visible units:  ln p(v, h) = b'v + c'h + v'Wh - ln Z,
//!                           f(v) = b'v + Σ_j softplus((c + W'v)_j);
//! Gaussian visible units:   ln p(v, h) = -|v - b|² / (2σ²) + c'h + v'Wh / σ² - ln Z,
//!                           f(v) = -|v - b|² / (2σ²) + Σ_j softplus((c + W'v / σ²)_j).
//! ```
//!
//! (Gaussian units: Melchior, Wang and Wiskott 2017, eq. 1.) W `[visible, hidden]`, b `[visible]`, c
//! `[hidden]`; f is minus the free energy, in nats.

use enscore_program::{Initial, Parameters, Var};

use super::units::{Bipartite, Interaction, UnitBlock, Units, scaled_units, starting_bias};
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::keys::{Kind, above, choice, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::network::Network;
use crate::model::tracing::sum_rows;
use crate::model::traits::LogDensity;

/// The names of W, b and c among the parameters.
pub const RBM_PARAMETERS: [&str; 3] = ["weights", "visible_bias", "hidden_bias"];

choice! {
    /// The visible units of a restricted Boltzmann machine.
    VisibleUnits {
        /// In {0, 1}.
        Bernoulli = "bernoulli",
        /// Real numbers, Gaussian given the hidden units.
        Gaussian = "gaussian",
    }
}

keys! {
    /// Settings of a restricted Boltzmann machine.
    RbmSettings {
        hidden: usize = 500, within(1, 1 << 20), "Hidden units, in {0, 1}.";
        visible: VisibleUnits = VisibleUnits::Bernoulli, (), "Kind of visible units.";
        deviation: f64 = 1.0, above(0.0),
            "With visible = \"gaussian\": standard deviation of a visible unit given the hidden units, in units of the scaled data.";
    }
}

impl Kind for RbmSettings {
    type Facts = ();
}

impl ModelKind for RbmSettings {
    fn family(&self) -> Family {
        Family::Bipartite
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let units = match self.visible {
            VisibleUnits::Bernoulli => Units::Bernoulli,
            VisibleUnits::Gaussian => Units::Gaussian { deviation: self.deviation },
        };
        let machine = Rbm::new(data.row_shape, self.hidden, units)?.starting_at(data.mean)?;
        Ok(Network::Bipartite(Box::new(machine)))
    }

    fn noun(&self) -> &'static str {
        "a restricted Boltzmann machine"
    }

    fn filters(&self) -> Option<&'static str> {
        Some(RBM_PARAMETERS[0])
    }

    fn cites(&self) -> Vec<Citation> {
        vec![Citation {
            role: "energy: restricted Boltzmann machine",
            authors: "Paul Smolensky",
            year: 1986,
            title: "Information Processing in Dynamical Systems: Foundations of Harmony Theory",
            venue: "Parallel Distributed Processing, volume 1, chapter 6, MIT Press",
        }]
    }
}

/// A restricted Boltzmann machine.
#[derive(Clone, Debug)]
pub struct Rbm {
    row_shape: Vec<usize>,
    block: [UnitBlock; 1],
    hidden: usize,
    visible_bias: Initial,
}

impl Rbm {
    /// For rows of this shape, with `hidden` hidden units. Weights start at N(0, 0.01²) (Hinton 2012, "A
    /// practical guide to training restricted Boltzmann machines", section 8), biases at 0.
    ///
    /// # Errors
    /// A side without units; a standard deviation that is not finite and positive.
    pub fn new(row_shape: &[usize], hidden: usize, units: Units) -> Result<Self> {
        let width = row_shape.iter().product();
        for (name, extent) in [("visible", width), ("hidden", hidden)] {
            if extent == 0 {
                return Err(Error::input("a layer has no units").at(name).found(0).expected("at least 1"));
            }
        }
        if let Units::Gaussian { deviation } = units
            && !(deviation.is_finite() && deviation > 0.0)
        {
            return Err(Error::input("the standard deviation of visible units is out of range")
                .at("deviation")
                .found(deviation)
                .expected("a finite number above 0"));
        }
        let row_shape = row_shape.to_vec();
        let block = [UnitBlock { width, units }];
        Ok(Rbm { row_shape, block, hidden, visible_bias: Initial::Constant(0.0) })
    }

    /// The same machine with visible biases that give the units these means while the weights are 0: log odds
    /// for Bernoulli units, with means kept within [1/1000, 999/1000].
    ///
    /// # Errors
    /// Another number of means than of visible units.
    pub fn starting_at(self, means: &[f64]) -> Result<Self> {
        Ok(Rbm { visible_bias: starting_bias(means, self.block[0])?, ..self })
    }

    /// The kind of the visible units.
    pub fn units(&self) -> Units {
        self.block[0].units
    }

    /// W `[visible, hidden]`.
    fn weights<'s>(&self, parameters: &Parameters<'s>) -> Var<'s> {
        parameters.get(RBM_PARAMETERS[0], &[self.block[0].width, self.hidden], Initial::Normal(0.01))
    }

    fn visible_bias<'s>(&self, parameters: &Parameters<'s>) -> Var<'s> {
        parameters.get(RBM_PARAMETERS[1], &[self.block[0].width], self.visible_bias.clone())
    }

    fn hidden_bias<'s>(&self, parameters: &Parameters<'s>) -> Var<'s> {
        parameters.get(RBM_PARAMETERS[2], &[self.hidden], Initial::Constant(0.0))
    }
}

impl LogDensity for Rbm {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        self.first_log_density(parameters, x.reshape(&[x.extent(0), self.block[0].width]))
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

impl Bipartite for Rbm {
    fn first_units(&self) -> &[UnitBlock] {
        &self.block
    }

    fn second_width(&self) -> usize {
        self.hidden
    }

    fn interactions(&self) -> Vec<Interaction> {
        let [weights, visible_bias, hidden_bias] = RBM_PARAMETERS;
        let visible = 0..self.block[0].width;
        let hidden = 0..self.hidden;
        vec![Interaction {
            weights,
            transposed: false,
            first: (visible_bias, visible),
            second: (hidden_bias, hidden),
        }]
    }

    fn second_inputs<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        scaled_units(&self.block, x).matmul(self.weights(parameters)) + self.hidden_bias(parameters)
    }

    fn first_inputs<'s>(&self, parameters: &Parameters<'s>, h: Var<'s>) -> Var<'s> {
        h.matmul_with(self.weights(parameters), false, true) + self.visible_bias(parameters)
    }

    fn first_alone<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let bias = self.visible_bias(parameters);
        match self.units() {
            Units::Bernoulli => sum_rows(x * bias),
            Units::Gaussian { .. } => sum_rows((x - bias).square()) * (-0.5 * self.units().precision()),
        }
    }

    fn second_log_density<'s>(&self, parameters: &Parameters<'s>, h: Var<'s>) -> Var<'s> {
        let alone = sum_rows(h * self.hidden_bias(parameters));
        match self.units() {
            Units::Bernoulli => alone + sum_rows(self.first_inputs(parameters, h).softplus()),
            Units::Gaussian { deviation } => {
                // ∫ exp(-(v - b)² / (2σ²) + v a / σ²) dv = √(2πσ²) exp((a b + a² / 2) / σ²) with a = (W h)_i.
                let a = h.matmul_with(self.weights(parameters), false, true);
                let exponent =
                    sum_rows(a * (self.visible_bias(parameters) + 0.5 * a)) * self.units().precision();
                let volume = self.block[0].width as f64 * (0.5 * std::f64::consts::TAU.ln() + deviation.ln());
                alone + exponent + volume
            }
        }
    }

    fn first_given_data<'s>(&self, _parameters: &Parameters<'s>, x: Var<'s>) -> (Var<'s>, Var<'s>) {
        (x, sum_rows(x.zeros_like()))
    }

    fn is_bound(&self) -> bool {
        false
    }
}
