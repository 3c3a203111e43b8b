//! The masked autoencoder for distribution estimation, MADE (Germain, Gregor, Murray and Larochelle 2015):
//! one perceptron whose masked weights give, for every element at once, the density of it given those before
//! it in an order,
//!
//! ```text
//! h_1 = g(x (W_1 ∘ M_1) + b_1),  ..,   heads = h_L (V ∘ M) + c,
//! ln p(x) = Σ_i ln p(x_i | heads_i).
//! ```
//!
//! With M orders it is their mixture, p(x) = Σ_m p_m(x) / M, of shared weights; an update of it takes one of
//! them at random (section 4.2, "connectivity-agnostic and order-agnostic training"). Real elements are
//! standardised first.

use enscore_program::{Initial, Parameters, Var};

use super::made_draws::{Architecture, MadeDraws};
use super::masks::{MadeMasks, TracedMasks};
use crate::citation::Citation;
use crate::error::{Error, Result};
use crate::executor::Weights;
use crate::keys::{Kind, ListOf, choice, keys, within};
use crate::model::conditional::{Component, Conditional};
use crate::model::kind::{DataFacts, Family, ModelKind};
use crate::model::layers::{Activation, Start};
use crate::model::network::Network;
use crate::model::standardise::Standardise;
use crate::model::tracing::sum_rows;
use crate::model::traits::{LogDensity, Normalised, SequentialDraws, Support};

/// The work behind it.
pub const MADE: Citation = Citation {
    role: "autoregressive model: masked autoencoder",
    authors: "Mathieu Germain, Karol Gregor, Iain Murray, Hugo Larochelle",
    year: 2015,
    title: "MADE: Masked Autoencoder for Distribution Estimation",
    venue: "International Conference on Machine Learning, PMLR 37, 881-889",
};

choice! {
    /// The density of an element given those before it.
    Conditionals {
        /// Of elements in {0, 1}.
        Bernoulli = "bernoulli",
        /// Of real elements: a mixture of Gaussians.
        Gaussians = "gaussian-mixture",
        /// Of real elements: a mixture of logistic distributions.
        Logistics = "logistic-mixture",
    }
}

keys! {
    /// Settings of a masked autoencoder.
    MadeSettings {
        hidden: Vec<usize> = vec![500], ListOf { items: within(1, 65_536), length: within(1, 64) },
            "Width of each hidden layer.";
        activation: Activation = Activation::LeakyRelu, (), "Activation between layers.";
        conditionals: Conditionals = Conditionals::Bernoulli, (),
            "Density of a value given those before it: \"bernoulli\" for values in {0, 1}, else a mixture.";
        components: usize = 10, within(1, 1024), "Components of each mixture.";
        orderings: usize = 1, within(1, 256),
            "Orders of the values: the first as they come, the others random. The density is the mean over them; an update takes one at random.";
    }
}

impl MadeSettings {
    fn conditional(&self) -> Conditional {
        let mixture = |of| Conditional::Mixture { of, components: self.components };
        match self.conditionals {
            Conditionals::Bernoulli => Conditional::Bernoulli,
            Conditionals::Gaussians => mixture(Component::Gaussian),
            Conditionals::Logistics => mixture(Component::Logistic),
        }
    }
}

impl Kind for MadeSettings {
    type Facts = ();
}

impl ModelKind for MadeSettings {
    fn family(&self) -> Family {
        Family::Autoregressive
    }

    fn build(&self, data: &DataFacts) -> Result<Network> {
        let elements = data.row_shape.iter().product();
        let masks =
            (0..self.orderings).map(|number| MadeMasks::numbered(number, elements, &self.hidden)).collect();
        let made = Made::new(data.row_shape, masks, self.conditional(), self.activation)?;
        Ok(Network::Normalised(Box::new(made.starting_at(data.mean, data.deviation)?)))
    }

    fn cites(&self) -> Vec<Citation> {
        vec![MADE]
    }
}

/// A masked autoencoder. Parameters `hidden.{i}.weight` `[in, width]`, `hidden.{i}.bias` `[width]`,
/// `output.weight` `[width, d * numbers]`, `output.bias` `[d * numbers]`, those of an element together.
#[derive(Clone, Debug)]
pub struct Made {
    row_shape: Vec<usize>,
    architecture: Architecture,
    bias: Vec<f64>,
}

impl Made {
    /// For rows of this shape, in these orders, whose hidden layers are of the same widths.
    ///
    /// # Errors
    /// No order, places for another number of elements, hidden layers of different widths.
    pub fn new(
        row_shape: &[usize],
        orders: Vec<MadeMasks>,
        conditional: Conditional,
        activation: Activation,
    ) -> Result<Self> {
        let elements: usize = row_shape.iter().product();
        let widths = |order: &MadeMasks| order.degrees.iter().map(Vec::len).collect::<Vec<usize>>();
        let fits = |order: &MadeMasks| {
            order.places.len() == elements && !order.degrees.is_empty() && widths(order) == widths(&orders[0])
        };
        if orders.is_empty() || !orders.iter().all(fits) {
            return Err(Error::input("the masks do not match the rows").at("masks").expected(format!(
                "a place for each of {elements} elements, and hidden layers of equal widths"
            )));
        }
        let bias = conditional.starting_bias(&vec![0.5; elements]);
        let row_shape = row_shape.to_vec();
        let architecture = Architecture { orders, conditional, activation, standardise: None };
        Ok(Made { row_shape, architecture, bias })
    }

    /// The same model that starts at the means of elements in {0, 1}, or that standardises real elements by
    /// mean and deviation.
    ///
    /// # Errors
    /// Moments of another number of elements; those of constant data, where elements are real.
    pub fn starting_at(self, mean: &[f64], deviation: &[f64]) -> Result<Self> {
        let elements: usize = self.row_shape.iter().product();
        match self.architecture.conditional {
            Conditional::Bernoulli => {
                if mean.len() != elements {
                    return Err(Error::input("the means don't match the elements in number")
                        .found(mean.len())
                        .expected(elements));
                }
                Ok(Made { bias: Conditional::Bernoulli.starting_bias(mean), ..self })
            }
            Conditional::Mixture { .. } => {
                let standardise = Some(Standardise::new(elements, mean, deviation)?);
                Ok(Made { architecture: Architecture { standardise, ..self.architecture }, ..self })
            }
        }
    }

    /// The elements of a row.
    fn elements(&self) -> usize {
        self.architecture.elements()
    }

    /// ln p_m(x_i | those before x_i) of each element of rows x `[n, ..]` in the order with number `number`:
    /// `[n, d]`, nats.
    pub fn log_conditionals<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, number: usize) -> Var<'s> {
        let seen = self.seen(x).0;
        let of_elements =
            self.ordered(parameters, seen, &TracedMasks::of(&self.architecture.orders[number], x));
        match &self.architecture.standardise {
            Some(map) => of_elements - map.log_deviations(x).reshape(&[self.elements()]),
            None => of_elements,
        }
    }

    /// ln p_m of each element of rows x `[n, d]`, standardised, under the masks of one order: `[n, d]`.
    fn ordered<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, masks: &TracedMasks<'s>) -> Var<'s> {
        let mut hidden = x;
        for (layer, degrees) in self.architecture.orders[0].degrees.iter().enumerate() {
            let own = parameters.at(&format!("hidden.{layer}"));
            let shape = [hidden.extent(1), degrees.len()];
            let weight = own.get("weight", &shape, Start::Random.initial(shape[0]));
            let bias = own.get("bias", &shape[1..], Initial::Constant(0.0));
            hidden = self.architecture.activation.apply(hidden.matmul(masks.hidden(layer, weight)) + bias);
        }
        let output = parameters.at("output");
        let width = self.architecture.conditional.width();
        let numbers = self.elements() * width;
        let weight = output.get("weight", &[hidden.extent(1), numbers], Initial::Constant(0.0));
        let bias = output.get("bias", &[numbers], Initial::Values(self.bias.as_slice().into()));
        let heads = hidden.matmul(masks.output(weight, width)) + bias;
        let heads = heads.reshape(&[x.extent(0), self.elements(), width]);
        self.architecture.conditional.log_density(x, heads)
    }

    /// x `[n, ..]` as the perceptron sees it, `[n, d]`, and ln |det| of that.
    fn seen<'s>(&self, x: Var<'s>) -> (Var<'s>, f64) {
        let (x, ln_determinant) = match &self.architecture.standardise {
            Some(map) => (map.apply(x), map.ln_determinant()),
            None => (x, 0.0),
        };
        (x.reshape(&[x.extent(0), self.elements()]), ln_determinant)
    }
}

/// ln of the mean of e^v over several v `[n]`.
fn log_mean_exp<'s>(values: &[Var<'s>]) -> Var<'s> {
    let columns: Vec<Var> = values.iter().map(|value| value.reshape(&[value.extent(0), 1])).collect();
    columns[0].concatenate(&columns[1..], 1).log_sum_exp(1) - (values.len() as f64).ln()
}

impl LogDensity for Made {
    fn log_density<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>) -> Var<'s> {
        let (x, ln_determinant) = self.seen(x);
        let of = |order: &MadeMasks| sum_rows(self.ordered(parameters, x, &TracedMasks::of(order, x)));
        let terms: Vec<Var> = self.architecture.orders.iter().map(of).collect();
        let log_mean = match &terms[..] {
            [one] => *one,
            several => log_mean_exp(several),
        };
        log_mean + ln_determinant
    }

    fn row_shape(&self) -> &[usize] {
        &self.row_shape
    }
}

impl Normalised for Made {
    fn support(&self) -> Support {
        match self.architecture.conditional {
            Conditional::Bernoulli => Support::Bits,
            Conditional::Mixture { .. } => Support::Real,
        }
    }

    /// Of several orders one, drawn for the batch.
    fn log_density_in_training<'s>(&self, parameters: &Parameters<'s>, x: Var<'s>, key: Var<'s>) -> Var<'s> {
        if self.architecture.orders.len() == 1 {
            return self.log_density(parameters, x);
        }
        let (x, ln_determinant) = self.seen(x);
        let chosen = key.random_index(self.architecture.orders.len() as u32, &[1]);
        sum_rows(self.ordered(parameters, x, &TracedMasks::chosen(&self.architecture.orders, chosen)))
            + ln_determinant
    }

    fn draws(&self, weights: &Weights, seed: u64) -> Result<Box<dyn SequentialDraws>> {
        Ok(Box::new(MadeDraws::new(self.architecture.clone(), weights, seed)?))
    }
}
