//! One training step as one program.
//!
//! (parameters, Adam's moments, averages, batch, row weights, key, rates) → the same state, updated, with the
//! loss. Where the loss or the gradient's norm is not finite, the state is returned as it came and `finite`
//! is 0: a bad step is seen, never taken.
//!
//! Where two sides play against each other, each has a program of its own over the same state, which leaves
//! the other's parameters as they are.

use enscore_program::{Kind, Parameter, Program, Scope, Var};

use super::optimiser::Optimiser;
use super::state::{Gradients, State, StepRates};
use crate::checkpoint::{STATE_PREFIXES, state_shapes};
use crate::error::Result;
use crate::model::{batch_shape, trace};
use crate::objective::{Batch, Diagnostic, Objective};

/// The program of one training step.
///
/// Inputs: every parameter `NAME`, then every `moment1.NAME`, every `moment2.NAME`, every `ema.NAME`; `x`
/// `[batch, ..]`, `row_weights` `[batch]`, `key`; the scalars `learning_rate`, `correction1`, `correction2`,
/// `ema_decay`; `chains` `[chains, ..]` where there are some. Outputs: the state in the same order under the
/// same names; `loss`, `gradient_norm` (before clipping), `finite` (1 or 0); the objective's diagnostics.
#[derive(Clone, Debug)]
pub struct UpdateProgram {
    /// The program.
    pub program: Program,
    /// The parameters, in the order of the state.
    pub parameters: Vec<Parameter>,
    /// What the objective reports: the last outputs, by name.
    pub diagnostics: Vec<Diagnostic>,
}

/// What an update's batches are, and which parameters it moves.
pub struct Steps<'a> {
    /// Rows of a batch.
    pub batch: usize,
    /// The extents of a row.
    pub row_shape: &'a [usize],
    /// The extents of the chains that the objective learns from, if there are some: `[chains, ..]`.
    pub chains: Option<&'a [usize]>,
    /// Whether the update moves the parameter of this name.
    pub moves: &'a dyn Fn(&str) -> bool,
}

impl UpdateProgram {
    /// Traces the update of all parameters of `model` under `objective` for batches `[batch, ..row_shape]`.
    ///
    /// # Errors
    /// A model or objective that does not fit the row shape.
    pub fn trace<M: ?Sized>(
        model: &M,
        objective: &(impl Objective<M> + ?Sized),
        optimiser: &Optimiser,
        batch: usize,
        row_shape: &[usize],
    ) -> Result<Self> {
        let steps = Steps { batch, row_shape, chains: None, moves: &|_| true };
        UpdateProgram::trace_steps(model, objective, optimiser, &steps)
    }

    /// Traces the update that `steps` describe.
    ///
    /// # Errors
    /// As [`UpdateProgram::trace`].
    pub fn trace_steps<M: ?Sized>(
        model: &M,
        objective: &(impl Objective<M> + ?Sized),
        optimiser: &Optimiser,
        steps: &Steps,
    ) -> Result<Self> {
        let parameters = steps.parameters(model, objective)?;
        let mut diagnostics = Vec::new();
        let (program, parameters) = trace(&parameters, |scope, parameters| {
            let state = State::inputs(scope, parameters);
            let batch = steps.batch_inputs(scope);
            let rates = StepRates::inputs(scope);
            let batch = Batch { chains: steps.chains_input(scope), ..batch };
            let estimate = objective.estimate(model, parameters, &batch);
            diagnostics = estimate.diagnostics.iter().map(|(diagnostic, _)| *diagnostic).collect();
            let gradients = Gradients::of(scope, &state, estimate.optimised, steps.moves);
            let applied = state.apply(scope, &gradients, estimate.loss, optimiser, &rates);
            let mut outputs = applied.state;
            outputs.push(("loss".to_string(), estimate.loss));
            outputs.extend(applied.reported);
            outputs.extend(estimate.diagnostics.iter().map(|(of, var)| (of.name().to_string(), *var)));
            outputs
        })?;
        Ok(UpdateProgram { program, parameters, diagnostics })
    }

    /// The number of values in the state: the first inputs and the first outputs.
    pub fn state_len(&self) -> usize {
        STATE_PREFIXES.len() * self.parameters.len()
    }

    /// The position of the input `x`; `row_weights`, `key`, `learning_rate`, `correction1`, `correction2` and
    /// `ema_decay` follow.
    pub fn batch_position(&self) -> usize {
        self.state_len()
    }

    /// The position of the output `loss`; `gradient_norm`, `finite` and the diagnostics follow.
    pub fn loss_position(&self) -> usize {
        self.state_len()
    }

    /// The names of the state's values, in order.
    pub fn state_names(&self) -> Vec<String> {
        state_shapes(&self.parameters).into_iter().map(|(name, _)| name).collect()
    }

    /// The state before the first step: the parameters' starting values under `seed`, no moments, averages
    /// equal to the parameters.
    pub fn initial_state(&self, seed: u64) -> Vec<Vec<f32>> {
        let start = crate::model::initialise(&self.parameters, seed);
        let zeros = || start.iter().map(|values| vec![0.0; values.len()]);
        start.iter().cloned().chain(zeros()).chain(zeros()).chain(start.iter().cloned()).collect()
    }
}

impl Steps<'_> {
    /// The parameters that `objective` reads, in the order of first use: a first pass finds them, so that
    /// they can be the first inputs of the next one.
    pub(super) fn parameters<M: ?Sized>(
        &self,
        model: &M,
        objective: &(impl Objective<M> + ?Sized),
    ) -> Result<Vec<Parameter>> {
        let (_, parameters) = trace(&[], |scope, parameters| {
            let batch = Batch { chains: self.chains_input(scope), ..self.batch_inputs(scope) };
            vec![("loss".to_string(), objective.estimate(model, parameters, &batch).loss)]
        })?;
        Ok(parameters)
    }

    pub(super) fn batch_inputs<'s>(&self, scope: &'s Scope) -> Batch<'s> {
        let shape = batch_shape(self.batch, self.row_shape);
        Batch {
            x: scope.input("x", Kind::Float, &shape),
            weights: scope.input("row_weights", Kind::Float, &shape[..1]),
            key: scope.input("key", Kind::Key, &[]),
            chains: None,
        }
    }

    pub(super) fn chains_input<'s>(&self, scope: &'s Scope) -> Option<Var<'s>> {
        self.chains.map(|shape| scope.input("chains", Kind::Float, shape))
    }
}
