//! The processor behind the contract of an executor. Its buffers are main memory.

use std::time::Duration;

use enscore_program::Program;
use enscore_program::executor::{
    Buffer, Compiled, Executor, ExecutorError, Input, Output, Profile, Rates, Real, Values, Width,
};

use crate::argument::{Argument, Options};
use crate::executable::Executable;
use crate::math::Math;
use crate::peaks::{LARGE_BYTES, copy_rate, product_rate};

/// The executor for processors, on the threads of the pool that a program is run in.
///
/// ```
/// use enscore_cpu::Cpu;
/// use enscore_program::executor::{Executor, Input, Output, Width};
/// use enscore_program::{Kind, Scope};
/// let scope = Scope::new();
/// let x = scope.input("x", Kind::Float, &[2]);
/// let program = scope.finish(&[("y", x.exp())])?;
/// let mut compiled = Cpu::default().compile(&program, Width::Single)?;
/// let mut y = [0.0f32; 2];
/// compiled.run(&[Input::from(&[0.0f32, 1.0])], &mut [Output::from(&mut y)])?;
/// assert_eq!(y[0], 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    options: Options,
}

impl Cpu {
    /// An executor that compiles every program with these choices.
    pub fn new(options: Options) -> Cpu {
        Cpu { options }
    }
}

impl Executor for Cpu {
    fn compile(&self, program: &Program, width: Width) -> Result<Box<dyn Compiled>, ExecutorError> {
        Ok(match width {
            Width::Single => Box::new(Named::<f32>::compile(program, self.options)?),
            Width::Double => Box::new(Named::<f64>::compile(program, self.options)?),
        })
    }

    fn upload(&self, values: Values<'_>) -> Result<Buffer, ExecutorError> {
        Ok(Buffer::in_memory(values))
    }

    fn name(&self) -> String {
        format!("{:?}", self.options.path).to_lowercase()
    }

    fn rates(&self) -> Option<&dyn Rates> {
        Some(&Measured)
    }
}

/// A compiled program with the names of its inputs and outputs, for messages.
struct Named<T> {
    executable: Executable<T>,
    inputs: Vec<String>,
    /// Names and lengths.
    outputs: Vec<(String, usize)>,
}

impl<T: Math> Named<T> {
    fn compile(program: &Program, options: Options) -> Result<Named<T>, ExecutorError> {
        let output = |(name, id): &(String, usize)| (name.clone(), program.nodes()[*id].size());
        Ok(Named {
            executable: Executable::compile(program, options)?,
            inputs: program.inputs().iter().map(|input| input.name.clone()).collect(),
            outputs: program.outputs().iter().map(output).collect(),
        })
    }
}

/// `input` as an argument in main memory.
fn argument<'a, T: Real>(input: &Input<'a>, name: &str) -> Result<Argument<'a, T>, ExecutorError> {
    match *input {
        Input::Index(indices) => Ok(Argument::Index(indices)),
        Input::Key(key) => Ok(Argument::Key(key)),
        Input::Host(_) | Input::Resident(_) => {
            Ok(Argument::Float(input.host::<T>(name)?.unwrap_or_default()))
        }
    }
}

fn counted(what: &str, found: usize, expected: usize) -> Result<(), ExecutorError> {
    if found == expected {
        return Ok(());
    }
    Err(ExecutorError(format!("{found} {what} were passed, the program has {expected}")))
}

/// Where `output` goes in main memory, for `len` numbers.
fn room<'a, T: Real>(
    output: &'a mut Output<'_>,
    name: &str,
    len: usize,
) -> Result<&'a mut [T], ExecutorError> {
    let room = output.host::<T>(name)?;
    if room.len() == len {
        return Ok(room);
    }
    Err(ExecutorError(format!("output {name:?} of length {}, expected {len}", room.len())))
}

impl<T: Math + Real> Compiled for Named<T> {
    fn run(&mut self, inputs: &[Input<'_>], outputs: &mut [Output<'_>]) -> Result<(), ExecutorError> {
        counted("inputs", inputs.len(), self.inputs.len())?;
        counted("outputs", outputs.len(), self.outputs.len())?;
        let arguments = inputs.iter().zip(&self.inputs).map(|(input, name)| argument(input, name));
        let arguments: Vec<Argument<'_, T>> = arguments.collect::<Result<_, _>>()?;
        let rooms =
            outputs.iter_mut().zip(&self.outputs).map(|(output, (name, len))| room(output, name, *len));
        let mut rooms: Vec<&mut [T]> = rooms.collect::<Result<_, _>>()?;
        self.executable.run(&arguments, &mut rooms)
    }

    fn memory(&self) -> usize {
        self.executable.arena_bytes()
    }

    fn start_profile(&mut self) {
        self.executable.start_profile();
    }

    fn end_profile(&mut self) -> Profile {
        Profile { steps: self.executable.end_profile(), touched: self.executable.touched_bytes() }
    }
}

/// The rates of this machine.
struct Measured;

impl Rates for Measured {
    fn products(&self, budget: Duration) -> f64 {
        product_rate(budget)
    }

    fn copies(&self, bytes: usize, budget: Duration) -> f64 {
        copy_rate(bytes, budget)
    }

    fn large(&self) -> usize {
        LARGE_BYTES
    }
}
