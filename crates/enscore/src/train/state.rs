//! The state of a training between steps, and the one call that advances it.

use enscore_cpu::{Argument, Executable};
use enscore_program::random::Key;

use crate::checkpoint::{TensorData, Tensors, state_shapes};
use crate::error::Result;
use crate::sample::refused;
use crate::train::update::UpdateProgram;

/// Parameters, moments and averages, twice: a step reads one copy and writes the other.
pub(crate) struct State {
    current: Vec<Vec<f32>>,
    next: Vec<Vec<f32>>,
    executable: Executable<f32>,
    /// `loss`, `gradient_norm`, `finite` and the diagnostics of the last step.
    reported: Vec<f32>,
}

/// What changes from step to step.
pub(crate) struct StepInputs<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) weights: &'a [f32],
    pub(crate) key: Key,
    /// Learning rate, 1 - β1^t, 1 - β2^t, decay of the average.
    pub(crate) rates: [f64; 4],
}

/// What a step reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepReport {
    pub(crate) loss: f64,
    pub(crate) loss_per_dim: f64,
    pub(crate) gradient_norm: f64,
    pub(crate) finite: bool,
}

impl State {
    pub(crate) fn new(update: &UpdateProgram, executable: Executable<f32>, values: Vec<Vec<f32>>) -> State {
        let reported = vec![0.0; 3 + update.diagnostics.len()];
        State { next: values.clone(), current: values, executable, reported }
    }

    /// Advances the state by one step; a step that is not finite leaves it as it was.
    pub(crate) fn step(&mut self, inputs: &StepInputs) -> Result<StepReport> {
        let rates = inputs.rates.map(|rate| [rate as f32]);
        let mut arguments: Vec<Argument<f32>> =
            self.current.iter().map(|values| Argument::Float(values)).collect();
        arguments.extend([
            Argument::Float(inputs.x),
            Argument::Float(inputs.weights),
            Argument::Key(inputs.key),
        ]);
        arguments.extend(rates.iter().map(|rate| Argument::Float(rate)));
        let mut outputs: Vec<&mut [f32]> = self.next.iter_mut().map(Vec::as_mut_slice).collect();
        outputs.extend(self.reported.chunks_mut(1));
        self.executable.run(&arguments, &mut outputs).map_err(refused)?;
        std::mem::swap(&mut self.current, &mut self.next);
        let reported: Vec<f64> = self.reported.iter().map(|value| f64::from(*value)).collect();
        let loss_per_dim = reported.get(3).copied().unwrap_or(reported[0]);
        Ok(StepReport {
            loss: reported[0],
            loss_per_dim,
            gradient_norm: reported[1],
            finite: reported[2] > 0.0,
        })
    }

    /// All values, in the order of the update's state.
    pub(crate) fn values(&self) -> &[Vec<f32>] {
        &self.current
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
    tensors.expect_shapes(&shapes)?;
    shapes.iter().map(|(name, _)| Ok(tensors.f32(name)?.to_vec())).collect()
}
