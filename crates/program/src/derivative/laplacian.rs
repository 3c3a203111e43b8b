//! Laplacians and divergences by forward mode: value, Jacobian and Laplacian are carried together.
//!
//! For a value v that depends on x through a: ∂ₖv = Σᵢ fᵢ ∂ₖaᵢ and Δv = Σᵢ fᵢ Δaᵢ + Σᵢⱼ fᵢⱼ Σₖ ∂ₖaᵢ ∂ₖaⱼ, with fᵢ and
//! fᵢⱼ the derivatives of v in its operands (Li, Ye, Zhang et al. 2024, "A computational framework for neural
//! network-based variational Monte Carlo with Forward Laplacian", eq. 4 to 6). The trace ends exact, without d
//! backward passes.
//!
//! Both are sums over the coordinates k of x, so tangents are carried for a chunk of coordinates at a time, and each
//! chunk's part of the result is a value of its own. A Jacobian is `[batch, c, row..]`: memory grows with c. The same
//! row for all of the batch, as up to the first product with weights, is carried once (see `rows.rs`); functions of
//! each element touch values alone (see `tangents.rs`). The parts are nodes like any other and can be differentiated
//! again, with respect to x and to whatever is not a repetition over the batch of something independent of x: such a
//! repetition is looked through.

use std::ops::Range;

use super::partials::Partials;
use super::rows::{Carried, Rows};
use super::tangents::{Base, Chunk, Jacobian};
use crate::op::Op;
use crate::primitive::matmul::carried_product;
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
    /// Gradient and Laplacian of y `[batch]` in x `[batch, ..]`; row i of y depends on row i of x only. `chunk` is the
    /// number of tangents carried at once, from 1 to the coordinates of a row.
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

    /// The parts of [`Scope::laplacian`], one for each `chunk` of coordinates, each traced when it is asked for: an
    /// objective can differentiate one before the next, so that no two chunks' tangents are needed at a time.
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
        let part =
            |gradient, laplacian| LaplacianPart { coordinates: coordinates.clone(), gradient, laplacian };
        let fits = y.shape().as_slice() == &x.shape()[..x.shape().len().min(1)];
        let Some(walk) = Walk::new(self, "laplacian", x, &coordinates, fits.then_some(y)) else {
            return part(x, y);
        };
        match walk.run(y, true) {
            Err(mistake) => part(self.fail(mistake.clone()), self.fail(mistake)),
            Ok(moved) => {
                let shape = [y.extent(0), coordinates.len()];
                let gradient = moved.jacobian.map_or(self.constant(0.0).broadcast_to(&shape), |jacobian| {
                    walk.chunk.dense(self, jacobian, &[]).var.broadcast_to(&shape)
                });
                part(gradient, moved.laplacian.map_or(y.zeros_like(), |sum| sum.broadcast_to(&shape[..1])))
            }
        }
    }

    /// Tr ∂s/∂x for each row, of s in the shape of x `[batch, ..]`: `[batch]`. Row i of s depends on row i of x only;
    /// `chunk` as in [`Scope::laplacian`].
    pub fn divergence<'s>(&'s self, s: Var<'s>, x: Var<'s>, chunk: usize) -> Var<'s> {
        let parts = self.chunks("divergence", x, chunk).map(|range| self.divergence_part(s, x, range));
        parts
            .reduce(|sum, part| sum + part)
            .unwrap_or_else(|| self.constant(0.0).broadcast_to(&x.shape()[..x.shape().len().min(1)]))
    }

    /// The part of [`Scope::divergence`] that comes from some coordinates of x: Σₖ ∂sₖ/∂xₖ over them, `[batch]`.
    pub fn divergence_part<'s>(&'s self, s: Var<'s>, x: Var<'s>, coordinates: Range<usize>) -> Var<'s> {
        let fits = s.shape() == x.shape();
        let Some(walk) = Walk::new(self, "divergence", x, &coordinates, fits.then_some(s)) else { return s };
        match walk.run(s, false) {
            Err(mistake) => self.fail(mistake),
            Ok(moved) => walk.trace(moved.jacobian),
        }
    }

    /// The coordinates of a row of x in chunks, the last of which may be smaller.
    fn chunks(&self, what: &str, x: Var, chunk: usize) -> impl Iterator<Item = Range<usize>> + use<> {
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

/// What is carried beside a value; None where it is zero.
#[derive(Clone, Copy, Default)]
struct Moved<'s> {
    jacobian: Option<Jacobian<'s>>,
    /// `[batch or 1, row..]`
    laplacian: Option<Var<'s>>,
}

/// One pass from x forward.
struct Walk<'s> {
    scope: &'s Scope,
    what: &'static str,
    x: Var<'s>,
    chunk: Chunk,
}

impl<'s> Walk<'s> {
    /// None after a mistake. `end` is None if the value's shape does not fit x.
    fn new(
        scope: &'s Scope,
        what: &'static str,
        x: Var<'s>,
        range: &Range<usize>,
        end: Option<Var<'s>>,
    ) -> Option<Self> {
        let shape = x.shape();
        let count: usize = shape.iter().skip(1).product();
        if scope.has_failed() {
            return None;
        }
        if end.is_none() || shape.first().is_none_or(|batch| *batch == 0) {
            scope.fail(format!(
                "{what} in x {shape:?}: x is [batch, ..], the value [batch] or as x for a divergence"
            ));
            return None;
        }
        if range.is_empty() || range.end > count {
            scope.fail(format!("{what}: coordinates {range:?} of a row that has {count}"));
            return None;
        }
        let rows = Rows { batch: shape[0], x: x.id };
        Some(Walk { scope, what, x, chunk: Chunk { rows, count, range: range.clone() } })
    }

    /// What is carried beside y; an error names the primitive that has no rule and why.
    fn run(&self, y: Var<'s>, second: bool) -> Result<Moved<'s>, String> {
        let mut moved = vec![Moved::default(); y.id.max(self.x.id) + 1];
        moved[self.x.id].jacobian = Some(Jacobian { base: Base::Coordinates, gain: None });
        for id in self.scope.path(&[y], &[self.x.id], y.id) {
            let output = Var { scope: self.scope, id };
            moved[id] = self.step(output, &moved, second).map_err(|reason| {
                let name = output.application().0.name();
                format!("{}: {name} into {:?} depends on x: {reason}", self.what, output.shape())
            })?;
        }
        Ok(moved[y.id])
    }

    fn step(&self, output: Var<'s>, moved: &[Moved<'s>], second: bool) -> Result<Moved<'s>, String> {
        let (op, inputs) = output.application();
        let of: Vec<Moved> = inputs.iter().map(|input| moved[input.id]).collect();
        if of.iter().all(|moved| moved.jacobian.is_none()) || matches!(op, Op::StopGradient) {
            return Ok(Moved::default());
        }
        if op.is_elementwise() {
            return self.elementwise(output, &inputs, moved, second);
        }
        let jacobian = self.linear_jacobian(&op, &inputs, output, &of)?;
        self.row(output)?;
        if !second {
            return Ok(Moved { jacobian: Some(jacobian), laplacian: None });
        }
        let sums: Vec<Option<Carried>> =
            of.iter().map(|moved| moved.laplacian.map(|var| Carried { var, axes: 1 })).collect();
        let along = match sums.iter().any(Option::is_some) {
            true => Some(op.carry(self.chunk.rows, &inputs, output, &sums)?.var),
            false => None,
        };
        Ok(Moved { jacobian: Some(jacobian), laplacian: add(along, self.cross(&op, &inputs, &of)?) })
    }

    fn row(&self, value: Var) -> Result<Vec<usize>, String> {
        self.chunk.rows.row(&value.shape())
    }

    /// A primitive of each element: gains are multiplied, and curvature meets the tangents' squares.
    fn elementwise(
        &self,
        output: Var<'s>,
        inputs: &[Var<'s>],
        moved: &[Moved<'s>],
        second: bool,
    ) -> Result<Moved<'s>, String> {
        let mut arguments: Vec<Var> = Vec::new();
        for input in inputs {
            if arguments.iter().all(|known| known.id != input.id) {
                arguments.push(*input);
            }
        }
        let jacobians: Vec<Option<Jacobian>> = arguments.iter().map(|a| moved[a.id].jacobian).collect();
        let varies: Vec<bool> = jacobians.iter().map(Option::is_some).collect();
        let partials = Partials::of(output, &arguments, &varies).map_err(|error| error.0)?;
        let row = self.row(output)?;
        let rows = self.chunk.rows;
        let mut terms: Vec<Jacobian> = Vec::new();
        let mut laplacian = None;
        for (i, first) in partials.first.iter().enumerate() {
            let (Some(first), Some(jacobian)) = (first, jacobians[i]) else { continue };
            let first = rows.lift(*first, 1);
            self.gather_term(&mut terms, jacobian.scaled(first));
            laplacian = add(laplacian, moved[arguments[i].id].laplacian.map(|sum| first * sum));
        }
        for (i, j, curvature) in partials.second.iter().filter(|_| second) {
            let (Some(a), Some(b)) = (jacobians[*i], jacobians[*j]) else { continue };
            let twice = if i == j { 1.0 } else { 2.0 };
            let curvature = rows.lift(*curvature, 1) * twice;
            laplacian = add(laplacian, Some(curvature * self.chunk.dot(self.scope, a, b, &row)));
        }
        let jacobian = match terms.as_slice() {
            [] => None,
            [only] => Some(*only),
            several => several
                .iter()
                .map(|term| self.chunk.dense(self.scope, *term, &row).var)
                .reduce(|sum, term| sum + term)
                .map(Jacobian::tangents),
        };
        Ok(Moved { jacobian, laplacian })
    }

    /// Adds a term to those of other bases, or its gain to that of the same base.
    fn gather_term(&self, terms: &mut Vec<Jacobian<'s>>, term: Jacobian<'s>) {
        match terms.iter_mut().find(|known| known.base.is(&term.base)) {
            Some(known) => known.gain = add(known.gain, term.gain),
            None => terms.push(term),
        }
    }

    /// A primitive that is linear in each operand that varies.
    fn linear_jacobian(
        &self,
        op: &Op,
        inputs: &[Var<'s>],
        output: Var<'s>,
        of: &[Moved<'s>],
    ) -> Result<Jacobian<'s>, String> {
        let rows = self.chunk.rows;
        if let Some(jacobian) = self.short_cut(op, inputs, output, of)? {
            return Ok(jacobian);
        }
        let mut carried = vec![None; inputs.len()];
        for (i, input) in inputs.iter().enumerate() {
            let Some(jacobian) = of[i].jacobian else { continue };
            carried[i] = Some(self.chunk.dense(self.scope, jacobian, &self.row(*input)?));
        }
        Ok(Jacobian::tangents(op.carry(rows, inputs, output, &carried)?.var))
    }

    /// Cheaper ways to the same Jacobian, where its operand's is not formed.
    fn short_cut(
        &self,
        op: &Op,
        inputs: &[Var<'s>],
        output: Var<'s>,
        of: &[Moved<'s>],
    ) -> Result<Option<Jacobian<'s>>, String> {
        let Some(Jacobian { base, gain }) = of[0].jacobian else { return Ok(None) };
        let (rows, row) = (self.chunk.rows, self.row(inputs[0])?);
        let range = &self.chunk.range;
        let plain = inputs[0].shape().len() == 2 && row.len() == 1;
        Ok(match (op, base) {
            // Gain and base move together.
            (Op::Reshape | Op::Broadcast(_) | Op::Transpose(_) | Op::Slice(_), _) => {
                let carry = |var, axes| op.carry(rows, inputs, output, &[Some(Carried { var, axes })]);
                let gain = gain.map(|gain| carry(gain, 1)).transpose()?.map(|gain| gain.var);
                let base = match (op, base) {
                    (Op::Reshape, Base::Coordinates) => base,
                    _ => Base::Tangents(carry(self.chunk.base(self.scope, base, &row), 2)?.var),
                };
                Some(Jacobian { base, gain })
            }
            // Over all of a row: each coordinate moves the sum by its gain.
            (Op::Sum(axes), Base::Coordinates) if !axes.contains(&0) && self.row(output)?.is_empty() => {
                Some(Jacobian::tangents(self.chunk.own(self.scope, gain)))
            }
            // The weights' rows are the tangents of the first layer.
            (Op::MatMul { transpose_a: false, transpose_b }, Base::Coordinates)
                if plain && of[1].jacobian.is_none() =>
            {
                let weights = match transpose_b {
                    false => inputs[1].slice(0, range.start, range.end),
                    true => inputs[1].slice(1, range.start, range.end).swap_last_axes(),
                };
                let n = weights.extent(1);
                let own = self.chunk.own(self.scope, gain);
                let own = own.reshape(&[own.extent(0), range.len(), 1]);
                Some(Jacobian::tangents(weights.reshape(&[1, range.len(), n]) * own))
            }
            // A product with one column is a weighted sum.
            (Op::MatMul { transpose_a: false, .. }, Base::Tangents(tangents))
                if plain && of[1].jacobian.is_none() && output.extent(1) == 1 =>
            {
                let weights = inputs[1].reshape(&[1, row[0]]);
                let weights = self.chunk.before_row(gain.map_or(weights, |gain| gain * weights));
                let shape = [tangents.extent(0).max(weights.extent(0)), range.len(), 1];
                Some(Jacobian::tangents((tangents * weights).sum(&[2]).reshape(&shape)))
            }
            _ => None,
        })
    }

    /// 2 Σₖ ∂ₖa ∂ₖb of a product whose operands both vary.
    fn cross(&self, op: &Op, inputs: &[Var<'s>], of: &[Moved<'s>]) -> Result<Option<Var<'s>>, String> {
        let (Op::MatMul { transpose_a, transpose_b }, Some(a), Some(b)) =
            (op, of[0].jacobian, of.get(1).and_then(|moved| moved.jacobian))
        else {
            return Ok(None);
        };
        let a = self.chunk.dense(self.scope, a, &self.row(inputs[0])?);
        let b = self.chunk.dense(self.scope, b, &self.row(inputs[1])?);
        Ok(Some(carried_product(*transpose_a, *transpose_b, a, b).var.sum(&[1]) * 2.0))
    }

    /// Σₖ ∂ₖsₖ over the chunk: `[batch]`.
    fn trace(&self, jacobian: Option<Jacobian<'s>>) -> Var<'s> {
        let Chunk { rows, count, range } = &self.chunk;
        let (batch, c) = (rows.batch, range.len());
        let diagonal = match jacobian {
            None => return self.scope.constant(0.0).broadcast_to(&[batch]),
            Some(Jacobian { base: Base::Coordinates, gain }) => self.chunk.own(self.scope, gain),
            Some(Jacobian { base: Base::Tangents(base), gain }) => {
                let base = base.reshape(&[base.extent(0), c, *count]);
                // Element k·(c + 1) of a block [c, c] is on its diagonal: one column of the elements in rows of c + 1.
                let block = base.slice(2, range.start, range.end).reshape(&[base.extent(0), c * c]);
                let block = block.pad(&[(0, 0), (0, c)]).reshape(&[base.extent(0), c, c + 1]);
                let diagonal = block.slice(2, 0, 1).reshape(&[base.extent(0), c]);
                gain.map_or(diagonal, |gain| diagonal * self.chunk.own(self.scope, Some(gain)))
            }
        };
        diagonal.sum(&[1]).broadcast_to(&[batch])
    }
}

fn add<'s>(a: Option<Var<'s>>, b: Option<Var<'s>>) -> Option<Var<'s>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}
