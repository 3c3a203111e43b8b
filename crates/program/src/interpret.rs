//! The reference interpreter: double precision, one primitive after another, no cleverness.

use crate::program::Program;
use crate::random::Key;
use crate::shape::{Kind, ShapeError};

/// A run-time value of one kind, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Real numbers.
    Float(Vec<f64>),
    /// Indices.
    Index(Vec<i32>),
    /// Truth values.
    Bool(Vec<bool>),
    /// The key of random draws.
    Key(Key),
}

impl Value {
    /// The real numbers; empty for another kind.
    pub fn floats(&self) -> &[f64] {
        if let Value::Float(values) = self { values } else { &[] }
    }

    /// The indices; empty for another kind.
    pub fn indices(&self) -> &[i32] {
        if let Value::Index(values) = self { values } else { &[] }
    }

    /// The truth values; empty for another kind.
    pub fn bools(&self) -> &[bool] {
        if let Value::Bool(values) = self { values } else { &[] }
    }

    fn kind_and_len(&self) -> (Kind, usize) {
        match self {
            Value::Float(values) => (Kind::Float, values.len()),
            Value::Index(values) => (Kind::Index, values.len()),
            Value::Bool(values) => (Kind::Bool, values.len()),
            Value::Key(_) => (Kind::Key, 1),
        }
    }
}

/// An operand of a primitive: its value with its shape.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a> {
    /// The elements.
    pub value: &'a Value,
    /// The extents of the axes.
    pub shape: &'a [usize],
}

impl Array<'_> {
    pub(crate) fn floats(&self) -> &[f64] {
        self.value.floats()
    }
}

/// Runs `program` on `inputs` in double precision.
///
/// # Errors
/// An input of another kind or size than the program's, named.
pub fn interpret(program: &Program, inputs: &[Value]) -> Result<Vec<Value>, ShapeError> {
    check_inputs(program, inputs)?;
    let mut values: Vec<Value> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let value = match node.op {
            crate::Op::Input(position) => inputs[position].clone(),
            _ => {
                let operands: Vec<Array> = node
                    .inputs
                    .iter()
                    .map(|id| Array { value: &values[*id], shape: &program.nodes[*id].shape })
                    .collect();
                node.op.reference(&operands, &node.shape)
            }
        };
        values.push(value);
    }
    Ok(program.outputs.iter().map(|(_, id)| values[*id].clone()).collect())
}

fn check_inputs(program: &Program, inputs: &[Value]) -> Result<(), ShapeError> {
    if inputs.len() != program.inputs.len() {
        let (found, expected) = (inputs.len(), program.inputs.len());
        return Err(ShapeError(format!("{found} inputs were passed, the program has {expected}")));
    }
    for (value, input) in inputs.iter().zip(&program.inputs) {
        let expected = (input.kind, input.shape.iter().product());
        if value.kind_and_len() != expected {
            let found = value.kind_and_len();
            return Err(ShapeError(format!(
                "input {:?}: found {:?} of {} elements, expected {:?} {:?}",
                input.name, found.0, found.1, input.kind, input.shape
            )));
        }
    }
    Ok(())
}
