//! What a derivative carries beside a value of the batch, and how values are cut into rows.
//!
//! A value on the way from x to y is `[batch, ..]`, or `[batch·r, ..]` where a reshape made r entries of its
//! first axis out of each row. Beside it stand tangents `[batch, c, row..]` and sums over tangents
//! `[batch, row..]`; the first extent is 1 where all rows are the same, until something that differs between
//! rows is multiplied in.

use crate::op::Op;
use crate::program::Id;
use crate::var::Var;

/// How far a value that is the same in all rows is followed to where it was repeated.
const DEPTH: usize = 6;

/// The batch: row i of every value depends on row i of x alone.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) batch: usize,
    /// The variable that derivatives are taken with respect to; nothing looks through it.
    pub(crate) x: Id,
}

/// Something carried beside a value: `[batch or 1, .., row..]`, with `axes` axes before the row.
#[derive(Clone, Copy)]
pub(crate) struct Carried<'s> {
    pub(crate) var: Var<'s>,
    /// 2 for tangents, 1 for sums over them.
    pub(crate) axes: usize,
}

impl Rows {
    /// The extents of a row of a value of this shape; an error where its first axis does not consist of rows.
    pub(crate) fn row(self, shape: &[usize]) -> Result<Vec<usize>, String> {
        match shape.split_first() {
            Some((first, rest)) if *first == self.batch => Ok(rest.to_vec()),
            Some((first, rest)) if *first > 0 && first.is_multiple_of(self.batch) => {
                Ok(std::iter::once(first / self.batch).chain(rest.iter().copied()).collect())
            }
            _ => Err("its first axis is no longer the batch".into()),
        }
    }

    /// How many axes of a row lie in the first axis of a value of this shape: 0 or 1.
    pub(crate) fn within_first(self, shape: &[usize]) -> usize {
        usize::from(shape.first() != Some(&self.batch))
    }

    /// A value as `[batch or 1, 1.., row..]` with `axes` axes before the row, to be combined with what is
    /// carried.
    pub(crate) fn lift<'s>(self, value: Var<'s>, axes: usize) -> Var<'s> {
        let Ok(row) = self.row(&value.shape()) else { return value };
        let rows = self.same_in_all_rows(value).unwrap_or(value);
        let lead = if rows.id == value.id { self.batch } else { 1 };
        let mut shape = vec![1; axes];
        shape[0] = lead;
        shape.extend(row);
        rows.reshape(&shape)
    }

    /// A value as `[batch, row..]`.
    pub(crate) fn lift_all<'s>(self, value: Var<'s>) -> Var<'s> {
        let row = self.row(&value.shape()).unwrap_or_default();
        value.reshape(&[&[self.batch], row.as_slice()].concat())
    }

    /// The one row `[1, row..]` of a value that repeats it, as the graph shows.
    pub(crate) fn same_in_all_rows<'s>(self, value: Var<'s>) -> Option<Var<'s>> {
        self.repeated_row(value, DEPTH)
    }

    fn repeated_row<'s>(self, value: Var<'s>, depth: usize) -> Option<Var<'s>> {
        if value.id == self.x || depth == 0 {
            return None;
        }
        let (op, inputs) = value.application();
        let row = self.row(&value.shape()).ok()?;
        let shape: Vec<usize> = std::iter::once(1).chain(row).collect();
        match &op {
            Op::Broadcast(axes) if !axes.contains(&0) => {
                let shift = self.within_first(&value.shape());
                let axes: Vec<usize> = axes.iter().map(|axis| axis + shift).collect();
                Some(inputs[0].broadcast_axes(&shape, &axes))
            }
            Op::Reshape => Some(self.repeated_row(inputs[0], depth - 1)?.reshape(&shape)),
            op if op.is_elementwise() => {
                let operands: Option<Vec<Var>> =
                    inputs.iter().map(|input| self.repeated_row(*input, depth - 1)).collect();
                Some(value.scope().apply(op.clone(), &operands?, &shape))
            }
            _ => None,
        }
    }
}

impl<'s> Carried<'s> {
    /// The extents before the row.
    pub(crate) fn before(self) -> Vec<usize> {
        self.var.shape()[..self.axes].to_vec()
    }

    /// What is carried, repeated for each of `lead` rows of the batch.
    pub(crate) fn repeated(self, lead: usize) -> Carried<'s> {
        let mut shape = self.var.shape();
        shape[0] = lead;
        Carried { var: self.var.broadcast_to(&shape), ..self }
    }

    /// The shape of a row carried with the leading axes of this one.
    pub(crate) fn with_row(self, row: &[usize]) -> Vec<usize> {
        [self.before().as_slice(), row].concat()
    }
}
