//! What every executor does.

use std::fmt;

use super::buffer::Buffer;
use super::error::ExecutorError;
use super::passed::{Input, Output};
use super::profile::{Profile, Rates};
use super::values::{Values, Width};
use crate::program::Program;

/// Compiles programs for a device and keeps numbers on it.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Plans `program` for numbers of this width and takes the memory that it needs.
    ///
    /// # Errors
    /// A program that the executor can't run; more memory than there is.
    fn compile(&self, program: &Program, width: Width) -> Result<Box<dyn Compiled>, ExecutorError>;

    /// A copy of `values` where the executor's programs run.
    ///
    /// # Errors
    /// More memory than there is.
    fn upload(&self, values: Values<'_>) -> Result<Buffer, ExecutorError>;

    /// What programs run on, as the record of a run names it: the instruction set of a processor, a device's
    /// model.
    fn name(&self) -> String;

    /// Measures what the device can do at most; none where nobody would ask.
    fn rates(&self) -> Option<&dyn Rates>;
}

/// A program planned for a device: run many times.
pub trait Compiled: Send {
    /// Runs the program. `inputs` and `outputs` stand in the program's order; every output is overwritten.
    ///
    /// # Errors
    /// A value of the wrong kind, width or length, by the name of the program's input or output.
    fn run(&mut self, inputs: &[Input<'_>], outputs: &mut [Output<'_>]) -> Result<(), ExecutorError>;

    /// Bytes that hold the values between inputs and outputs.
    fn memory(&self) -> usize;

    /// From now on the time of every step is taken.
    fn start_profile(&mut self);

    /// What the steps cost since [`Compiled::start_profile`]; no steps without one.
    fn end_profile(&mut self) -> Profile;
}
