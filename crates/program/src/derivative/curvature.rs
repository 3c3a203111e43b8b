//! v'∇²y v by one pass forward and one backward.
//!
//! Along x + t v every value a moves with a tangent ȧ, and where a primitive a = φ(b) bends it gets an
//! acceleration of its own, φ''(b)[ḃ, ḃ]; from there on accelerations move as tangents do. What arrives at y
//! is that of each value times the cotangent ∂y/∂a that y has for it,
//!
//! ```text
//! d²y/dt² = Σ_a ∂y/∂a · φ_a''(b)[ḃ, ḃ],
//! ```
//!
//! the sum over nonlinear nodes that Gower and Mello (2012, "A new framework for the computation of
//! Hessians") push through the graph for a whole Hessian. The cotangents are those of ∇y: beside it, v'∇²y v
//! costs one pass forward. The derivative of ∇y along v, whose product with v is the same number, costs one
//! forward and one backward.

use super::partials::Partials;
use super::walk::{add, distinct};
use crate::op::Op;
use crate::primitive::carry::{Carried, Rows};
use crate::primitive::matmul::carried_product;
use crate::program::Id;
use crate::scope::Scope;
use crate::var::Var;

/// First derivatives of a value `[batch]` in x `[batch, ..]`, and second ones along a direction.
#[derive(Clone, Copy)]
pub struct Curvature<'s> {
    /// ∇ₓ y, in the shape of x.
    pub gradient: Var<'s>,
    /// v'∇²y v: `[batch]`.
    pub along: Var<'s>,
}

/// What moves with x, and where it bends: tangents and accelerations, `[batch or 1, row..]`.
struct Motion<'s> {
    tangents: Vec<Option<Var<'s>>>,
    bends: Vec<(Id, Var<'s>)>,
}

impl Scope {
    /// Gradient of y `[batch]` in x `[batch, ..]`, and for each row v'∇²y v along v in the shape of x; row i
    /// of y depends on row i of x only.
    ///
    /// A primitive between x and y that mixes rows is a mistake that [`Scope::finish`] reports.
    pub fn curvature<'s>(&'s self, y: Var<'s>, x: Var<'s>, v: Var<'s>) -> Curvature<'s> {
        let end = y.shape();
        let start = x.shape();
        let mistake = |message: String| {
            let failed = self.fail(message);
            Curvature { gradient: failed, along: failed }
        };
        if self.has_failed() {
            return Curvature { gradient: x, along: y };
        }
        if start.first().is_none_or(|batch| *batch == 0) || end != start[..1] || v.shape() != start {
            let v = v.shape();
            return mistake(format!(
                "curvature of y {end:?} in x {start:?} along v {v:?}: x is [batch, ..], y [batch], v as x"
            ));
        }
        let rows = Rows { batch: start[0], x: x.id };
        let motion = match self.move_along(rows, y, x, v) {
            Ok(motion) => motion,
            Err(message) => return mistake(message),
        };
        let bending: Vec<Id> = motion.bends.iter().map(|(id, _)| *id).collect();
        let (gradient, cotangents) = self.vjp_with(&[y], &[x], &[y.full_like(1.0)], &bending);
        let mut along = y.zeros_like();
        for ((_, acceleration), cotangent) in motion.bends.iter().zip(cotangents) {
            let Some(cotangent) = cotangent else { continue };
            let term = *acceleration * rows.lift_all(cotangent);
            let axes: Vec<usize> = (1..term.shape().len()).collect();
            along = along + term.sum(&axes);
        }
        Curvature { gradient: gradient[0], along }
    }

    /// The motion of everything between x and y as x moves along v.
    fn move_along<'s>(
        &'s self,
        rows: Rows,
        y: Var<'s>,
        x: Var<'s>,
        v: Var<'s>,
    ) -> Result<Motion<'s>, String> {
        let mut motion = Motion { tangents: vec![None; y.id.max(x.id) + 1], bends: Vec::new() };
        motion.tangents[x.id] = Some(v);
        for id in self.path(&[y], &[x.id], y.id) {
            let output = Var { scope: self, id };
            motion.step(rows, output).map_err(|reason| {
                let name = output.application().0.name();
                format!("curvature: {name} into {:?} depends on x: {reason}", output.shape())
            })?;
            if self.has_failed() {
                break;
            }
        }
        Ok(motion)
    }
}

impl<'s> Motion<'s> {
    fn step(&mut self, rows: Rows, output: Var<'s>) -> Result<(), String> {
        let (op, inputs) = output.application();
        if inputs.iter().all(|input| self.tangents[input.id].is_none()) || matches!(op, Op::StopGradient) {
            return Ok(());
        }
        let (tangent, bend) = if op.is_elementwise() {
            self.elementwise(rows, output, &inputs)?
        } else {
            self.linear(rows, &op, output, &inputs)?
        };
        self.tangents[output.id] = tangent;
        self.bends.extend(bend.map(|bend| (output.id, bend)));
        Ok(())
    }

    /// Tangent and acceleration of a primitive of each element.
    fn elementwise(&self, rows: Rows, output: Var<'s>, inputs: &[Var<'s>]) -> Result<Pair<'s>, String> {
        rows.row(&output.shape())?;
        let arguments = distinct(inputs);
        let tangents: Vec<Option<Var>> = arguments.iter().map(|a| self.tangents[a.id]).collect();
        let varies: Vec<bool> = tangents.iter().map(Option::is_some).collect();
        let partials = Partials::of(output, &arguments, &varies).map_err(|error| error.0)?;
        let mut tangent = None;
        let mut bend = None;
        for (first, moved) in partials.first.iter().zip(&tangents) {
            let (Some(first), Some(moved)) = (first, moved) else { continue };
            tangent = add(tangent, Some(rows.lift(*first, 1) * *moved));
        }
        for (i, j, second) in &partials.second {
            let (Some(a), Some(b)) = (tangents[*i], tangents[*j]) else { continue };
            let twice = if i == j { 1.0 } else { 2.0 };
            bend = add(bend, Some(rows.lift(*second, 1) * (a * b) * twice));
        }
        Ok((tangent, bend))
    }

    /// Tangent of a primitive that is linear in each operand that varies, and the acceleration where two do.
    fn linear(&self, rows: Rows, op: &Op, output: Var<'s>, inputs: &[Var<'s>]) -> Result<Pair<'s>, String> {
        let carried: Vec<Option<Carried>> =
            inputs.iter().map(|input| self.tangents[input.id].map(|var| Carried { var, axes: 1 })).collect();
        let tangent = op.carry(rows, inputs, output, &carried)?.var;
        rows.row(&output.shape())?;
        let bend = match (op, carried.as_slice()) {
            (Op::MatMul { transpose_a, transpose_b }, [Some(a), Some(b)]) => {
                Some(carried_product(*transpose_a, *transpose_b, *a, *b).var * 2.0)
            }
            _ => None,
        };
        Ok((Some(tangent), bend))
    }
}

/// Tangent and acceleration; None where they are zero.
type Pair<'s> = (Option<Var<'s>>, Option<Var<'s>>);
