//! A symbolic variable: what models and objectives compute with.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::op::Op;
use crate::primitive::arithmetic::{Binary, Compare, Logic, Unary};
use crate::primitive::conv::Conv;
use crate::primitive::random::Distribution;
use crate::primitive::reduce::remaining;
use crate::program::Id;
use crate::scope::Scope;
use crate::shape::Kind;

/// A value of the graph that a [`Scope`] grows. Arithmetic broadcasts as NumPy does: shapes are aligned at
/// their last axes, and an extent of 1 is repeated. A mistake is recorded in the scope and reported by
/// [`Scope::finish`].
#[derive(Clone, Copy)]
pub struct Var<'s> {
    pub(crate) scope: &'s Scope,
    pub(crate) id: Id,
}

impl<'s> Var<'s> {
    /// The graph that the value belongs to.
    pub fn scope(self) -> &'s Scope {
        self.scope
    }

    /// The extents of its axes.
    pub fn shape(self) -> Vec<usize> {
        self.scope.graph.borrow().nodes[self.id].shape.clone()
    }

    /// The kind of its elements.
    pub fn kind(self) -> Kind {
        self.scope.graph.borrow().nodes[self.id].kind
    }

    /// The extent of `axis`; 0 where there is none (a mistake that the next application reports).
    pub fn extent(self, axis: usize) -> usize {
        self.shape().get(axis).copied().unwrap_or(0)
    }

    /// The primitive that gives the value, and its operands.
    pub(crate) fn application(self) -> (Op, Vec<Var<'s>>) {
        let graph = self.scope.graph.borrow();
        let node = &graph.nodes[self.id];
        (node.op.clone(), node.inputs.iter().map(|id| Var { scope: self.scope, id: *id }).collect())
    }

    fn refuse(self, what: &str) -> Var<'s> {
        self.scope.fail(format!("{what} of a value of shape {:?}", self.shape()))
    }

    fn unary(self, function: Unary) -> Var<'s> {
        self.scope.apply(Op::Unary(function), &[self], &self.shape())
    }

    /// Applies an element-by-element primitive after broadcasting the operands to each other.
    fn elementwise(op: Op, operands: &[Var<'s>]) -> Var<'s> {
        let scope = operands[0].scope;
        let mut shape: Vec<usize> = Vec::new();
        for operand in operands {
            match broadcast_shapes(&shape, &operand.shape()) {
                Some(joint) => shape = joint,
                None => {
                    let shapes: Vec<_> = operands.iter().map(|operand| operand.shape()).collect();
                    return scope.fail(format!("{} of shapes {shapes:?}: they don't broadcast", op.name()));
                }
            }
        }
        let operands: Vec<_> = operands.iter().map(|operand| operand.broadcast_to(&shape)).collect();
        scope.apply(op, &operands, &shape)
    }

    fn binary(self, function: Binary, other: Var<'s>) -> Var<'s> {
        Var::elementwise(Op::Binary(function), &[self, other])
    }

    /// e^x
    pub fn exp(self) -> Var<'s> {
        self.unary(Unary::Exp)
    }

    /// ln x
    pub fn log(self) -> Var<'s> {
        self.unary(Unary::Log)
    }

    /// √x
    pub fn sqrt(self) -> Var<'s> {
        self.unary(Unary::Sqrt)
    }

    /// tanh x
    pub fn tanh(self) -> Var<'s> {
        self.unary(Unary::Tanh)
    }

    /// 1 / (1 + e^-x)
    pub fn sigmoid(self) -> Var<'s> {
        self.unary(Unary::Sigmoid)
    }

    /// ln(1 + e^x)
    pub fn softplus(self) -> Var<'s> {
        self.unary(Unary::Softplus)
    }

    /// x σ(x), with σ(x) = 1 / (1 + e^-x) (Elfwing, Uchibe and Doya 2018, eq. 13)
    pub fn silu(self) -> Var<'s> {
        self.unary(Unary::Silu)
    }

    /// σ(x) (1 + x (1 - σ(x))), the derivative of [`Var::silu`]
    pub fn silu_slope(self) -> Var<'s> {
        self.unary(Unary::SiluSlope)
    }

    /// sin x
    pub fn sin(self) -> Var<'s> {
        self.unary(Unary::Sin)
    }

    /// cos x
    pub fn cos(self) -> Var<'s> {
        self.unary(Unary::Cos)
    }

    /// |x|
    pub fn abs(self) -> Var<'s> {
        self.unary(Unary::Abs)
    }

    /// -1, 0 or 1
    pub fn sign(self) -> Var<'s> {
        self.unary(Unary::Sign)
    }

    /// The larger of two values.
    pub fn maximum(self, other: Var<'s>) -> Var<'s> {
        self.binary(Binary::Maximum, other)
    }

    /// The smaller of two values.
    pub fn minimum(self, other: Var<'s>) -> Var<'s> {
        self.binary(Binary::Minimum, other)
    }

    /// Whether self < other.
    pub fn less(self, other: Var<'s>) -> Var<'s> {
        Var::elementwise(Op::Compare(Compare::Less), &[self, other])
    }

    /// Whether self ≤ other.
    pub fn less_equal(self, other: Var<'s>) -> Var<'s> {
        Var::elementwise(Op::Compare(Compare::LessEqual), &[self, other])
    }

    /// Whether self = other.
    pub fn equal(self, other: Var<'s>) -> Var<'s> {
        Var::elementwise(Op::Compare(Compare::Equal), &[self, other])
    }

    /// Whether both are true.
    pub fn and(self, other: Var<'s>) -> Var<'s> {
        Var::elementwise(Op::Logic(Logic::And), &[self, other])
    }

    /// Whether one is true.
    pub fn or(self, other: Var<'s>) -> Var<'s> {
        Var::elementwise(Op::Logic(Logic::Or), &[self, other])
    }

    /// Whether it is false.
    #[allow(clippy::should_implement_trait)]
    pub fn not(self) -> Var<'s> {
        self.scope.apply(Op::Not, &[self], &self.shape())
    }

    /// Whether each element is neither infinite nor NaN.
    pub fn is_finite(self) -> Var<'s> {
        self.scope.apply(Op::IsFinite, &[self], &self.shape())
    }

    /// `yes` where self is true, else `no`.
    pub fn select(self, yes: Var<'s>, no: Var<'s>) -> Var<'s> {
        Var::elementwise(Op::Select, &[self, yes, no])
    }

    /// An index or a truth value as a float.
    pub fn to_float(self) -> Var<'s> {
        self.scope.apply(Op::ToFloat, &[self], &self.shape())
    }

    /// The value, taken for a constant by derivatives.
    pub fn stop_gradient(self) -> Var<'s> {
        self.scope.apply(Op::StopGradient, &[self], &self.shape())
    }

    /// The constant `value` in this shape.
    pub fn full_like(self, value: f64) -> Var<'s> {
        self.scope.constant(value).broadcast_to(&self.shape())
    }

    /// Zeros in this shape.
    pub fn zeros_like(self) -> Var<'s> {
        self.full_like(0.0)
    }

    /// The sum over increasing `axes`, which disappear.
    pub fn sum(self, axes: &[usize]) -> Var<'s> {
        self.scope.apply(Op::Sum(axes.to_vec()), &[self], &remaining(&self.shape(), axes))
    }

    /// The maximum over increasing `axes`, which disappear.
    pub fn max(self, axes: &[usize]) -> Var<'s> {
        self.scope.apply(Op::Max(axes.to_vec()), &[self], &remaining(&self.shape(), axes))
    }

    /// The sum of all elements.
    pub fn sum_all(self) -> Var<'s> {
        self.sum(&(0..self.shape().len()).collect::<Vec<_>>())
    }

    /// The same elements in another shape.
    pub fn reshape(self, shape: &[usize]) -> Var<'s> {
        self.scope.apply(Op::Reshape, &[self], shape)
    }

    /// Repetition in the sense of NumPy: aligned at the last axes.
    pub fn broadcast_to(self, shape: &[usize]) -> Var<'s> {
        let own = self.shape();
        if own == shape {
            return self;
        }
        if broadcast_shapes(&own, shape).as_deref() != Some(shape) {
            return self.refuse(&format!("broadcast to {shape:?}"));
        }
        let offset = shape.len() - own.len();
        let kept: Vec<usize> = (0..own.len()).filter(|axis| own[*axis] == shape[axis + offset]).collect();
        let extents: Vec<usize> = kept.iter().map(|axis| own[*axis]).collect();
        let axes: Vec<usize> = kept.iter().map(|axis| axis + offset).collect();
        self.reshape(&extents).broadcast_axes(shape, &axes)
    }

    /// Repetition: axis i becomes axis `axes[i]` of `shape`.
    pub fn broadcast_axes(self, shape: &[usize], axes: &[usize]) -> Var<'s> {
        self.scope.apply(Op::Broadcast(axes.to_vec()), &[self], shape)
    }

    /// Axis i of the result is axis `permutation[i]` of self.
    pub fn transpose(self, permutation: &[usize]) -> Var<'s> {
        let shape: Vec<usize> = permutation.iter().map(|axis| self.extent(*axis)).collect();
        self.scope.apply(Op::Transpose(permutation.to_vec()), &[self], &shape)
    }

    /// Matrices transposed: the last two axes change places.
    pub fn swap_last_axes(self) -> Var<'s> {
        let rank = self.shape().len();
        if rank < 2 {
            return self.refuse("transposed matrix");
        }
        let mut permutation: Vec<usize> = (0..rank).collect();
        permutation.swap(rank - 1, rank - 2);
        self.transpose(&permutation)
    }

    /// Positions `start..end` of `axis`.
    pub fn slice(self, axis: usize, start: usize, end: usize) -> Var<'s> {
        let mut shape = self.shape();
        if axis >= shape.len() || start > end || end > shape[axis] {
            return self.refuse(&format!("slice {start}..{end} along axis {axis}"));
        }
        shape[axis] = end - start;
        let starts: Vec<usize> = (0..shape.len()).map(|i| if i == axis { start } else { 0 }).collect();
        self.slice_block(&starts, &shape)
    }

    /// The block of extents `shape` that begins at `start`.
    pub fn slice_block(self, start: &[usize], shape: &[usize]) -> Var<'s> {
        self.scope.apply(Op::Slice(start.to_vec()), &[self], shape)
    }

    /// Zeros before and after each axis: (low, high).
    pub fn pad(self, edges: &[(usize, usize)]) -> Var<'s> {
        let shape: Vec<usize> =
            self.shape().iter().zip(edges).map(|(extent, (l, h))| l + extent + h).collect();
        self.scope.apply(Op::Pad(edges.to_vec()), &[self], &shape)
    }

    /// Self and `others` side by side along `axis`.
    pub fn concatenate(self, others: &[Var<'s>], axis: usize) -> Var<'s> {
        let mut shape = self.shape();
        if axis >= shape.len() {
            return self.refuse(&format!("concatenation along axis {axis}"));
        }
        shape[axis] += others.iter().map(|other| other.extent(axis)).sum::<usize>();
        let operands: Vec<_> = std::iter::once(self).chain(others.iter().copied()).collect();
        self.scope.apply(Op::Concatenate(axis), &operands, &shape)
    }

    /// The product of matrices `[.., m, k]` and `[.., k, n]`.
    pub fn matmul(self, other: Var<'s>) -> Var<'s> {
        self.matmul_with(other, false, false)
    }

    /// The product of matrices, each stored transposed if flagged.
    pub fn matmul_with(self, other: Var<'s>, transpose_a: bool, transpose_b: bool) -> Var<'s> {
        let mut shape = self.shape();
        let right = other.shape();
        let rank = shape.len();
        if rank < 2 || right.len() < 2 {
            return self.refuse(&format!("product with a value of shape {right:?}"));
        }
        shape[rank - 2] = shape[if transpose_a { rank - 1 } else { rank - 2 }];
        shape[rank - 1] = right[if transpose_b { right.len() - 2 } else { right.len() - 1 }];
        self.scope.apply(Op::MatMul { transpose_a, transpose_b }, &[self, other], &shape)
    }

    /// 2-D convolution of images `[batch, height, width, in]` with weights `[kh, kw, in, out]`.
    pub fn conv2d(self, weights: Var<'s>, conv: Conv) -> Var<'s> {
        let x = self.shape();
        let w = weights.shape();
        if x.len() != 4 || w.len() != 4 {
            return self.refuse(&format!("convolution with weights of shape {w:?}"));
        }
        // An image that the window does not fit gives an empty output, which the shape rule refuses.
        let extent = |axis: usize| conv.output_extent(axis, x[axis + 1], w[axis]).unwrap_or(0);
        self.scope.apply(Op::Conv2d(conv), &[self, weights], &[x[0], extent(0), extent(1), w[3]])
    }

    /// The adjoint of [`Var::conv2d`] in the images, for images of this `shape`; self is the output's
    /// cotangent.
    pub fn conv2d_input_gradient(self, weights: Var<'s>, conv: Conv, shape: &[usize]) -> Var<'s> {
        self.scope.apply(Op::Conv2dInputGradient(conv), &[self, weights], shape)
    }

    /// The adjoint of [`Var::conv2d`] in the weights, for weights of this `shape`; self is the images.
    pub fn conv2d_weight_gradient(self, cotangent: Var<'s>, conv: Conv, shape: &[usize]) -> Var<'s> {
        self.scope.apply(Op::Conv2dWeightGradient(conv), &[self, cotangent], shape)
    }

    /// Rows of self `[rows, ..]` at `indices` `[n]`. An index outside reads the nearest row.
    pub fn gather(self, indices: Var<'s>) -> Var<'s> {
        let mut shape = self.shape();
        match shape.first_mut() {
            Some(rows) => *rows = indices.extent(0),
            None => return self.refuse("rows"),
        }
        self.scope.apply(Op::Gather, &[self, indices], &shape)
    }

    /// Zeros `[rows, ..]` with row i of self `[n, ..]` added at `indices[i]`: the adjoint of [`Var::gather`].
    pub fn scatter_add(self, indices: Var<'s>, rows: usize) -> Var<'s> {
        let mut shape = self.shape();
        match shape.first_mut() {
            Some(extent) => *extent = rows,
            None => return self.refuse("rows"),
        }
        self.scope.apply(Op::ScatterAdd, &[indices, self], &shape)
    }

    /// The lower triangular L with self = L L', for `[.., n, n]`. Only the lower triangle of self is read;
    /// NaN where self is not positive definite.
    pub fn cholesky(self) -> Var<'s> {
        self.scope.apply(Op::Cholesky, &[self], &self.shape())
    }

    /// X with self X = `right`, or self' X = `right`; self is lower triangular.
    pub fn triangular_solve(self, right: Var<'s>, transpose: bool) -> Var<'s> {
        self.scope.apply(Op::TriangularSolve { transpose }, &[self, right], &right.shape())
    }

    fn random(self, distribution: Distribution, shape: &[usize]) -> Var<'s> {
        let stream = self.scope.fresh_stream();
        self.scope.apply(Op::Random(distribution, stream), &[self], shape)
    }

    /// Standard normal numbers; self is the key. Every call is a stream of its own.
    pub fn normal(self, shape: &[usize]) -> Var<'s> {
        self.random(Distribution::Normal, shape)
    }

    /// Uniform numbers in (0, 1); self is the key.
    pub fn uniform(self, shape: &[usize]) -> Var<'s> {
        self.random(Distribution::Uniform, shape)
    }

    /// Numbers -1 and +1; self is the key.
    pub fn rademacher(self, shape: &[usize]) -> Var<'s> {
        self.random(Distribution::Rademacher, shape)
    }

    /// Indices below `bound`; self is the key.
    pub fn random_index(self, bound: u32, shape: &[usize]) -> Var<'s> {
        self.random(Distribution::Index(bound), shape)
    }
}

/// The shape that both shapes broadcast to, if there is one.
fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    let join = |axis: usize| match (extent(a, axis), extent(b, axis)) {
        (x, y) if x == y => Some(x),
        (1, y) => Some(y),
        (x, 1) => Some(x),
        _ => None,
    };
    (0..rank).map(join).collect()
}

macro_rules! operator {
    ($trait:ident, $method:ident, $function:expr) => {
        impl<'s> $trait for Var<'s> {
            type Output = Var<'s>;
            fn $method(self, other: Var<'s>) -> Var<'s> {
                self.binary($function, other)
            }
        }
        impl<'s> $trait<f64> for Var<'s> {
            type Output = Var<'s>;
            fn $method(self, other: f64) -> Var<'s> {
                self.binary($function, self.scope.constant(other))
            }
        }
        impl<'s> $trait<Var<'s>> for f64 {
            type Output = Var<'s>;
            fn $method(self, other: Var<'s>) -> Var<'s> {
                other.scope.constant(self).binary($function, other)
            }
        }
    };
}
operator!(Add, add, Binary::Add);
operator!(Sub, sub, Binary::Sub);
operator!(Mul, mul, Binary::Mul);
operator!(Div, div, Binary::Div);

impl<'s> Neg for Var<'s> {
    type Output = Var<'s>;
    fn neg(self) -> Var<'s> {
        self.unary(Unary::Neg)
    }
}
