//! The Jacobian of a value along a range of coordinates of x, kept as diag(gain) times a base.
//!
//! Functions of each element change the gain `[batch, row..]` alone, so that a chain of them costs as much as
//! on the value; the product `[batch, c, row..]` is formed where a primitive mixes elements. x itself and
//! what is made of it element by element has the coordinates' unit vectors for a base, which are never
//! written down unless they must be.

use std::ops::Range;

use crate::primitive::carry::{Carried, Rows};
use crate::scope::Scope;
use crate::var::Var;

/// ∂value/∂x_k for the coordinates k of a chunk: `gain` times `base`.
#[derive(Clone, Copy)]
pub(super) struct Jacobian<'s> {
    pub(super) base: Base<'s>,
    /// `[batch or 1, row..]`; None is 1.
    pub(super) gain: Option<Var<'s>>,
}

#[derive(Clone, Copy)]
pub(super) enum Base<'s> {
    /// Unit vectors: element k of a row moves with coordinate k of x alone.
    Coordinates,
    /// `[batch or 1, c, row..]`
    Tangents(Var<'s>),
}

impl Base<'_> {
    pub(super) fn is(&self, other: &Base) -> bool {
        match (self, other) {
            (Base::Coordinates, Base::Coordinates) => true,
            (Base::Tangents(a), Base::Tangents(b)) => a.id == b.id,
            _ => false,
        }
    }
}

/// The coordinates of x that tangents are carried for: `range` of `count` in row-major order.
#[derive(Clone)]
pub(super) struct Chunk<'s> {
    pub(super) rows: Rows,
    pub(super) count: usize,
    pub(super) range: Range<usize>,
    /// What the tangents begin with, `[1, row of x..]`; None is 1.
    pub(super) start: Option<Var<'s>>,
}

impl<'s> Jacobian<'s> {
    /// Tangents without a gain.
    pub(super) fn tangents(var: Var<'s>) -> Self {
        Jacobian { base: Base::Tangents(var), gain: None }
    }

    /// With the gain times `factor`, `[batch or 1, row..]`.
    pub(super) fn scaled(self, factor: Var<'s>) -> Self {
        Jacobian { gain: Some(self.gain.map_or(factor, |gain| gain * factor)), ..self }
    }
}

impl<'s> Chunk<'s> {
    /// The base as tangents, for a row of extents `row`.
    pub(super) fn base(&self, scope: &'s Scope, base: Base<'s>, row: &[usize]) -> Var<'s> {
        match base {
            Base::Tangents(var) => var,
            Base::Coordinates => {
                let shape = [self.range.len(), self.count];
                let own = scope.iota(&[self.range.len()], 0).to_float() + self.range.start as f64;
                let all = scope.iota(&[self.count], 0).to_float();
                let unit = own.broadcast_axes(&shape, &[0]).equal(all.broadcast_axes(&shape, &[1]));
                unit.to_float().reshape(&[&[1, self.range.len()], row].concat())
            }
        }
    }

    /// The Jacobian written out: `[batch or 1, c, row..]`.
    pub(super) fn dense(&self, scope: &'s Scope, jacobian: Jacobian<'s>, row: &[usize]) -> Carried<'s> {
        let base = self.base(scope, jacobian.base, row);
        let var = jacobian.gain.map_or(base, |gain| base * self.before_row(gain));
        Carried { var, axes: 2 }
    }

    /// `[batch or 1, row..]` as `[batch or 1, 1, row..]`.
    pub(super) fn before_row(&self, gain: Var<'s>) -> Var<'s> {
        let mut shape = gain.shape();
        shape.insert(1, 1);
        gain.reshape(&shape)
    }

    /// Σ_k a_k b_k over the coordinates: `[batch or 1, row..]`.
    pub(super) fn dot(&self, scope: &'s Scope, a: Jacobian<'s>, b: Jacobian<'s>, row: &[usize]) -> Var<'s> {
        if !a.base.is(&b.base) {
            return (self.dense(scope, a, row).var * self.dense(scope, b, row).var).sum(&[1]);
        }
        let squares = match a.base {
            Base::Tangents(var) => var.square().sum(&[1]),
            Base::Coordinates => self.indicator(scope, row),
        };
        [a.gain, b.gain].into_iter().flatten().fold(squares, |product, gain| product * gain)
    }

    /// 1 where an element belongs to a coordinate of the chunk: `[1, row..]`.
    fn indicator(&self, scope: &'s Scope, row: &[usize]) -> Var<'s> {
        let ones = scope.constant(1.0).broadcast_to(&[1, self.range.len()]);
        ones.pad(&[(0, 0), (self.range.start, self.count - self.range.end)]).reshape(&[&[1], row].concat())
    }

    /// The elements of a gain that belong to the chunk, 1 where there is none: `[batch or 1, c]`.
    pub(super) fn own(&self, scope: &'s Scope, gain: Option<Var<'s>>) -> Var<'s> {
        match gain {
            None => scope.constant(1.0).broadcast_to(&[1, self.range.len()]),
            Some(gain) => {
                let lead = gain.extent(0);
                gain.reshape(&[lead, self.count]).slice(1, self.range.start, self.range.end)
            }
        }
    }
}
