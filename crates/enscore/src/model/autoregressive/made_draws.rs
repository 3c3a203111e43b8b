//! Draws of a masked autoencoder. A hidden unit of degree k sees the first k elements alone, so it is
//! computed once, when element k is drawn: a row costs one pass through the network, not one for each
//! element.

use std::ops::Range;
use std::sync::Arc;

use enscore_program::random::{Key, index, row_words};
use rayon::prelude::*;

use super::given::refuse_late;
use super::masks::MadeMasks;
use crate::error::{Error, Result};
use crate::executor::Weights;
use crate::model::conditional::{Conditional, WORDS};
use crate::model::layers::Activation;
use crate::model::standardise::Standardise;
use crate::model::traits::{Given, SequentialDraws};
use crate::streams;

/// Places after which progress is told.
const AT_ONCE: usize = 64;

/// What a masked autoencoder is, beside its weights.
#[derive(Clone, Debug)]
pub(super) struct Architecture {
    /// Of the same number of elements and the same widths.
    pub(super) orders: Vec<MadeMasks>,
    pub(super) conditional: Conditional,
    pub(super) activation: Activation,
    /// Of real elements.
    pub(super) standardise: Option<Standardise>,
}

impl Architecture {
    /// The elements of a row.
    pub(super) fn elements(&self) -> usize {
        self.orders[0].places.len()
    }
}

/// A layer in the order of the units' degrees, so that what a unit sees stands first.
struct Layer {
    /// The weights of each unit from the inputs that it sees, those of a unit together, `stride` apart.
    weights: Vec<f32>,
    stride: usize,
    bias: Vec<f32>,
    /// How many inputs each unit sees.
    sees: Vec<usize>,
    /// How many units have a degree of at most k, for k from 0 on.
    ends: Vec<usize>,
}

/// The network in one order.
struct Ordered {
    /// The element at each place, from place 1 on.
    elements: Vec<usize>,
    hidden: Vec<Layer>,
    output: Layer,
}

/// A row that is being drawn.
struct Row {
    chain: u64,
    network: Arc<Ordered>,
    /// The values in order, as the perceptron sees them.
    x: Vec<f64>,
    hidden: Vec<Vec<f64>>,
}

/// Rows that are drawn element by element.
pub(super) struct MadeDraws {
    made: Architecture,
    weights: Weights,
    seed: u64,
    given: Option<Given>,
    networks: Vec<Option<Arc<Ordered>>>,
    rows: Vec<Row>,
}

impl MadeDraws {
    pub(super) fn new(made: Architecture, weights: &Weights, seed: u64) -> Result<Self> {
        let networks = vec![None; made.orders.len()];
        Ok(MadeDraws { made, weights: weights.clone(), seed, given: None, networks, rows: Vec::new() })
    }

    /// The network in the order with this number.
    fn network(&mut self, number: usize) -> Result<Arc<Ordered>> {
        if let Some(network) = &self.networks[number] {
            return Ok(network.clone());
        }
        let network = Arc::new(Ordered::new(&self.made, number, &self.weights)?);
        self.networks[number] = Some(network.clone());
        Ok(network)
    }
}

impl SequentialDraws for MadeDraws {
    fn places(&self) -> usize {
        self.made.elements()
    }

    fn give(&mut self, given: Given) -> Result<()> {
        let [order] = &self.made.orders[..] else {
            return Err(Error::input("completion needs a model with one order")
                .at("model.orderings")
                .found(self.made.orders.len())
                .expected(1));
        };
        refuse_late(&given, elements_in_order(order).into_iter())?;
        self.given = Some(given);
        Ok(())
    }

    fn start(&mut self, rows: Range<usize>) -> Result<()> {
        self.rows.clear();
        for chain in rows {
            let mut word = [0];
            row_words(Key::new(self.seed, 0), streams::ROW_ORDER, chain as u64, &mut word);
            let network = self.network(index(word[0], self.made.orders.len() as u32) as usize)?;
            let hidden = network.hidden.iter().map(|layer| vec![0.0; layer.bias.len()]).collect();
            let x = vec![0.0; network.elements.len()];
            self.rows.push(Row { chain: chain as u64, network, x, hidden });
        }
        Ok(())
    }

    fn advance(&mut self, places: Range<usize>) -> Result<()> {
        let MadeDraws { made, seed, given, .. } = self;
        self.rows.par_iter_mut().for_each(|row| {
            for place in places.clone() {
                row.draw(made, *seed, given.as_ref(), place);
            }
        });
        Ok(())
    }

    fn places_at_once(&self) -> usize {
        AT_ONCE
    }

    fn rows(&self) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.rows.len() * self.made.elements());
        for row in &self.rows {
            let mut x = vec![0.0; row.x.len()];
            row.network.elements.iter().zip(&row.x).for_each(|(element, value)| x[*element] = *value);
            let x = self.made.standardise.as_ref().map_or(x.clone(), |map| map.unseen_row(&x));
            out.extend(x.into_iter().map(|value| value as f32));
        }
        out
    }
}

impl Row {
    /// Draws the value at `place`, from 0 on, or takes the given one; then computes the units that see it
    /// last.
    fn draw(&mut self, made: &Architecture, seed: u64, given: Option<&Given>, place: usize) {
        let network = self.network.clone();
        let element = network.elements[place];
        self.x[place] = match given.filter(|given| given.known[element]) {
            Some(given) => {
                let value = f64::from(given.row[element]);
                made.standardise.as_ref().map_or(value, |map| map.element(element, value))
            }
            None => {
                let last = self.hidden.last().map_or(&[][..], |last| &last[..]);
                let width = made.conditional.width();
                let numbers = place * width..(place + 1) * width;
                let head: Vec<f64> = numbers.map(|number| network.output.unit(number, last)).collect();
                let mut words = [0; WORDS];
                row_words(Key::new(seed, place as u64 + 1), streams::ELEMENT_DRAW, self.chain, &mut words);
                made.conditional.draw(&head, words)
            }
        };
        for (at, layer) in network.hidden.iter().enumerate() {
            let (before, own) = self.hidden.split_at_mut(at);
            let inputs = before.last().map_or(&self.x, |last| last);
            let Some(own) = own.first_mut() else { continue };
            let units = layer.ends[place]..layer.ends[place + 1];
            for (unit, own) in units.clone().zip(&mut own[units]) {
                *own = made.activation.value(layer.unit(unit, inputs));
            }
        }
    }
}

impl Layer {
    /// b + Σ w x of one unit over what it sees.
    fn unit(&self, unit: usize, inputs: &[f64]) -> f64 {
        let sees = self.sees[unit];
        let weights = &self.weights[unit * self.stride..][..sees];
        let sum: f64 = weights.iter().zip(&inputs[..sees]).map(|(w, x)| f64::from(*w) * x).sum();
        f64::from(self.bias[unit]) + sum
    }
}

impl Ordered {
    fn new(made: &Architecture, number: usize, weights: &Weights) -> Result<Ordered> {
        let order = &made.orders[number];
        let elements = elements_in_order(order);
        let places = elements.len();
        let mut inputs = elements.clone();
        let mut seen: Vec<usize> = (0..=places).collect();
        let mut hidden = Vec::new();
        for (at, degrees) in order.degrees.iter().enumerate() {
            let units = sorted_by(degrees);
            let name = format!("hidden.{at}");
            let sees = |unit: usize| seen[degrees[unit].min(places)];
            let layer = Layer::taken(weights, &name, (&inputs, &units), &sees)?;
            let below = |k: usize| degrees.iter().filter(|degree| **degree <= k).count();
            let ends: Vec<usize> = (0..=places).map(below).collect();
            seen.clone_from(&ends);
            hidden.push(Layer { ends, ..layer });
            inputs = units;
        }
        let width = made.conditional.width();
        let numbers: Vec<usize> =
            elements.iter().flat_map(|element| element * width..(element + 1) * width).collect();
        let sees = |number: usize| seen[order.places[number / width] - 1];
        let output = Layer::taken(weights, "output", (&inputs, &numbers), &sees)?;
        Ok(Ordered { elements, hidden, output })
    }
}

impl Layer {
    /// The layer called `name` with inputs and units in these orders.
    fn taken(
        weights: &Weights,
        name: &str,
        (inputs, units): (&[usize], &[usize]),
        sees: &dyn Fn(usize) -> usize,
    ) -> Result<Layer> {
        let weight = weights.get::<f32>(&format!("{name}.weight"))?;
        let bias = weights.get::<f32>(&format!("{name}.bias"))?;
        let (stride, width) = (inputs.len(), bias.len());
        let mut taken = Vec::with_capacity(stride * width);
        for unit in units {
            taken.extend(inputs.iter().map(|input| weight[input * width + unit]));
        }
        Ok(Layer {
            weights: taken,
            stride,
            bias: units.iter().map(|unit| bias[*unit]).collect(),
            sees: units.iter().map(|unit| sees(*unit)).collect(),
            ends: Vec::new(),
        })
    }
}

/// The element at each place.
fn elements_in_order(order: &MadeMasks) -> Vec<usize> {
    let mut elements = vec![0; order.places.len()];
    order.places.iter().enumerate().for_each(|(element, place)| elements[place - 1] = element);
    elements
}

/// The units by degree, those of a degree in their own order.
fn sorted_by(degrees: &[usize]) -> Vec<usize> {
    let mut units: Vec<usize> = (0..degrees.len()).collect();
    units.sort_by_key(|unit| degrees[*unit]);
    units
}
