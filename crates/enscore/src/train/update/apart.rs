//! The update in two programs, with a seam between them: where several workers share a batch, their gradients
//! are summed there.
//!
//! ```text
//! g = Σ_k (w_k / w) g_k,   w = Σ_k w_k,
//! ```
//!
//! for workers with gradients g_k of means over rows whose weights sum to w_k; losses are summed alike. A
//! worker's key has the number of its first row in the whole batch, so draws don't depend on who has which
//! rows.

use enscore_program::{Kind, Parameter, Program};

use super::optimiser::Optimiser;
use super::program::Steps;
use super::state::{Gradients, State, StepRates};
use crate::error::Result;
use crate::model::trace;
use crate::objective::{Batch, Diagnostic, Objective};

/// What stands before a parameter's name in the name of its gradient.
pub const GRADIENT: &str = "gradient.";

/// The programs on both sides of the seam, and what they share.
#[derive(Clone, Debug)]
pub struct UpdateApart {
    /// Inputs: every parameter `NAME`; `x` `[batch, ..]`, `row_weights` `[batch]`, `key`; `chains` where
    /// there are some. Outputs: `gradient.NAME` of every parameter that the update moves, `loss`, the
    /// objective's diagnostics.
    pub gradients: Program,
    /// Inputs: the state as in [`super::UpdateProgram`]; `gradient.NAME` of every parameter that the update
    /// moves; `loss`; the scalars `learning_rate`, `correction1`, `correction2`, `ema_decay`. Outputs: the
    /// state in the same order under the same names; `gradient_norm` (before clipping), `finite` (1 or 0).
    pub apply: Program,
    /// The parameters, in the order of the state.
    pub parameters: Vec<Parameter>,
    /// The names of the parameters that the update moves, in the order of their gradients.
    pub moved: Vec<String>,
    /// What the objective reports: the last outputs of the gradients' program, by name.
    pub diagnostics: Vec<Diagnostic>,
}

impl UpdateApart {
    /// Traces the update that `steps` describe, for the rows of one worker.
    ///
    /// # Errors
    /// A model or objective that does not fit the row shape.
    pub fn trace<M: ?Sized>(
        model: &M,
        objective: &(impl Objective<M> + ?Sized),
        optimiser: &Optimiser,
        steps: &Steps,
    ) -> Result<Self> {
        let parameters = steps.parameters(model, objective)?;
        let named = |parameter: &&Parameter| (steps.moves)(&parameter.name);
        let moved: Vec<Parameter> = parameters.iter().filter(named).cloned().collect();
        let mut diagnostics = Vec::new();
        let (gradients, parameters) = trace(&parameters, |scope, parameters| {
            let batch = Batch { chains: steps.chains_input(scope), ..steps.batch_inputs(scope) };
            let estimate = objective.estimate(model, parameters, &batch);
            diagnostics = estimate.diagnostics.iter().map(|(diagnostic, _)| *diagnostic).collect();
            let all = parameters.declared();
            let variables = all.iter().filter(|(parameter, _)| (steps.moves)(&parameter.name));
            let variables: Vec<_> = variables.map(|(_, var)| *var).collect();
            let gradients = scope.gradient(estimate.optimised, &variables);
            let name = |parameter: &Parameter| format!("{GRADIENT}{}", parameter.name);
            let mut outputs: Vec<_> = moved.iter().map(name).zip(gradients).collect();
            outputs.push(("loss".to_string(), estimate.loss));
            outputs.extend(estimate.diagnostics.iter().map(|(of, var)| (of.name().to_string(), *var)));
            outputs
        })?;
        let apply = apply(&parameters, &moved, optimiser, steps.moves)?;
        let moved = moved.into_iter().map(|parameter| parameter.name).collect();
        Ok(UpdateApart { gradients, apply, parameters, moved, diagnostics })
    }
}

/// The step along gradients that are passed in.
fn apply(
    parameters: &[Parameter],
    moved: &[Parameter],
    optimiser: &Optimiser,
    moves: &dyn Fn(&str) -> bool,
) -> Result<Program> {
    let (program, _) = trace(parameters, |scope, parameters| {
        let state = State::inputs(scope, parameters);
        let gradient = |parameter: &Parameter| {
            scope.input(&format!("{GRADIENT}{}", parameter.name), Kind::Float, &parameter.shape)
        };
        let gradients = Gradients { moved: state.moved(moves), values: moved.iter().map(gradient).collect() };
        let loss = scope.input("loss", Kind::Float, &[]);
        let rates = StepRates::inputs(scope);
        let applied = state.apply(scope, &gradients, loss, optimiser, &rates);
        applied.state.into_iter().chain(applied.reported).collect()
    })?;
    Ok(program)
}
