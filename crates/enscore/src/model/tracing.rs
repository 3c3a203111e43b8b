//! Tracing of models: programs whose first inputs are parameters, and what models of rows share.

use enscore_program::{Kind, Parameter, Parameters, Program, Scope, ShapeError, Var};

use super::traits::Score;
use crate::error::{Error, Result};

/// Values `[batch]`, one for each row, repeated to `shape` `[batch, ..]`.
pub fn along_rows<'s>(values: Var<'s>, shape: &[usize]) -> Var<'s> {
    values.broadcast_axes(shape, &[0])
}

/// The sum of each row of x `[batch, ..]`: `[batch]`.
pub fn sum_rows(x: Var) -> Var {
    x.sum(&(1..x.shape().len()).collect::<Vec<_>>())
}

/// log N(z; 0, I) of each row of z `[batch, ..]`: `[batch]`, nats.
pub fn standard_normal(z: Var) -> Var {
    let elements: usize = z.shape().iter().skip(1).product();
    sum_rows(z.square()) * -0.5 - 0.5 * elements as f64 * std::f64::consts::TAU.ln()
}

/// ln |det| of a triangular matrix `[d, d]` with a positive diagonal: a scalar.
pub(super) fn log_determinant(triangle: Var) -> Var {
    let d = triangle.extent(0);
    let identity: Vec<f64> = (0..d * d).map(|at| f64::from(u8::from(at / d == at % d))).collect();
    (triangle * triangle.scope().table(&identity, &[d, d])).sum(&[1]).log().sum_all()
}

/// `[batch, ..row_shape]`.
pub fn batch_shape(batch: usize, row_shape: &[usize]) -> Vec<usize> {
    std::iter::once(batch).chain(row_shape.iter().copied()).collect()
}

/// The parameters that a score reads, in the order of first use.
///
/// # Errors
/// A model that does not fit its own row shape.
pub fn parameters_of(model: &(impl Score + ?Sized)) -> Result<Vec<Parameter>> {
    let (_, parameters) = trace(&[], |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(1, model.row_shape()));
        let sigma = scope.input("sigma", Kind::Float, &[1]);
        vec![("score".to_string(), model.read_all(parameters, x, sigma))]
    })?;
    Ok(parameters)
}

/// Traces a program whose first inputs are the parameters `known`, in this order; `build` adds its own inputs
/// and gives the outputs. Parameters that are not known become inputs where they are first used. Returns the
/// program with all its parameters.
///
/// # Errors
/// The first mistake made while tracing, with the operation and the shapes.
pub fn trace(
    known: &[Parameter],
    build: impl for<'s> FnOnce(&'s Scope, &Parameters<'s>) -> Vec<(String, Var<'s>)>,
) -> Result<(Program, Vec<Parameter>)> {
    let scope = Scope::new();
    let parameters = Parameters::new(&scope);
    for parameter in known {
        parameters.get(&parameter.name, &parameter.shape, parameter.initial.clone());
    }
    let outputs = build(&scope, &parameters);
    let named: Vec<(&str, Var)> = outputs.iter().map(|(name, var)| (name.as_str(), *var)).collect();
    let program = scope.finish(&named).map_err(untraceable)?;
    let declared = parameters.declared().into_iter().map(|(parameter, _)| parameter).collect();
    Ok((program, declared))
}

fn untraceable(error: ShapeError) -> Error {
    Error::input("the model does not match its data")
        .found(error)
        .remedy("check the model's settings and row shape")
}
