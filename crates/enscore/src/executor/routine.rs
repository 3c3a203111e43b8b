//! A compiled program that is called by name.

use enscore_program::executor::{Compiled, Executor, Input, Output, Width};
use enscore_program::{self as program, Program};

use super::weights::WeightsView;
use crate::error::{Error, Result};

/// A compiled program, called by the names of its inputs and outputs.
///
/// ```
/// use enscore::executor::{Routine, default_executor};
/// use enscore::program::{Kind, Scope, executor::Width};
///
/// let scope = Scope::new();
/// let x = scope.input("x", Kind::Float, &[2]);
/// let a = scope.input("a", Kind::Float, &[]);
/// let program = scope.finish(&[("y", a * x)])?;
/// let mut scale = Routine::compile(&*default_executor(), &program, Width::Single)?;
/// let mut y = [0.0f32; 2];
/// scale.call().with("a", &[3.0f32]).with("x", &[1.0f32, 2.0]).to("y", &mut y).run()?;
/// assert_eq!(y, [3.0, 6.0]);
/// let refused = scale.call().with("x", &[1.0f32, 2.0]).to("y", &mut y).run().unwrap_err();
/// assert!(refused.to_string().contains("\"a\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Routine {
    compiled: Box<dyn Compiled>,
    inputs: Vec<program::Input>,
    outputs: Vec<OutputShape>,
}

/// An output by its name, with its extents.
struct OutputShape {
    name: String,
    shape: Vec<usize>,
}

impl Routine {
    /// Compiles `program` for numbers of this width.
    ///
    /// # Errors
    /// A program that the executor does not take.
    pub fn compile(executor: &dyn Executor, program: &Program, width: Width) -> Result<Routine> {
        let output = |(name, id): &(String, usize)| OutputShape {
            name: name.clone(),
            shape: program.nodes()[*id].shape.clone(),
        };
        Ok(Routine {
            compiled: executor.compile(program, width)?,
            inputs: program.inputs().to_vec(),
            outputs: program.outputs().iter().map(output).collect(),
        })
    }

    /// A call, to be told its inputs and outputs.
    pub fn call<'a>(&mut self) -> Call<'_, 'a> {
        let inputs = vec![None; self.inputs.len()];
        let mut outputs = Vec::new();
        outputs.resize_with(self.outputs.len(), || None);
        Call { routine: self, inputs, outputs, next: [0; 2], wrong: None }
    }

    /// Bytes that the program keeps between inputs and outputs.
    pub fn memory(&self) -> usize {
        self.compiled.memory()
    }

    /// The extents of the input called `name`.
    ///
    /// # Errors
    /// A program without it.
    pub fn input_shape(&self, name: &str) -> Result<&[usize]> {
        let found = self.inputs.iter().find(|input| input.name == name);
        found.map(|input| &input.shape[..]).ok_or_else(|| unknown("input", name))
    }

    /// The extents of the output called `name`.
    ///
    /// # Errors
    /// A program without it.
    pub fn output_shape(&self, name: &str) -> Result<&[usize]> {
        let found = self.outputs.iter().find(|output| output.name == name);
        found.map(|output| &output.shape[..]).ok_or_else(|| unknown("output", name))
    }

    /// The program as the executor compiled it, to take its time.
    pub fn compiled_mut(&mut self) -> &mut dyn Compiled {
        &mut *self.compiled
    }
}

/// A call of a program before it runs.
#[must_use = "a call does nothing before it runs"]
pub struct Call<'r, 'a> {
    routine: &'r mut Routine,
    inputs: Vec<Option<Input<'a>>>,
    outputs: Vec<Option<Output<'a>>>,
    /// The input and the output after the last that were told: most calls name them in order.
    next: [usize; 2],
    /// The first mistake.
    wrong: Option<Error>,
}

impl<'a> Call<'_, 'a> {
    /// Passes the input called `name`.
    pub fn with(mut self, name: &str, value: impl Into<Input<'a>>) -> Self {
        self.pass(name, value.into());
        self
    }

    /// Passes every parameter under its name.
    pub fn weights(mut self, weights: impl Into<WeightsView<'a>>) -> Self {
        let weights = weights.into();
        for (parameter, values) in weights.parameters.iter().zip(weights.values) {
            self.pass(&parameter.name, values.into());
        }
        self
    }

    fn pass(&mut self, name: &str, value: Input<'a>) {
        let is_free = |place: usize| self.inputs[place].is_none() && self.routine.inputs[place].name == name;
        match free_place(self.next[0], self.inputs.len(), is_free) {
            Some(place) => {
                self.inputs[place] = Some(value);
                self.next[0] = place + 1;
            }
            None => self.refuse("input", name),
        }
    }

    /// Says where the output called `name` goes.
    pub fn to(mut self, name: &str, room: impl Into<Output<'a>>) -> Self {
        let is_free =
            |place: usize| self.outputs[place].is_none() && self.routine.outputs[place].name == name;
        match free_place(self.next[1], self.outputs.len(), is_free) {
            Some(place) => {
                self.outputs[place] = Some(room.into());
                self.next[1] = place + 1;
            }
            None => self.refuse("output", name),
        }
        self
    }

    fn refuse(&mut self, what: &str, name: &str) {
        self.wrong.get_or_insert_with(|| unknown(what, name));
    }

    /// Runs the program.
    ///
    /// # Errors
    /// An input or output that is missing, that the program has not, or that does not fit, by its name.
    pub fn run(self) -> Result<()> {
        let Call { routine, inputs, outputs, wrong, .. } = self;
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        if let Some(place) = inputs.iter().position(Option::is_none) {
            return Err(missing("input", &routine.inputs[place].name));
        }
        if let Some(place) = outputs.iter().position(Option::is_none) {
            return Err(missing("output", &routine.outputs[place].name));
        }
        let inputs: Vec<Input> = inputs.into_iter().flatten().collect();
        let mut outputs: Vec<Output> = outputs.into_iter().flatten().collect();
        Ok(routine.compiled.run(&inputs, &mut outputs)?)
    }
}

/// A place that `is_free`: `next`, or else the first one.
fn free_place(next: usize, count: usize, is_free: impl Fn(usize) -> bool) -> Option<usize> {
    if next < count && is_free(next) { Some(next) } else { (0..count).find(|place| is_free(*place)) }
}

fn unknown(what: &str, name: &str) -> Error {
    Error::input(format!("the program has no {what} {name:?} that is still free"))
}

fn missing(what: &str, name: &str) -> Error {
    Error::input(format!("the {what} {name:?} of the program was not passed"))
}
