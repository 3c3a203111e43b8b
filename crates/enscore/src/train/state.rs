//! The state of a training between steps.

use enscore_program::Parameter;
use enscore_program::executor::{Buffer, Executor, Real};

use crate::checkpoint::{OTHER_PREFIXES, TensorData, Tensors, state_shapes};
use crate::error::Result;

/// The values of parameters, of their two moments and of their averages: in main memory, or where the updates
/// run.
#[derive(Clone, Debug)]
pub(crate) struct State<V> {
    pub(crate) parameters: Vec<V>,
    pub(crate) moments: [Vec<V>; 2],
    pub(crate) averages: Vec<V>,
}

impl<V> State<V> {
    /// From values in the order of an update's inputs, as many of each kind.
    pub(crate) fn in_order(values: Vec<V>) -> State<V> {
        let count = values.len() / 4;
        let mut values = values.into_iter();
        let mut next = || values.by_ref().take(count).collect();
        State { parameters: next(), moments: [next(), next()], averages: next() }
    }

    /// The values in the order of an update's inputs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &V> {
        let [first, second] = &self.moments;
        self.parameters.iter().chain(first).chain(second).chain(&self.averages)
    }

    /// The same, to be written to.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut V> {
        let [first, second] = &mut self.moments;
        self.parameters.iter_mut().chain(first).chain(second).chain(&mut self.averages)
    }
}

impl State<Vec<f32>> {
    /// The state that a checkpoint of a training of `parameters` holds.
    ///
    /// # Errors
    /// Tensors of other parameters, every one of them named.
    pub(crate) fn of_tensors(parameters: &[Parameter], tensors: &Tensors) -> Result<State<Vec<f32>>> {
        let shapes = state_shapes(parameters);
        tensors.expect_shapes_beside(&shapes, &OTHER_PREFIXES)?;
        let values = shapes.iter().map(|(name, _)| Ok(tensors.f32(name)?.to_vec()));
        values.collect::<Result<_>>().map(State::in_order)
    }

    /// A copy on an executor.
    ///
    /// # Errors
    /// More memory than there is.
    pub(crate) fn upload(&self, executor: &dyn Executor) -> Result<State<Buffer>> {
        let buffers = self.iter().map(|values| Ok(executor.upload(f32::values(values))?));
        buffers.collect::<Result<_>>().map(State::in_order)
    }
}

impl State<Buffer> {
    /// Replaces all values.
    ///
    /// # Errors
    /// Values of other parameters.
    pub(crate) fn write(&mut self, values: &State<Vec<f32>>) -> Result<()> {
        self.iter_mut().zip(values.iter()).try_for_each(|(buffer, values)| Ok(buffer.write(values)?))
    }

    /// The state as a checkpoint holds it.
    ///
    /// # Errors
    /// An executor that fails.
    pub(crate) fn tensors(&self, parameters: &[Parameter]) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        for ((name, shape), values) in state_shapes(parameters).iter().zip(self.iter()) {
            tensors.insert(name, shape, TensorData::F32(values.read()?))?;
        }
        Ok(tensors)
    }
}
