//! Values without operands: inputs, constants, tables, positions.

use super::{Checked, require};
use crate::shape::{for_each_index, size};
use crate::{Kind, Op, Value};

/// A constant is a scalar, a table has as many values as its shape, an iota's axis exists.
pub(crate) fn check(op: &Op, _operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    match op {
        Op::Constant(_) => {
            require(shape.is_empty(), || "a constant is a scalar".into()).map(|()| Kind::Float)
        }
        Op::Table(values) => {
            require(values.len() == size(shape), || format!("the table has {} values", values.len()))
                .map(|()| Kind::Float)
        }
        Op::Iota(axis) => {
            require(*axis < shape.len(), || format!("there is no axis {axis}")).map(|()| Kind::Index)
        }
        _ => Ok(Kind::Float),
    }
}

pub(crate) fn reference(op: &Op, shape: &[usize]) -> Value {
    match op {
        Op::Constant(bits) => Value::Float(vec![f64::from_bits(*bits)]),
        Op::Table(values) => Value::Float(values.iter().map(|bits| f64::from_bits(*bits)).collect()),
        Op::Iota(axis) => {
            let mut positions = Vec::with_capacity(size(shape));
            for_each_index(shape, |index| positions.push(index[*axis] as i32));
            Value::Index(positions)
        }
        // Inputs are supplied by the interpreter; a perturbation that was never supplied is zero.
        _ => Value::Float(vec![0.0; size(shape)]),
    }
}
