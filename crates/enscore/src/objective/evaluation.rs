//! Losses of given rows as programs: what validations and evaluations average.

use enscore_program::{Kind, Parameter, Program};

use super::estimate::{Batch, Objective};
use super::score::loss_at;
use crate::error::Result;
use crate::model::{Network, Score, batch_shape, trace};

/// The denoising loss of given rows at given noise levels.
///
/// Inputs: the parameters, then `x` `[batch, ..]`, `sigma` `[batch]`, `key`. Output: `loss` `[batch]`, the
/// NCSN loss of each row as a sum over dimensions. Rows that only fill the batch are left out by the caller.
///
/// `parameters` are those that the caller holds, in its order.
///
/// # Errors
/// A model that does not fit its row shape.
pub fn evaluation_program(
    model: &(impl Score + ?Sized),
    parameters: &[Parameter],
    batch: usize,
) -> Result<Program> {
    let (program, _) = trace(parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(batch, model.row_shape()));
        let sigma = scope.input("sigma", Kind::Float, &[batch]);
        let key = scope.input("key", Kind::Key, &[]);
        vec![("loss".to_string(), loss_at(model, parameters, x, sigma, key))]
    })?;
    Ok(program)
}

/// The loss of given rows under an objective, as a program: what a validation averages.
///
/// Inputs: the parameters, then `x` `[batch, ..]`, `row_weights` `[batch]`, `key`. Output: `loss` `[]`, the
/// mean loss of the rows in the units that training shows.
///
/// `parameters` are those that the caller holds, in its order.
///
/// # Errors
/// A model or objective that does not fit the rows; an objective that learns from chains.
pub fn objective_program(
    model: &Network,
    objective: &dyn Objective<Network>,
    parameters: &[Parameter],
    batch: usize,
) -> Result<Program> {
    let (program, _) = trace(parameters, |scope, parameters| {
        let shape = batch_shape(batch, model.row_shape());
        let batch = Batch {
            x: scope.input("x", Kind::Float, &shape),
            weights: scope.input("row_weights", Kind::Float, &shape[..1]),
            key: scope.input("key", Kind::Key, &[]),
            chains: None,
        };
        let estimate = objective.estimate(model, parameters, &batch);
        let shown = estimate.diagnostics.first().map_or(estimate.loss, |(_, shown)| *shown);
        vec![("loss".to_string(), shown)]
    })?;
    Ok(program)
}
