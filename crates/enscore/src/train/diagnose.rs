//! After a step that was not finite: which tensor was the first not to be.

use enscore_cpu::{Argument, Executable};
use enscore_program::{Kind, Parameters, Scope, Var};

use crate::error::Result;
use crate::model::{LogDensity, batch_shape};
use crate::objective::Batch;
use crate::sample::refused;
use crate::train::state::StepInputs;
use crate::train::training::Training;

/// The name of the first tensor with a value that is not finite, in the order: batch, parameters, the
/// score, the loss, gradients.
///
/// # Errors
/// Where the same program can't be run again.
pub(super) fn first_non_finite(training: &Training) -> Result<String> {
    let player = training.player();
    let inputs = &training.next_inputs();
    let is_bad = |values: &[f32]| values.iter().any(|value| !value.is_finite());
    if is_bad(inputs.x) {
        return Ok("the batch".to_string());
    }
    if inputs.chains.is_some_and(is_bad) {
        return Ok("a chain".to_string());
    }
    let weights = training.weights();
    let bad_parameter = training.parameters().iter().zip(&weights).find(|(_, values)| is_bad(values));
    if let Some((parameter, _)) = bad_parameter {
        return Ok(format!("parameter {}", parameter.name));
    }
    let (names, outputs) = run_again(training, player, &weights, inputs)?;
    let bad = names.into_iter().zip(outputs).find(|(_, values)| is_bad(values));
    Ok(bad.map_or_else(|| "the gradient's norm, which overflowed".to_string(), |(name, _)| name))
}

/// The loss and every gradient of one step, by name, compiled as the update is: what overflows in
/// bfloat16 need not in single precision.
fn run_again(
    training: &Training,
    player: usize,
    weights: &[&[f32]],
    inputs: &StepInputs,
) -> Result<(Vec<String>, Vec<Vec<f32>>)> {
    let scope = Scope::new();
    let parameters = Parameters::new(&scope);
    for parameter in training.parameters() {
        parameters.get(&parameter.name, &parameter.shape, parameter.initial.clone());
    }
    let shape = batch_shape(inputs.weights.len(), LogDensity::row_shape(training.model()));
    let batch = Batch {
        x: scope.input("x", Kind::Float, &shape),
        weights: scope.input("row_weights", Kind::Float, &shape[..1]),
        key: scope.input("key", Kind::Key, &[]),
        chains: inputs.chains.map(|_| {
            let known =
                training.updates()[player].program.inputs().iter().find(|input| input.name == "chains");
            let shape = known.map_or(shape.clone(), |input| input.shape.clone());
            scope.input("chains", Kind::Float, &shape)
        }),
    };
    let estimate = training.task().players[player].objective.estimate(training.model(), &parameters, &batch);
    let declared = parameters.declared();
    let variables: Vec<Var> = declared.iter().map(|(_, var)| *var).collect();
    let gradients = scope.gradient(estimate.optimised, &variables);
    let names: Vec<String> = std::iter::once("the loss".to_string())
        .chain(declared.iter().map(|(parameter, _)| format!("the gradient of {}", parameter.name)))
        .collect();
    let outputs: Vec<(&str, Var)> =
        names.iter().map(String::as_str).zip(std::iter::once(estimate.loss).chain(gradients)).collect();
    let program = scope
        .finish(&outputs)
        .map_err(|error| crate::Error::run("can't trace the step again").found_error(error))?;
    let mut executable = Executable::compile(&program, training.options().update).map_err(refused)?;
    let mut values: Vec<Vec<f32>> = std::iter::once(1)
        .chain(training.parameters().iter().map(|p| p.size()))
        .map(|len| vec![0.0; len])
        .collect();
    let mut arguments: Vec<Argument<f32>> = weights.iter().map(|values| Argument::Float(values)).collect();
    arguments.extend([Argument::Float(inputs.x), Argument::Float(inputs.weights), Argument::Key(inputs.key)]);
    arguments.extend(inputs.chains.map(Argument::Float));
    let mut slices: Vec<&mut [f32]> = values.iter_mut().map(Vec::as_mut_slice).collect();
    executable.run(&arguments, &mut slices).map_err(refused)?;
    Ok((names, values))
}
