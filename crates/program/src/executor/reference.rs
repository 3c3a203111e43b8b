//! The reference interpreter behind the contract: what other executors are compared with.

use super::buffer::Buffer;
use super::contract::{Compiled, Executor};
use super::error::ExecutorError;
use super::passed::{Input, Output};
use super::profile::{Profile, Rates};
use super::values::{Real, Values, Width};
use crate::interpret::interpret;
use crate::program::Program;
use crate::shape::Kind;
use crate::value::Value;

/// The interpreter as an executor: double precision inside, whatever the width of what goes in and out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Executor for Reference {
    fn compile(&self, program: &Program, width: Width) -> Result<Box<dyn Compiled>, ExecutorError> {
        let is_float = |kind| matches!(kind, Kind::Float | Kind::Bool);
        if let Some((name, _)) = program.outputs().iter().find(|(_, id)| !is_float(program.nodes()[*id].kind))
        {
            return Err(ExecutorError(format!("output {name:?} is not made of floats; convert it")));
        }
        Ok(Box::new(Interpreted { program: program.clone(), width }))
    }

    fn upload(&self, values: Values<'_>) -> Result<Buffer, ExecutorError> {
        Ok(Buffer::in_memory(values))
    }

    fn name(&self) -> String {
        "reference".to_string()
    }

    fn rates(&self) -> Option<&dyn Rates> {
        None
    }
}

struct Interpreted {
    program: Program,
    width: Width,
}

impl Interpreted {
    fn run_as<T: Real>(&self, inputs: &[Input<'_>], outputs: &mut [Output<'_>]) -> Result<(), ExecutorError> {
        let known = self.program.inputs();
        if inputs.len() != known.len() {
            let found = inputs.len();
            let expected = known.len();
            return Err(ExecutorError(format!("{found} inputs were passed, the program has {expected}")));
        }
        let value = |(input, known): (&Input<'_>, &crate::Input)| {
            Ok(match (input.host::<T>(&known.name)?, input, known.kind) {
                (Some(values), _, Kind::Bool) => {
                    Value::Bool(values.iter().map(|value| value.to_f64() > 0.0).collect())
                }
                (Some(values), ..) => Value::Float(values.iter().map(|value| value.to_f64()).collect()),
                (None, Input::Index(indices), _) => Value::Index(indices.to_vec()),
                (None, Input::Key(key), _) => Value::Key(*key),
                (None, Input::Host(_) | Input::Resident(_), _) => Value::Float(Vec::new()),
            })
        };
        let values: Vec<Value> = inputs.iter().zip(known).map(value).collect::<Result<_, ExecutorError>>()?;
        let results = interpret(&self.program, &values).map_err(|error| ExecutorError(error.0))?;
        if outputs.len() != results.len() {
            let found = outputs.len();
            let expected = results.len();
            return Err(ExecutorError(format!("{found} outputs were passed, the program has {expected}")));
        }
        for ((result, (name, _)), output) in results.iter().zip(self.program.outputs()).zip(outputs) {
            let out = output.host::<T>(name)?;
            let truth = |value: &bool| if *value { 1.0 } else { 0.0 };
            let numbers: Vec<f64> = match result {
                Value::Bool(values) => values.iter().map(truth).collect(),
                Value::Float(values) => values.clone(),
                Value::Index(_) | Value::Key(_) => Vec::new(),
            };
            if out.len() != numbers.len() {
                let found = out.len();
                let expected = numbers.len();
                return Err(ExecutorError(format!("output {name:?} of length {found}, expected {expected}")));
            }
            out.iter_mut().zip(numbers).for_each(|(out, number)| *out = T::from_f64(number));
        }
        Ok(())
    }
}

impl Compiled for Interpreted {
    fn run(&mut self, inputs: &[Input<'_>], outputs: &mut [Output<'_>]) -> Result<(), ExecutorError> {
        match self.width {
            Width::Single => self.run_as::<f32>(inputs, outputs),
            Width::Double => self.run_as::<f64>(inputs, outputs),
        }
    }

    fn memory(&self) -> usize {
        self.program.nodes().iter().map(|node| node.size() * Width::Double.bytes()).sum()
    }

    fn start_profile(&mut self) {}

    fn end_profile(&mut self) -> Profile {
        Profile::default()
    }
}
