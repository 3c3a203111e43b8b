//! Divergences by forward mode: Tr ∂s/∂x = Σₖ ∂sₖ/∂xₖ from the Jacobian's tangents, a chunk of coordinates at
//! a time.
//!
//! See `laplacian.rs` for chunks and `walk.rs` for the tangents. Of the last steps of s only the diagonal is
//! computed: a product with weights W after tangents J needs Σₕ Jₖₕ Wₕₖ for each k, not all of J W.

use std::ops::Range;

use super::partials::Partials;
use super::tangents::{Base, Jacobian};
use super::walk::{Moved, Walk, distinct};
use crate::op::Op;
use crate::scope::Scope;
use crate::var::Var;

/// How many steps before s are taken on the diagonal alone.
const DEPTH: usize = 8;

impl Scope {
    /// Tr ∂s/∂x for each row, of s in the shape of x `[batch, ..]`: `[batch]`. Row i of s depends on row i of
    /// x only; `chunk` as in [`Scope::laplacian`].
    pub fn divergence<'s>(&'s self, s: Var<'s>, x: Var<'s>, chunk: usize) -> Var<'s> {
        let parts = self.chunks("divergence", x, chunk).map(|range| self.divergence_part(s, x, range));
        parts
            .reduce(|sum, part| sum + part)
            .unwrap_or_else(|| self.constant(0.0).broadcast_to(&x.shape()[..x.shape().len().min(1)]))
    }

    /// The part of [`Scope::divergence`] that comes from some coordinates of x: Σₖ ∂sₖ/∂xₖ over them,
    /// `[batch]`.
    pub fn divergence_part<'s>(&'s self, s: Var<'s>, x: Var<'s>, coordinates: Range<usize>) -> Var<'s> {
        self.divergence_part_after(s, x, coordinates, &[])
    }

    /// As [`Scope::divergence_part`], with tangents as in [`Scope::laplacian_part_after`].
    pub fn divergence_part_after<'s>(
        &'s self,
        s: Var<'s>,
        x: Var<'s>,
        coordinates: Range<usize>,
        after: &[Var<'s>],
    ) -> Var<'s> {
        let fits = s.shape() == x.shape();
        let Some(walk) = Walk::new(self, "divergence", x, &coordinates, fits.then_some(s), after) else {
            return s;
        };
        let diagonal = walk.run(s, false).and_then(|moved| walk.diagonal(s, &moved, DEPTH));
        match diagonal {
            Err(mistake) => self.fail(mistake),
            Ok(None) => self.constant(0.0).broadcast_to(&s.shape()[..1]),
            Ok(Some(diagonal)) => diagonal.sum(&[1]).broadcast_to(&s.shape()[..1]),
        }
    }
}

impl<'s> Walk<'s> {
    /// ∂vₖ/∂xₖ for the coordinates k of the chunk, of a value with as many elements in a row as x:
    /// `[batch or 1, c]`.
    fn diagonal(&self, value: Var<'s>, moved: &[Moved<'s>], depth: usize) -> Result<Option<Var<'s>>, String> {
        let Some(jacobian) = moved[value.id].jacobian else { return Ok(None) };
        let (op, inputs) = value.application();
        let chunk = &self.chunk;
        if let Base::Coordinates = jacobian.base {
            return Ok(Some(chunk.own(self.scope, jacobian.gain)));
        }
        match &op {
            _ if depth == 0 => Ok(Some(self.written_out(jacobian))),
            Op::Reshape => self.diagonal(inputs[0], moved, depth - 1),
            op if op.is_elementwise() => self.diagonal_of_elements(value, &inputs, moved, depth - 1),
            Op::MatMul { transpose_a: false, transpose_b } if moved[inputs[1].id].jacobian.is_none() => {
                let product = self.diagonal_of_product(inputs[0], inputs[1], *transpose_b, moved)?;
                Ok(Some(product.unwrap_or_else(|| self.written_out(jacobian))))
            }
            _ => Ok(Some(self.written_out(jacobian))),
        }
    }

    /// Σₕ ∂aₕ/∂xₖ wₕₖ of a product of rows with weights; None for products of another form.
    fn diagonal_of_product(
        &self,
        a: Var<'s>,
        weights: Var<'s>,
        transposed: bool,
        moved: &[Moved<'s>],
    ) -> Result<Option<Var<'s>>, String> {
        let chunk = &self.chunk;
        let row = self.row(a)?;
        let (Some(Jacobian { base: Base::Tangents(base), gain }), [hidden]) =
            (moved[a.id].jacobian, row.as_slice())
        else {
            return Ok(None);
        };
        let columns = if transposed { weights } else { weights.swap_last_axes() };
        if a.shape().len() != 2 || columns.shape() != [chunk.count, *hidden] {
            return Ok(None);
        }
        let columns = columns.slice(0, chunk.range.start, chunk.range.end);
        let columns = columns.reshape(&[1, chunk.range.len(), *hidden]);
        let tangents = gain.map_or(base, |gain| base * chunk.before_row(gain));
        Ok(Some((tangents * columns).sum(&[2])))
    }

    /// Σᵢ fᵢ ∂aᵢₖ/∂xₖ of f(a₁, a₂, ..).
    fn diagonal_of_elements(
        &self,
        value: Var<'s>,
        inputs: &[Var<'s>],
        moved: &[Moved<'s>],
        depth: usize,
    ) -> Result<Option<Var<'s>>, String> {
        let arguments = distinct(inputs);
        let varies: Vec<bool> = arguments.iter().map(|a| moved[a.id].jacobian.is_some()).collect();
        let partials = Partials::of(value, &arguments, &varies).map_err(|error| error.0)?;
        let mut sum: Option<Var> = None;
        for (argument, first) in arguments.iter().zip(partials.first) {
            let (Some(first), Some(diagonal)) = (first, self.diagonal(*argument, moved, depth)?) else {
                continue;
            };
            let term = diagonal * self.chunk.own(self.scope, Some(self.chunk.rows.lift(first, 1)));
            sum = Some(sum.map_or(term, |sum| sum + term));
        }
        Ok(sum)
    }

    /// The diagonal of a Jacobian whose tangents exist.
    fn written_out(&self, jacobian: Jacobian<'s>) -> Var<'s> {
        let count = self.chunk.count;
        let range = &self.chunk.range;
        let c = range.len();
        let Base::Tangents(base) = jacobian.base else { return self.chunk.own(self.scope, jacobian.gain) };
        let lead = base.extent(0);
        let block = base.reshape(&[lead, c, count]).slice(2, range.start, range.end);
        // Element k (c + 1) of a block [c, c] is on its diagonal: the first column of the same elements in
        // rows of c + 1.
        let padded = block.reshape(&[lead, c * c]).pad(&[(0, 0), (0, c)]);
        let diagonal = padded.reshape(&[lead, c, c + 1]).slice(2, 0, 1).reshape(&[lead, c]);
        jacobian.gain.map_or(diagonal, |gain| diagonal * self.chunk.own(self.scope, Some(gain)))
    }
}
