//! A fully connected network as an unnormalised log density: f(x) = N(x), h_0 = x, h_k = φ(W_k h_{k-1} +
//! b_k), output w'h + b.

use enscore_program::{Parameters, Var};

use super::confinement::{Confinement, ConfinementSettings, check_confinement, confined};
use crate::error::Result;
use crate::keys::{Kind, ListOf, keys, within};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{Activation, Start, dense, flat, refuse_empty};
use crate::model::network::Network;
use crate::model::traits::LogDensity;

keys! {
    /// Settings of a perceptron energy.
    MlpEnergySettings {
        hidden: Vec<usize> = vec![128, 128], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer.";
        activation: Activation = Activation::Softplus, (), "Nonlinearity after each hidden layer.";
        ..confined: ConfinementSettings;
    }
}

impl Kind for MlpEnergySettings {
    type Facts = ();
}

impl ModelKind for MlpEnergySettings {
    fn family(&self) -> Family {
        Family::Energy
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let energy = MlpEnergy::new(data.row_shape, &self.hidden, self.activation)?;
        Ok(Network::Energy(match self.confined.around(data.mean)? {
            Some(confinement) => Box::new(energy.confined(confinement)?),
            None => Box::new(energy),
        }))
    }
}

/// An unnormalised log density of vectors. Without a confinement nothing bounds it far from the data: a
/// normaliser exists only if training makes it fall there.
#[derive(Clone, Debug)]
pub struct MlpEnergy {
    row_shape: Vec<usize>,
    hidden: Vec<usize>,
    activation: Activation,
    confinement: Option<Confinement>,
}

impl MlpEnergy {
    /// Hidden layers of these widths.
    ///
    /// # Errors
    /// An extent or width of 0.
    pub fn new(row_shape: &[usize], hidden: &[usize], activation: Activation) -> Result<Self> {
        refuse_empty(row_shape, hidden)?;
        let row_shape = row_shape.to_vec();
        let hidden = hidden.to_vec();
        Ok(MlpEnergy { row_shape, hidden, activation, confinement: None })
    }

    /// The same network times a Gaussian factor.
    ///
    /// # Errors
    /// A confinement for rows of another size.
    pub fn confined(self, confinement: Confinement) -> Result<Self> {
        let confinement = Some(confinement);
        check_confinement(&confinement, self.row_shape.iter().product())?;
        Ok(MlpEnergy { confinement, ..self })
    }
}

impl LogDensity for MlpEnergy {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let mut hidden = flat(x);
        for (i, width) in self.hidden.iter().enumerate() {
            let layer = parameters.at(&format!("hidden.{i}"));
            hidden = self.activation.apply(dense(&layer, hidden, *width, Start::Random));
        }
        // Zero weights here would make the score 0 and with it the gradient in every other layer.
        let network = dense(&parameters.at("output"), hidden, 1, Start::Random).reshape(&[x.extent(0)]);
        confined(&self.confinement, network, x)
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}
