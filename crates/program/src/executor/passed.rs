//! What a program is passed, and where its outputs go.

use super::buffer::Buffer;
use super::error::ExecutorError;
use super::values::{Real, Values, ValuesMut, Width};
use crate::random::Key;

/// A value passed to a program. Truth values are passed as the numbers 0 and 1.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Numbers in main memory, row-major.
    Host(Values<'a>),
    /// Numbers that stay with the executor.
    Resident(&'a Buffer),
    /// Indices.
    Index(&'a [i32]),
    /// The key of random draws.
    Key(Key),
}

/// Where an output goes; all that stood there is overwritten.
#[derive(Debug)]
pub enum Output<'a> {
    /// To main memory.
    Host(ValuesMut<'a>),
    /// To numbers that stay with the executor.
    Resident(&'a mut Buffer),
}

fn refused(name: &str, width: Width, expected: Width) -> ExecutorError {
    let found = width.name();
    let expected = expected.name();
    ExecutorError(format!("{name:?}: found numbers in {found}, expected {expected}"))
}

fn elsewhere(name: &str) -> ExecutorError {
    ExecutorError(format!("{name:?}: a buffer of another executor"))
}

impl<'a> Input<'a> {
    /// The numbers in main memory, for executors that work there; none of an index or a key. `name` is that
    /// of the program's input.
    ///
    /// # Errors
    /// Numbers of another width, or that are not in main memory.
    pub fn host<T: Real>(&self, name: &str) -> Result<Option<&'a [T]>, ExecutorError> {
        match *self {
            Input::Host(values) => {
                T::slice(values).map(Some).ok_or_else(|| refused(name, values.width(), T::WIDTH))
            }
            Input::Resident(buffer) if buffer.width() != T::WIDTH => {
                Err(refused(name, buffer.width(), T::WIDTH))
            }
            Input::Resident(buffer) => buffer.host().map(Some).ok_or_else(|| elsewhere(name)),
            Input::Index(_) | Input::Key(_) => Ok(None),
        }
    }
}

impl Output<'_> {
    /// The room in main memory, for executors that work there. `name` is that of the program's output.
    ///
    /// # Errors
    /// Room of another width, or that is not in main memory.
    pub fn host<T: Real>(&mut self, name: &str) -> Result<&mut [T], ExecutorError> {
        match self {
            Output::Host(values) => {
                let width = values.width();
                let values = match values {
                    ValuesMut::Single(values) => ValuesMut::Single(values),
                    ValuesMut::Double(values) => ValuesMut::Double(values),
                };
                T::slice_mut(values).ok_or_else(|| refused(name, width, T::WIDTH))
            }
            Output::Resident(buffer) if buffer.width() != T::WIDTH => {
                Err(refused(name, buffer.width(), T::WIDTH))
            }
            Output::Resident(buffer) => buffer.host_mut().ok_or_else(|| elsewhere(name)),
        }
    }
}

impl<'a, T: Real> From<&'a [T]> for Input<'a> {
    fn from(values: &'a [T]) -> Self {
        Input::Host(T::values(values))
    }
}

impl<'a, T: Real> From<&'a Vec<T>> for Input<'a> {
    fn from(values: &'a Vec<T>) -> Self {
        Input::Host(T::values(values))
    }
}

impl<'a, T: Real, const N: usize> From<&'a [T; N]> for Input<'a> {
    fn from(values: &'a [T; N]) -> Self {
        Input::Host(T::values(values))
    }
}

impl<'a> From<&'a Buffer> for Input<'a> {
    fn from(buffer: &'a Buffer) -> Self {
        Input::Resident(buffer)
    }
}

impl<'a> From<&'a [i32]> for Input<'a> {
    fn from(indices: &'a [i32]) -> Self {
        Input::Index(indices)
    }
}

impl From<Key> for Input<'_> {
    fn from(key: Key) -> Self {
        Input::Key(key)
    }
}

impl<'a, T: Real> From<&'a mut [T]> for Output<'a> {
    fn from(values: &'a mut [T]) -> Self {
        Output::Host(T::values_mut(values))
    }
}

impl<'a, T: Real> From<&'a mut Vec<T>> for Output<'a> {
    fn from(values: &'a mut Vec<T>) -> Self {
        Output::Host(T::values_mut(values))
    }
}

impl<'a, T: Real, const N: usize> From<&'a mut [T; N]> for Output<'a> {
    fn from(values: &'a mut [T; N]) -> Self {
        Output::Host(T::values_mut(values))
    }
}

impl<'a> From<&'a mut Buffer> for Output<'a> {
    fn from(buffer: &'a mut Buffer) -> Self {
        Output::Resident(buffer)
    }
}
