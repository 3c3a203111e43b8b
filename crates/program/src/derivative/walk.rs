//! The walk from x forward that carries Jacobian and Laplacian beside each value, primitive by primitive.
//!
//! v = f(a₁, a₂, ..) has ∂ₖv = Σᵢ fᵢ ∂ₖaᵢ and Δv = Σᵢ fᵢ Δaᵢ + Σᵢⱼ fᵢⱼ Σₖ ∂ₖaᵢ ∂ₖaⱼ. For what works element
//! by element fᵢ and fᵢⱼ come from `partials.rs`; everything else is linear in each operand, and stands with
//! the primitives.

use std::ops::Range;

use super::partials::Partials;
use super::tangents::{Base, Chunk, Jacobian};
use crate::op::Op;
use crate::primitive::carry::{Carried, Rows};
use crate::primitive::matmul::carried_product;
use crate::scope::Scope;
use crate::var::Var;

/// What is carried beside a value; None where it is zero.
#[derive(Clone, Copy, Default)]
pub(super) struct Moved<'s> {
    pub(super) jacobian: Option<Jacobian<'s>>,
    /// `[batch or 1, row..]`
    pub(super) laplacian: Option<Var<'s>>,
}

/// One pass from x forward.
pub(super) struct Walk<'s> {
    pub(super) scope: &'s Scope,
    what: &'static str,
    x: Var<'s>,
    pub(super) chunk: Chunk<'s>,
}

impl<'s> Walk<'s> {
    /// None after a mistake. `end` is None if the value's shape does not fit x.
    pub(super) fn new(
        scope: &'s Scope,
        what: &'static str,
        x: Var<'s>,
        range: &Range<usize>,
        end: Option<Var<'s>>,
        after: &[Var<'s>],
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
        let mut row = shape;
        row[0] = 1;
        let start = one_after(after).map(|one| one.broadcast_to(&row));
        if scope.has_failed() {
            return None;
        }
        Some(Walk { scope, what, x, chunk: Chunk { rows, count, range: range.clone(), start } })
    }

    /// What is carried beside each value up to y; an error names the primitive that has no rule and why.
    pub(super) fn run(&self, y: Var<'s>, second: bool) -> Result<Vec<Moved<'s>>, String> {
        let mut moved = vec![Moved::default(); y.id.max(self.x.id) + 1];
        moved[self.x.id].jacobian = Some(Jacobian { base: Base::Coordinates, gain: self.chunk.start });
        for id in self.scope.path(&[y], &[self.x.id], y.id) {
            let output = Var { scope: self.scope, id };
            moved[id] = self.step(output, &moved, second).map_err(|reason| {
                let name = output.application().0.name();
                format!("{}: {name} into {:?} depends on x: {reason}", self.what, output.shape())
            })?;
            if self.scope.has_failed() {
                break;
            }
        }
        Ok(moved)
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
        let along = if sums.iter().any(Option::is_some) {
            Some(op.carry(self.chunk.rows, &inputs, output, &sums)?.var)
        } else {
            None
        };
        Ok(Moved { jacobian: Some(jacobian), laplacian: add(along, self.cross(&op, &inputs, &of)?) })
    }

    pub(super) fn row(&self, value: Var) -> Result<Vec<usize>, String> {
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
        let arguments = distinct(inputs);
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
        let rows = self.chunk.rows;
        let row = self.row(inputs[0])?;
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
                let weights = if *transpose_b {
                    inputs[1].slice(1, range.start, range.end).swap_last_axes()
                } else {
                    inputs[1].slice(0, range.start, range.end)
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
}

/// The sum of what there is.
pub(super) fn add<'s>(a: Option<Var<'s>>, b: Option<Var<'s>>) -> Option<Var<'s>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

/// The operands without repetition.
pub(super) fn distinct<'s>(operands: &[Var<'s>]) -> Vec<Var<'s>> {
    let mut distinct: Vec<Var> = Vec::new();
    for operand in operands {
        if distinct.iter().all(|known| known.id != operand.id) {
            distinct.push(*operand);
        }
    }
    distinct
}

/// The number 1, which is not known before the values are: whether an element of each is finite, or is not.
fn one_after<'s>(values: &[Var<'s>]) -> Option<Var<'s>> {
    let known = |value: &Var<'s>| {
        let shape = value.shape();
        let element = value.slice_block(&vec![0; shape.len()], &vec![1; shape.len()]).reshape(&[]);
        element.is_finite().or(element.is_finite().not())
    };
    Some(values.iter().map(known).reduce(|all, one| all.and(one))?.to_float())
}
