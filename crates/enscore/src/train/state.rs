//! The state of a training between steps, and the one call that advances it.

use enscore_cpu::{Argument, Executable};
use enscore_program::random::Key;

use crate::checkpoint::{OTHER_PREFIXES, STATE_PREFIXES, TensorData, Tensors, state_shapes};
use crate::error::{Error, Result};
use crate::objective::{ACCURACY, ENERGY_GAP};
use crate::sample::refused;
use crate::train::update::UpdateProgram;

/// Parameters, moments and averages, twice: a step reads one copy and writes the other.
pub(crate) struct State {
    current: Vec<Vec<f32>>,
    next: Vec<Vec<f32>>,
    /// One for each player, with the names of its diagnostics.
    executables: Vec<(Executable<f32>, Vec<&'static str>)>,
}

/// What changes from step to step.
pub(crate) struct StepInputs<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) weights: &'a [f32],
    pub(crate) key: Key,
    /// Learning rate, 1 - β1^t, 1 - β2^t, decay of the average.
    pub(crate) rates: [f64; 4],
    /// The states of chains, where the objective learns from some.
    pub(crate) chains: Option<&'a [f32]>,
}

/// What an update reports.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepReport {
    /// Whose step it was: a position among the task's players.
    pub player: usize,
    /// The learning rate of the step.
    pub learning_rate: f64,
    /// The loss as the method defines it, on the batch.
    pub loss: f64,
    /// The loss per dimension where the loss is a sum over dimensions, else what the objective reports first.
    pub loss_per_dim: f64,
    /// The norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Whether loss and gradient are finite; a step that is not finite is not taken.
    pub finite: bool,
    /// E f over the data less E f over the chains, nats, of contrastive divergence.
    pub energy_gap: Option<f64>,
    /// Everything that the objective reports.
    pub diagnostics: Vec<(&'static str, f64)>,
}

impl StepReport {
    pub(crate) fn new(
        player: usize,
        learning_rate: f64,
        [loss, gradient_norm]: [f64; 2],
        finite: bool,
        diagnostics: Vec<(&'static str, f64)>,
    ) -> StepReport {
        let loss_per_dim = diagnostics.first().map_or(loss, |(_, value)| *value);
        let energy_gap = diagnostics.iter().find(|(name, _)| *name == ENERGY_GAP).map(|(_, gap)| *gap);
        StepReport {
            player,
            learning_rate,
            loss,
            loss_per_dim,
            gradient_norm,
            finite,
            energy_gap,
            diagnostics,
        }
    }

    /// The accuracy that decides whose turn it is.
    ///
    /// # Errors
    /// An objective of a game that reports none.
    pub(crate) fn accuracy(&self) -> Result<f64> {
        self.diagnostic(ACCURACY).ok_or_else(|| {
            Error::run("alternation needs an accuracy").found("an objective that doesn't report one")
        })
    }

    /// What the objective reports under this name.
    pub fn diagnostic(&self, name: &str) -> Option<f64> {
        self.diagnostics.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

impl State {
    pub(crate) fn new(
        updates: &[UpdateProgram],
        executables: Vec<Executable<f32>>,
        values: Vec<Vec<f32>>,
    ) -> State {
        let names = updates.iter().map(|update| update.diagnostics.clone());
        State {
            next: values.clone(),
            current: values,
            executables: executables.into_iter().zip(names).collect(),
        }
    }

    /// The players' compiled updates.
    pub(crate) fn executables(&mut self) -> impl Iterator<Item = &mut Executable<f32>> {
        self.executables.iter_mut().map(|(executable, _)| executable)
    }

    /// Advances the state by one step of `player`; a step that is not finite leaves it as it was.
    pub(crate) fn step(&mut self, player: usize, inputs: &StepInputs) -> Result<StepReport> {
        let rates = inputs.rates.map(|rate| [rate as f32]);
        let mut arguments: Vec<Argument<f32>> =
            self.current.iter().map(|values| Argument::Float(values)).collect();
        arguments.extend([
            Argument::Float(inputs.x),
            Argument::Float(inputs.weights),
            Argument::Key(inputs.key),
        ]);
        arguments.extend(rates.iter().map(|rate| Argument::Float(rate)));
        arguments.extend(inputs.chains.map(Argument::Float));
        let (executable, names) = &mut self.executables[player];
        let mut reported = vec![0.0f32; 3 + names.len()];
        let mut outputs: Vec<&mut [f32]> = self.next.iter_mut().map(Vec::as_mut_slice).collect();
        outputs.extend(reported.chunks_mut(1));
        executable.run(&arguments, &mut outputs).map_err(refused)?;
        std::mem::swap(&mut self.current, &mut self.next);
        let reported: Vec<f64> = reported.iter().map(|value| f64::from(*value)).collect();
        let diagnostics = names.iter().copied().zip(reported[3..].iter().copied()).collect();
        let [learning_rate, ..] = inputs.rates;
        let finite = reported[2] > 0.0;
        Ok(StepReport::new(player, learning_rate, [reported[0], reported[1]], finite, diagnostics))
    }

    /// Goes back to these values.
    pub(crate) fn restore(&mut self, values: &[Vec<f32>]) {
        self.current.iter_mut().zip(values).for_each(|(current, values)| current.copy_from_slice(values));
    }

    /// The parameters, which come first.
    pub(crate) fn parameters(&self) -> Vec<&[f32]> {
        let count = self.current.len() / STATE_PREFIXES.len();
        self.current[..count].iter().map(Vec::as_slice).collect()
    }

    /// The parameters' moving averages, which come last.
    pub(crate) fn averages(&self) -> &[Vec<f32>] {
        let count = self.current.len() / STATE_PREFIXES.len();
        &self.current[self.current.len() - count..]
    }

    /// The state as a checkpoint holds it.
    pub(crate) fn tensors(&self, update: &UpdateProgram) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        for ((name, shape), values) in state_shapes(&update.parameters).iter().zip(&self.current) {
            tensors.insert(name, shape, TensorData::F32(values.clone()))?;
        }
        Ok(tensors)
    }
}

/// The state that a checkpoint holds, in the order of the update's state.
///
/// # Errors
/// Tensors that are not the update's, every one of them named.
pub(crate) fn from_tensors(update: &UpdateProgram, tensors: &Tensors) -> Result<Vec<Vec<f32>>> {
    let shapes = state_shapes(&update.parameters);
    tensors.expect_shapes_beside(&shapes, &OTHER_PREFIXES)?;
    shapes.iter().map(|(name, _)| Ok(tensors.f32(name)?.to_vec())).collect()
}
