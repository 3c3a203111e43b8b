//! Which units of a masked perceptron see which elements (Germain, Gregor, Murray and Larochelle 2015, eq. 12
//! to 14): element i has the place o_i in the order, a hidden unit a degree; a hidden unit sees the elements
//! and units of its degree or less, what is said of element i the units of a degree below o_i.

use enscore_program::Var;
use enscore_program::random::{Key, row_words};

use crate::error::{Error, Result};
use crate::streams;

/// One order of the elements, with the degrees of the hidden units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeMasks {
    /// The place of each element in the order, from 1 on.
    pub(super) places: Vec<usize>,
    /// The degree of each unit of each hidden layer.
    pub(super) degrees: Vec<Vec<usize>>,
}

impl MadeMasks {
    /// Elements with these `places`, a permutation of 1, 2, .., and hidden layers with these `degrees`.
    ///
    /// # Errors
    /// Places that are no permutation; a degree of 0.
    pub fn new(places: Vec<usize>, degrees: Vec<Vec<usize>>) -> Result<Self> {
        let mut sorted = places.clone();
        sorted.sort_unstable();
        if places.is_empty() || sorted.iter().enumerate().any(|(i, place)| *place != i + 1) {
            return Err(Error::input("the places of the elements are no permutation")
                .at("places")
                .found(format!("{places:?}"))
                .expected(format!("each of 1 to {} once", places.len().max(1))));
        }
        if degrees.iter().flatten().any(|degree| *degree == 0) {
            return Err(Error::input("a hidden unit without a degree").at("degrees").expected("at least 1"));
        }
        Ok(MadeMasks { places, degrees })
    }

    /// The order with number `number` of `elements` elements: the first as they come, the others drawn at
    /// random, which depend on nothing but the number. Degrees are spread evenly over 1 to `elements` - 1,
    /// in the other orders dealt out at random.
    pub(super) fn numbered(number: usize, elements: usize, hidden: &[usize]) -> MadeMasks {
        let most = elements.saturating_sub(1).max(1);
        let of_layer = |(layer, width): (usize, &usize)| -> Vec<usize> {
            let even: Vec<usize> = (0..*width).map(|unit| 1 + unit * most / width).collect();
            if number == 0 { even } else { shuffled(even, number, layer + 1) }
        };
        let natural: Vec<usize> = (1..=elements).collect();
        MadeMasks {
            places: if number == 0 { natural } else { shuffled(natural, number, 0) },
            degrees: hidden.iter().enumerate().map(of_layer).collect(),
        }
    }
}

/// `values` in the order of random words.
fn shuffled(values: Vec<usize>, number: usize, layer: usize) -> Vec<usize> {
    let mut words = vec![0; values.len()];
    row_words(Key::new(number as u64, 0), streams::ELEMENT_ORDER, layer as u64, &mut words);
    let mut keyed: Vec<(u32, usize)> = words.into_iter().zip(values).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, value)| value).collect()
}

/// Places and degrees inside a program: of one order, or of one of several that a draw picks.
pub(super) struct TracedMasks<'s> {
    /// `[d, 1]`
    places: Var<'s>,
    /// `[width, 1]` each.
    degrees: Vec<Var<'s>>,
}

impl<'s> TracedMasks<'s> {
    /// Those of order `chosen` `[1]` of `orders`.
    pub(super) fn chosen(orders: &[MadeMasks], chosen: Var<'s>) -> TracedMasks<'s> {
        let of = |values: &dyn Fn(&MadeMasks) -> Vec<usize>| {
            let all: Vec<f64> = orders.iter().flat_map(values).map(|v| v as f64).collect();
            let width = all.len() / orders.len().max(1);
            let table = chosen.scope().table(&all, &[orders.len(), width]);
            table.gather(chosen).reshape(&[width, 1])
        };
        let layers = orders.first().map_or(0, |order| order.degrees.len());
        TracedMasks {
            places: of(&|order| order.places.clone()),
            degrees: (0..layers).map(|layer| of(&|order| order.degrees[layer].clone())).collect(),
        }
    }

    /// Those of one order.
    pub(super) fn of(order: &MadeMasks, x: Var<'s>) -> TracedMasks<'s> {
        let column = |values: &[usize]| {
            let values: Vec<f64> = values.iter().map(|value| *value as f64).collect();
            x.scope().table(&values, &[values.len(), 1])
        };
        TracedMasks {
            places: column(&order.places),
            degrees: order.degrees.iter().map(|degrees| column(degrees)).collect(),
        }
    }

    /// The weights `[in, width]` of hidden layer `layer`, 0 where a unit must not see.
    pub(super) fn hidden(&self, layer: usize, weight: Var<'s>) -> Var<'s> {
        let before = if layer == 0 { self.places } else { self.degrees[layer - 1] };
        weight * before.less_equal(row(self.degrees[layer])).to_float()
    }

    /// The weights `[in, d * width]` of the last layer, which gives `width` numbers for each element.
    pub(super) fn output(&self, weight: Var<'s>, width: usize) -> Var<'s> {
        let Some(last) = self.degrees.last() else { return weight.zeros_like() };
        let elements = self.places.extent(0);
        let places = self.places.broadcast_to(&[elements, width]).reshape(&[1, elements * width]);
        weight * last.less(places).to_float()
    }
}

/// A column as a row.
fn row(column: Var) -> Var {
    column.reshape(&[1, column.extent(0)])
}
