//! One training step as one program.
//!
//! (parameters, Adam's moments, averages, batch, row weights, key, rates) → the same state, updated, with the
//! loss. Where the loss or the gradient's norm is not finite, the state is returned as it came and `finite`
//! is 0: a bad step is seen, never taken.
//!
//! Where two sides play against each other, each has a program of its own over the same state, which leaves
//! the other's parameters as they are.

use enscore_program::{Kind, Parameter, Parameters, Program, Scope, Var};

use super::adam::{Rates, Rule, clip_factor, global_norm, moving_average};
use crate::checkpoint::{STATE_PREFIXES, state_shapes};
use crate::error::Result;
use crate::model::{batch_shape, trace};
use crate::objective::{Batch, Estimate, Objective};

/// The constants of an update.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Optimiser {
    /// The step.
    pub rule: Rule,
    /// The fraction of the weights that is taken off per step and unit of learning rate, beside the gradient
    /// (Loshchilov and Hutter 2019); of parameters with one dimension, as biases, none.
    pub weight_decay: f64,
    /// The largest global norm of the gradient of the loss per dimension; 0 for no limit.
    pub clip_norm: f64,
}

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
    /// The names of the diagnostics: the last outputs.
    pub diagnostics: Vec<&'static str>,
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
        // A first pass finds the parameters, so that they can be the second's first inputs.
        let (_, parameters) = trace(&[], |scope, parameters| {
            let batch = Batch { chains: steps.chains_input(scope), ..steps.batch_inputs(scope) };
            vec![("loss".to_string(), objective.estimate(model, parameters, &batch).loss)]
        })?;
        let mut diagnostics = Vec::new();
        let (program, parameters) = trace(&parameters, |scope, parameters| {
            let state = State::inputs(scope, parameters);
            let batch = steps.batch_inputs(scope);
            let scalar = |name| scope.input(name, Kind::Float, &[]);
            let rates = Rates {
                learning_rate: scalar("learning_rate"),
                correction1: scalar("correction1"),
                correction2: scalar("correction2"),
            };
            let decay = scalar("ema_decay");
            let batch = Batch { chains: steps.chains_input(scope), ..batch };
            let estimate = objective.estimate(model, parameters, &batch);
            diagnostics = estimate.diagnostics.iter().map(|(name, _)| *name).collect();
            state.update(scope, &estimate, optimiser, &rates, (decay, steps.moves))
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
    fn batch_inputs<'s>(&self, scope: &'s Scope) -> Batch<'s> {
        let shape = batch_shape(self.batch, self.row_shape);
        Batch {
            x: scope.input("x", Kind::Float, &shape),
            weights: scope.input("row_weights", Kind::Float, &shape[..1]),
            key: scope.input("key", Kind::Key, &[]),
            chains: None,
        }
    }

    fn chains_input<'s>(&self, scope: &'s Scope) -> Option<Var<'s>> {
        self.chains.map(|shape| scope.input("chains", Kind::Float, shape))
    }
}

/// The values of [`STATE_PREFIXES`], each for every parameter.
struct State<'s> {
    names: Vec<String>,
    values: [Vec<Var<'s>>; 4],
}

impl<'s> State<'s> {
    /// The parameters, already inputs, and new inputs for the rest.
    fn inputs(scope: &'s Scope, parameters: &Parameters<'s>) -> Self {
        let declared = parameters.declared();
        let values = STATE_PREFIXES.map(|prefix| {
            let input = |(parameter, var): &(Parameter, Var<'s>)| match prefix {
                "" => *var,
                _ => scope.input(&format!("{prefix}{}", parameter.name), Kind::Float, &parameter.shape),
            };
            declared.iter().map(input).collect()
        });
        State { names: declared.into_iter().map(|(parameter, _)| parameter.name).collect(), values }
    }

    /// The named outputs of the update.
    fn update(
        &self,
        scope: &'s Scope,
        estimate: &Estimate<'s>,
        optimiser: &Optimiser,
        rates: &Rates<'s>,
        (decay, moves): (Var<'s>, &dyn Fn(&str) -> bool),
    ) -> Vec<(String, Var<'s>)> {
        let [parameters, first, second, averages] = &self.values;
        let moved: Vec<usize> = (0..parameters.len()).filter(|i| moves(&self.names[*i])).collect();
        let gradients =
            scope.gradient(estimate.optimised, &moved.iter().map(|i| parameters[*i]).collect::<Vec<_>>());
        let norm = global_norm(scope, &gradients);
        let finite = estimate.loss.is_finite().and(norm.is_finite());
        let factor = clip_factor(norm, optimiser.clip_norm);
        let mut updated = self.values.clone();
        for (i, gradient) in moved.into_iter().zip(gradients) {
            let moments = [first[i], second[i]];
            let [parameter, m, v] = optimiser.rule.step(parameters[i], gradient * factor, moments, rates);
            let parameter = if optimiser.weight_decay > 0.0 && parameters[i].shape().len() > 1 {
                parameter - optimiser.weight_decay * rates.learning_rate * parameters[i]
            } else {
                parameter
            };
            let average = moving_average(averages[i], parameter, decay);
            for (kind, new) in [parameter, m, v, average].into_iter().enumerate() {
                updated[kind][i] = finite.select(new, self.values[kind][i]);
            }
        }
        let state = STATE_PREFIXES.iter().zip(updated).flat_map(|(prefix, values)| {
            self.names.iter().map(move |name| format!("{prefix}{name}")).zip(values)
        });
        let reported =
            [("loss", estimate.loss), ("gradient_norm", norm), ("finite", finite.to_float())].into_iter();
        let reported = reported.chain(estimate.diagnostics.iter().copied());
        state.chain(reported.map(|(name, var)| (name.to_string(), var))).collect()
    }
}
