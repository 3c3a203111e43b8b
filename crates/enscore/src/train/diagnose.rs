//! After a step that was not finite: which tensor was the first not to be.

use enscore_program::executor::Width;
use enscore_program::{Kind, Parameters, Scope, Var};

use crate::error::Result;
use crate::executor::Routine;
use crate::model::batch_shape;
use crate::objective::Batch;
use crate::train::stepper::StepInputs;
use crate::train::training::Training;
use crate::train::watch::stability::{Cause, Divergence};

/// The first tensor with a value that is not finite, in the order: batch, parameters, the score, the loss,
/// gradients.
///
/// # Errors
/// Where the same program can't be run again.
pub(super) fn first_non_finite(training: &Training) -> Result<Divergence> {
    let player = training.player();
    let inputs = &training.next_inputs();
    let not_finite = |name: &str, cause| Divergence { said: format!("{name} is not finite"), cause };
    let is_bad = |values: &[f32]| values.iter().any(|value| !value.is_finite());
    if is_bad(inputs.x) {
        return Ok(not_finite("the batch", Cause::Batch));
    }
    if let Some(chains) = inputs.chains
        && is_bad(&chains.view()?)
    {
        return Ok(not_finite("a chain", Cause::Chains));
    }
    let weights = training.weights()?;
    let bad_parameter = training.parameters().iter().zip(&weights).find(|(_, values)| is_bad(values));
    if let Some((parameter, _)) = bad_parameter {
        return Ok(not_finite(&format!("parameter {}", parameter.name), Cause::Update));
    }
    let (names, outputs) = run_again(training, player, inputs)?;
    let bad = names.into_iter().zip(outputs).find(|(_, values)| is_bad(values));
    let name = bad.map_or_else(|| "the gradient's norm, which overflowed,".to_string(), |(name, _)| name);
    Ok(not_finite(&name, Cause::Update))
}

/// The loss and every gradient of one step, by name, compiled as the update is: what overflows in
/// bfloat16 need not in single precision.
fn run_again(
    training: &Training,
    player: usize,
    inputs: &StepInputs,
) -> Result<(Vec<String>, Vec<Vec<f32>>)> {
    let scope = Scope::new();
    let parameters = Parameters::new(&scope);
    for parameter in training.parameters() {
        parameters.get(&parameter.name, &parameter.shape, parameter.initial.clone());
    }
    let shape = batch_shape(inputs.weights.len(), training.model().row_shape());
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
    let mut routine = Routine::compile(&*training.executors().update, &program, Width::Single)?;
    let sizes = std::iter::once(1).chain(training.parameters().iter().map(|parameter| parameter.size()));
    let mut values: Vec<Vec<f32>> = sizes.map(|len| vec![0.0; len]).collect();
    let call = routine.call().weights(training.resident_weights());
    let mut call = call.with("x", inputs.x).with("row_weights", inputs.weights).with("key", inputs.key);
    if let Some(chains) = inputs.chains {
        call = call.with("chains", chains);
    }
    for (name, values) in names.iter().zip(&mut values) {
        call = call.to(name, values);
    }
    call.run()?;
    Ok((names, values))
}
