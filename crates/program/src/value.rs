//! Run-time values of the reference: what programs are passed and what they return.

use crate::random::Key;
use crate::shape::Kind;

/// A run-time value of one kind, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Real numbers.
    Float(Vec<f64>),
    /// Indices, counted from 0.
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

    pub(crate) fn kind_and_len(&self) -> (Kind, usize) {
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
    /// The elements, row-major.
    pub value: &'a Value,
    /// The extents of the axes.
    pub shape: &'a [usize],
}

impl Array<'_> {
    pub(crate) fn floats(&self) -> &[f64] {
        self.value.floats()
    }
}
