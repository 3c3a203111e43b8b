//! Laplacians by forward mode: value, Jacobian and Laplacian are carried together.
//!
//! Δy = Σₖ ∂²y/∂xₖ² is exact and takes one pass from x to y instead of d backward passes (Li, Ye, Zhang et
//! al. 2024, "A computational framework for neural network-based variational Monte Carlo with Forward
//! Laplacian").
//!
//! It is a sum over the coordinates k of x, so tangents are carried for a chunk of coordinates at a time, and
//! each chunk's part of the result is a value of its own. A Jacobian is `[batch, c, row..]`: memory grows
//! with c. The same row for all of the batch, as up to the first product with weights, is carried once (see
//! `primitive/carry.rs`); functions of each element touch values alone (see `tangents.rs`). The parts are
//! nodes like any other and can be differentiated again, with respect to x and to whatever is not a
//! repetition over the batch of something independent of x: such a repetition is looked through.

use std::ops::Range;

use super::walk::Walk;
use crate::scope::Scope;
use crate::var::Var;

/// First and second derivatives of a value `[batch]` in x `[batch, ..]`.
#[derive(Clone, Copy)]
pub struct Laplacian<'s> {
    /// ∇ₓ y, in the shape of x.
    pub gradient: Var<'s>,
    /// Σₖ ∂²y/∂xₖ²: `[batch]`.
    pub laplacian: Var<'s>,
}

/// What a chunk of coordinates contributes to a [`Laplacian`].
#[derive(Clone)]
pub struct LaplacianPart<'s> {
    /// The coordinates: positions in a row of x, in row-major order.
    pub coordinates: Range<usize>,
    /// ∂y/∂xₖ for each of them: `[batch, c]`.
    pub gradient: Var<'s>,
    /// The sum of ∂²y/∂xₖ² over them: `[batch]`.
    pub laplacian: Var<'s>,
}

impl Scope {
    /// Gradient and Laplacian of y `[batch]` in x `[batch, ..]`; row i of y depends on row i of x only.
    /// `chunk` is the number of tangents carried at once, from 1 to the coordinates of a row.
    ///
    /// A primitive between x and y that mixes rows is a mistake that [`Scope::finish`] reports.
    pub fn laplacian<'s>(&'s self, y: Var<'s>, x: Var<'s>, chunk: usize) -> Laplacian<'s> {
        let parts: Vec<LaplacianPart> = self.laplacian_parts(y, x, chunk).collect();
        let gradients: Vec<Var> = parts.iter().map(|part| part.gradient).collect();
        let Some((first, others)) = gradients.split_first() else {
            return Laplacian { gradient: x.zeros_like(), laplacian: y.zeros_like() };
        };
        let gradient = first.concatenate(others, 1).reshape(&x.shape());
        let laplacian = parts[1..].iter().fold(parts[0].laplacian, |sum, part| sum + part.laplacian);
        Laplacian { gradient, laplacian }
    }

    /// The parts of [`Scope::laplacian`], one for each `chunk` of coordinates, each traced when it is asked
    /// for.
    pub fn laplacian_parts<'s>(
        &'s self,
        y: Var<'s>,
        x: Var<'s>,
        chunk: usize,
    ) -> impl Iterator<Item = LaplacianPart<'s>> {
        self.chunks("laplacian", x, chunk).map(move |range| self.laplacian_part(y, x, range))
    }

    /// The part of [`Scope::laplacian`] that comes from some coordinates of x.
    pub fn laplacian_part<'s>(
        &'s self,
        y: Var<'s>,
        x: Var<'s>,
        coordinates: Range<usize>,
    ) -> LaplacianPart<'s> {
        self.laplacian_part_after(y, x, coordinates, &[])
    }

    /// As [`Scope::laplacian_part`], with tangents that are not formed before the values `after` are known.
    /// With the derivatives of one part's loss for `after` of the next, no two parts are in memory at a time.
    /// `after` are floats.
    pub fn laplacian_part_after<'s>(
        &'s self,
        y: Var<'s>,
        x: Var<'s>,
        coordinates: Range<usize>,
        after: &[Var<'s>],
    ) -> LaplacianPart<'s> {
        let part =
            |gradient, laplacian| LaplacianPart { coordinates: coordinates.clone(), gradient, laplacian };
        let fits = y.shape().as_slice() == &x.shape()[..x.shape().len().min(1)];
        let Some(walk) = Walk::new(self, "laplacian", x, &coordinates, fits.then_some(y), after) else {
            return part(x, y);
        };
        match walk.run(y, true) {
            Err(mistake) => part(self.fail(mistake.clone()), self.fail(mistake)),
            Ok(moved) => {
                let moved = moved[y.id];
                let shape = [y.extent(0), coordinates.len()];
                let gradient = moved.jacobian.map_or(self.constant(0.0).broadcast_to(&shape), |jacobian| {
                    walk.chunk.dense(self, jacobian, &[]).var.broadcast_to(&shape)
                });
                part(gradient, moved.laplacian.map_or(y.zeros_like(), |sum| sum.broadcast_to(&shape[..1])))
            }
        }
    }

    /// The coordinates of a row of x in chunks, the last of which may be smaller.
    pub(super) fn chunks(
        &self,
        what: &str,
        x: Var,
        chunk: usize,
    ) -> impl Iterator<Item = Range<usize>> + use<> {
        let count: usize = x.shape().iter().skip(1).product();
        if !(1..=count).contains(&chunk) && !self.has_failed() {
            self.fail(format!(
                "{what}: chunks of {chunk} tangents; a row has {count} coordinates, 1 to {count} fit"
            ));
        }
        let chunk = chunk.max(1);
        (0..count).step_by(chunk).map(move |start| start..count.min(start + chunk))
    }
}
