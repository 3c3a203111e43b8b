//! Figures of rows under two sides of units: how well one mean-field sweep gives a row back, and, for units
//! in {0, 1}, the pseudo-log-likelihood over all units (Besag 1975),
//!
//! ```text
//! Σ_i ln p(x_i | x_-i) = -Σ_i softplus(f(x with unit i flipped) - f(x)),       nats.
//! ```
//!
//! A flip of unit i adds (1 - 2 x_i) W_i to the inputs of the second side, so that no product is taken per
//! flip.

use enscore_program::{Kind, Parameter, Program};

use crate::error::{Error, Result};
use crate::evaluate::Mean;
use crate::executor::RowSlice;
use crate::model::{Bipartite, mean_units, sum_rows, trace};
use crate::sample::TrainedModel;

/// Rows that a program takes at once, and units that it flips.
const ROWS: usize = 64;
const FLIPS: usize = 32;

/// The sum of ln p(x_i | x_-i) over some units.
///
/// Inputs: the parameters, then `x` `[rows, first]`, `units` `[flips, first]`, each row 1 at its unit, or 0
/// everywhere where it only fills up. Output: `sum` `[rows]`.
///
/// `parameters` are those that the caller holds, in its order.
///
/// # Errors
/// A model that does not fit its own shapes, or whose first side is not all in {0, 1}.
pub fn pseudo_likelihood_program(
    model: &(impl Bipartite + ?Sized),
    parameters: &[Parameter],
    rows: usize,
    flips: usize,
) -> Result<Program> {
    if !model.is_binary() {
        return Err(Error::input("the pseudo-likelihood needs binary units").at("model.visible"));
    }
    let first = model.first_width();
    let second = model.second_width();
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[rows, first]);
        let units = scope.input("units", Kind::Float, &[flips, first]);
        let inputs = model.second_inputs(parameters, x);
        // Both are affine: what a unit adds is the difference from no unit.
        let none = model.second_inputs(parameters, units.zeros_like());
        let weights = model.second_inputs(parameters, units) - none;
        let biases = model.first_inputs(parameters, scope.constant(0.0).broadcast_to(&[1, second]));
        let biases = sum_rows(units * biases).reshape(&[1, flips]);
        let sign = 1.0 - 2.0 * x.matmul_with(units, false, true);
        let flipped = inputs.reshape(&[rows, 1, second])
            + sign.reshape(&[rows, flips, 1]) * weights.reshape(&[1, flips, second]);
        let change = flipped.softplus().sum(&[2]) - sum_rows(inputs.softplus()).reshape(&[rows, 1]);
        let change = change + sign * biases;
        let counted = sum_rows(units).reshape(&[1, flips]);
        vec![("sum".to_string(), sum_rows(change.softplus() * counted) * -1.0)]
    })?;
    Ok(program)
}

/// The pseudo-log-likelihood of rows `[n, d]`, nats.
///
/// # Errors
/// A model without two sides of units in {0, 1}, or whose first side has more units than a row.
pub fn pseudo_log_likelihood(model: &TrainedModel, rows: &[f32]) -> Result<Mean> {
    let units = sides(model)?;
    let width = model.row_len();
    if units.first_width() != width {
        return Err(Error::input(
            "the pseudo-likelihood needs a model whose first layer holds only visible units",
        )
        .at("model.kind"));
    }
    let program = pseudo_likelihood_program(units, model.parameters(), ROWS, FLIPS)?;
    let mut routine = model.compile(&program)?;
    let rows = RowSlice::new(rows, width)?;
    let mut flips = vec![0.0f32; FLIPS * width];
    let mut sums = Vec::new();
    for first in (0..width).step_by(FLIPS) {
        flips.fill(0.0);
        (first..width.min(first + FLIPS)).for_each(|unit| flips[(unit - first) * width + unit] = 1.0);
        let over = routine.over::<f32>(&rows).weights(&model.weights).with("units", &flips);
        let parts = over.per_row("sum")?;
        sums.resize(parts.len(), 0.0);
        sums.iter_mut().zip(&parts).for_each(|(sum, part)| *sum += part);
    }
    Mean::of(&sums)
}

/// The squared distance of an element from its mean after one mean-field sweep, E over rows `[n, d]` and
/// elements.
///
/// # Errors
/// A model without two sides of units, or whose first side has more units than a row.
pub fn reconstruction_error(model: &TrainedModel, rows: &[f32]) -> Result<Mean> {
    let units = sides(model)?;
    let width = model.row_len();
    let (program, _) = trace(model.parameters(), |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[ROWS, width]);
        let (first, _) = units.first_given_data(parameters, x);
        let h = units.second_inputs(parameters, first).sigmoid();
        let mean = mean_units(units.first_units(), units.first_inputs(parameters, h));
        let mean = if units.first_width() == width { mean } else { mean.slice(1, 0, width) };
        vec![("error".to_string(), (mean - x).square().mean(&[1]))]
    })?;
    let rows = RowSlice::new(rows, width)?;
    let errors = model.compile(&program)?.over::<f32>(&rows).weights(&model.weights).per_row("error")?;
    Mean::of(&errors)
}

fn sides(model: &TrainedModel) -> Result<&dyn Bipartite> {
    let missing = || Error::input("this figure needs a bipartite model").at("model.kind");
    model.model.bipartite().ok_or_else(missing)
}
