//! Rows by index, and their adjoint.

use super::{Checked, require};
use crate::primitive::carry::Carried;
use crate::shape::size;
use crate::value::Array;
use crate::{Kind, Op, Value, Var};

/// Table `[rows, ..]` and indices `[n]` give `[n, ..]`. An index outside the table reads its nearest row.
pub(crate) fn check_gather(operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    let (table_kind, table) = operands[0];
    let (index_kind, index) = operands[1];
    require(table_kind == Kind::Float && index_kind == Kind::Index, || "operands of the wrong kinds".into())?;
    require(index.len() == 1 && !table.is_empty() && table[0] > 0, || {
        "a table with rows and a list of indices are needed".into()
    })?;
    let fits = shape.first() == Some(&index[0]) && shape[1..] == table[1..];
    require(fits, || "the value has a row for each index".into()).map(|()| Kind::Float)
}

/// Indices `[n]` and rows `[n, ..]` give `[rows, ..]`.
pub(crate) fn check_scatter(operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    let (index_kind, index) = operands[0];
    let (row_kind, rows) = operands[1];
    require(row_kind == Kind::Float && index_kind == Kind::Index, || "operands of the wrong kinds".into())?;
    let fits =
        index.len() == 1 && rows.first() == Some(&index[0]) && shape.first().is_some_and(|rows| *rows > 0);
    require(fits && shape[1..] == rows[1..], || "there is a row for each index".into()).map(|()| Kind::Float)
}

fn clamp(index: i32, rows: usize) -> usize {
    (index.max(0) as usize).min(rows - 1)
}

pub(crate) fn reference_gather(operands: &[Array]) -> Value {
    let rows = operands[0].shape[0];
    let len = size(&operands[0].shape[1..]);
    let row = |index: &i32| {
        let start = clamp(*index, rows) * len;
        operands[0].floats()[start..start + len].iter().copied()
    };
    Value::Float(operands[1].value.indices().iter().flat_map(row).collect())
}

pub(crate) fn reference_scatter(operands: &[Array], shape: &[usize]) -> Value {
    let len = size(&shape[1..]);
    let mut out = vec![0.0; size(shape)];
    for (i, index) in operands[0].value.indices().iter().enumerate() {
        let start = clamp(*index, shape[0]) * len;
        for j in 0..len {
            out[start + j] += operands[1].floats()[i * len + j];
        }
    }
    Value::Float(out)
}

/// Rows stay where they are only if the indices count the rows of the table, one after the other.
pub(crate) fn carry<'s>(
    indices: Var<'s>,
    table: Var<'s>,
    carried: Option<Carried<'s>>,
) -> Result<Carried<'s>, String> {
    let counts = matches!(indices.application().0, Op::Iota(0)) && indices.extent(0) == table.extent(0);
    require(counts, || "its indices may mix rows of the batch".into())?;
    carried.ok_or("nothing varies".into())
}
