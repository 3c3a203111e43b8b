//! Algebra: what is known beforehand is not computed at run time.
//!
//! While a graph is traced only what reads the same operands is replaced (`Graph::may_replace`); the rest
//! waits for the finished graph, from which nobody takes derivatives.
//!
//! Together with the sharing of equal applications and the removal of dead nodes this keeps derivatives as
//! small as if they had been written by hand. x·0 is taken for 0: an infinite or NaN x shows elsewhere.

use crate::op::Op;
use crate::primitive::arithmetic::{Binary, Unary};
use crate::program::Id;
use crate::scope::Graph;

/// What an application can be replaced by.
pub(crate) enum Simpler {
    /// A value that exists.
    Known(Id),
    /// One number everywhere.
    Uniform(f64),
    /// Another application.
    Apply(Op, Vec<Id>),
    /// An application on a smaller shape, then repetition along these axes.
    Broadcast(Op, Vec<Id>, Vec<usize>, Vec<usize>),
    /// Operand times a number.
    Scaled(Id, f64),
    /// Products of the elements of a column and of a row.
    Outer(Id, Id),
}

impl Graph {
    /// The one number that all elements of a node are, if known.
    fn uniform(&self, id: Id) -> Option<f64> {
        let node = &self.nodes[id];
        match &node.op {
            Op::Constant(bits) => Some(f64::from_bits(*bits)),
            Op::Broadcast(_) | Op::Reshape => self.uniform(node.inputs[0]),
            _ => None,
        }
    }

    /// A simpler way to the same value.
    pub(crate) fn simplify(&self, op: &Op, inputs: &[Id], shape: &[usize]) -> Option<Simpler> {
        match op {
            Op::Unary(f) => self.simplify_unary(*f, inputs[0]),
            Op::Binary(f) => self.simplify_binary(*f, inputs[0], inputs[1]),
            Op::Select if inputs[1] == inputs[2] => Some(Simpler::Known(inputs[1])),
            Op::Sum(axes) => self.simplify_sum(axes, inputs[0]),
            Op::MatMul { transpose_a, .. } => {
                // With one term in each sum there is nothing to sum: it joins other elementwise work.
                let [rows, columns] = self.nodes[inputs[0]].shape[..] else { return None };
                let depth = if *transpose_a { rows } else { columns };
                (depth == 1).then(|| Simpler::Outer(inputs[0], inputs[1]))
            }
            _ => self.simplify_layout(op, inputs, shape),
        }
    }

    fn simplify_unary(&self, f: Unary, x: Id) -> Option<Simpler> {
        if let Some(value) = self.uniform(x) {
            return Some(Simpler::Uniform(f.reference(value)));
        }
        let node = &self.nodes[x];
        match (&node.op, f) {
            (Op::Unary(Unary::Neg), Unary::Neg) => Some(Simpler::Known(node.inputs[0])),
            (Op::Binary(Binary::Sub), Unary::Neg) => {
                Some(Simpler::Apply(Op::Binary(Binary::Sub), vec![node.inputs[1], node.inputs[0]]))
            }
            (Op::Broadcast(axes), _) => self.narrow(Op::Unary(f), &node.inputs, axes),
            _ => None,
        }
    }

    fn simplify_binary(&self, f: Binary, a: Id, b: Id) -> Option<Simpler> {
        use Binary::{Add, Div, Mul, Sub};
        let negated = |id: Id| match self.nodes[id].op {
            Op::Unary(Unary::Neg) => Some(self.nodes[id].inputs[0]),
            _ => None,
        };
        let simpler = match (f, self.uniform(a), self.uniform(b)) {
            (_, Some(a), Some(b)) => Simpler::Uniform(f.reference(a, b)),
            (Add | Sub, _, Some(0.0)) | (Mul | Div, _, Some(1.0)) => Simpler::Known(a),
            (Add, Some(0.0), _) | (Mul, Some(1.0), _) => Simpler::Known(b),
            (Sub, Some(0.0), _) | (Mul, Some(-1.0), _) => Simpler::Apply(Op::Unary(Unary::Neg), vec![b]),
            (Mul | Div, _, Some(-1.0)) => Simpler::Apply(Op::Unary(Unary::Neg), vec![a]),
            (Mul, Some(0.0), _) | (Mul, _, Some(0.0)) | (Div, Some(0.0), _) => Simpler::Uniform(0.0),
            (Mul, Some(scale), None) => return self.rescale(b, scale).or_else(|| self.narrow_pair(f, a, b)),
            (Mul, None, Some(scale)) => return self.rescale(a, scale).or_else(|| self.narrow_pair(f, a, b)),
            _ => match (f, negated(a), negated(b)) {
                (Add, _, Some(b)) => Simpler::Apply(Op::Binary(Sub), vec![a, b]),
                (Add, Some(a), _) => Simpler::Apply(Op::Binary(Sub), vec![b, a]),
                (Sub, _, Some(b)) => Simpler::Apply(Op::Binary(Add), vec![a, b]),
                (Mul | Div, Some(a), Some(b)) => Simpler::Apply(Op::Binary(f), vec![a, b]),
                _ => return self.narrow_pair(f, a, b),
            },
        };
        Some(simpler)
    }

    /// (x c) scale = x (c scale); (-x) scale = x (-scale).
    fn rescale(&self, id: Id, scale: f64) -> Option<Simpler> {
        let node = &self.nodes[id];
        match node.op {
            Op::Unary(Unary::Neg) => Some(Simpler::Scaled(node.inputs[0], -scale)),
            Op::Binary(Binary::Mul) => {
                let a = node.inputs[0];
                let b = node.inputs[1];
                match (self.uniform(a), self.uniform(b)) {
                    (Some(known), _) => Some(Simpler::Scaled(b, known * scale)),
                    (_, Some(known)) => Some(Simpler::Scaled(a, known * scale)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// f of two values repeated in the same way is repeated f of the values.
    fn narrow_pair(&self, f: Binary, a: Id, b: Id) -> Option<Simpler> {
        let left = &self.nodes[a];
        let right = &self.nodes[b];
        match (&left.op, &right.op) {
            (Op::Broadcast(axes), Op::Broadcast(other)) => {
                let same =
                    axes == other && self.nodes[left.inputs[0]].shape == self.nodes[right.inputs[0]].shape;
                same.then(|| self.narrow(Op::Binary(f), &[left.inputs[0], right.inputs[0]], axes)).flatten()
            }
            _ => None,
        }
    }

    fn narrow(&self, op: Op, inputs: &[Id], axes: &[usize]) -> Option<Simpler> {
        Some(Simpler::Broadcast(op, inputs.to_vec(), self.nodes[inputs[0]].shape.clone(), axes.to_vec()))
    }

    fn simplify_sum(&self, axes: &[usize], x: Id) -> Option<Simpler> {
        let node = &self.nodes[x];
        let count: usize = axes.iter().map(|axis| node.shape.get(*axis).copied().unwrap_or(0)).product();
        if axes.is_empty() {
            return Some(Simpler::Known(x));
        }
        if let Some(value) = self.uniform(x) {
            return Some(Simpler::Uniform(value * count as f64));
        }
        match &node.op {
            // Summing exactly what was repeated is a multiplication.
            Op::Broadcast(kept) if node.shape.len() == kept.len() + axes.len() => axes
                .iter()
                .all(|axis| !kept.contains(axis))
                .then(|| Simpler::Scaled(node.inputs[0], count as f64)),
            _ => None,
        }
    }

    fn simplify_layout(&self, op: &Op, inputs: &[Id], shape: &[usize]) -> Option<Simpler> {
        let node = &self.nodes[*inputs.first()?];
        let identity = match op {
            Op::Reshape => node.shape == shape,
            Op::Broadcast(axes) => axes.len() == shape.len() && node.shape == shape,
            Op::Transpose(permutation) => permutation.iter().enumerate().all(|(i, axis)| i == *axis),
            Op::Slice(_) => node.shape == shape,
            Op::Pad(edges) => edges.iter().all(|edge| *edge == (0, 0)),
            Op::Concatenate(_) => inputs.len() == 1,
            _ => false,
        };
        if identity {
            return Some(Simpler::Known(inputs[0]));
        }
        match (op, &node.op) {
            (Op::Reshape, Op::Reshape) => Some(Simpler::Apply(Op::Reshape, node.inputs.clone())),
            (Op::Broadcast(axes), Op::Broadcast(inner)) => {
                let axes = inner.iter().map(|axis| axes[*axis]).collect();
                Some(Simpler::Apply(Op::Broadcast(axes), node.inputs.clone()))
            }
            (Op::Transpose(outer), Op::Transpose(inner)) => {
                let both = outer.iter().map(|axis| inner[*axis]).collect();
                Some(Simpler::Apply(Op::Transpose(both), node.inputs.clone()))
            }
            (Op::Reshape | Op::Slice(_) | Op::Transpose(_), _) => {
                self.uniform(inputs[0]).map(Simpler::Uniform)
            }
            _ => None,
        }
    }
}
