//! The reference interpreter: double precision, one primitive after another, no cleverness.

use crate::program::Program;
use crate::shape::ShapeError;
use crate::value::{Array, Value};

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
        let found = inputs.len();
        let expected = program.inputs.len();
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
