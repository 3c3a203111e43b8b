//! The primitives, and where each one's rules stand.

use crate::primitive::arithmetic::{Binary, Compare, Logic, Unary};
use crate::primitive::carry::{Carried, Rows};
use crate::primitive::conv::Conv;
use crate::primitive::random::Distribution;
use crate::primitive::{arithmetic, conv, gather, layout, linalg, matmul, random, reduce, source};
use crate::shape::{Kind, ShapeError};
use crate::value::{Array, Value};
use crate::var::Var;

/// A primitive with its static attributes. Shapes are row-major; images are
/// `[batch, height, width, channels]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A value passed by the caller: the position among the program's inputs.
    Input(usize),
    /// The perturbation of a variable while a derivative is taken; never part of a finished program.
    Tangent(usize),
    /// A scalar: the bits of its f64.
    Constant(u64),
    /// A table of values: the bits of their f64.
    Table(std::sync::Arc<[u64]>),
    /// Positions along an axis, as indices.
    Iota(usize),
    /// A function of each element.
    Unary(Unary),
    /// A function of two elements at the same place.
    Binary(Binary),
    /// A comparison of two elements at the same place.
    Compare(Compare),
    /// A truth function of two elements at the same place.
    Logic(Logic),
    /// Negation of a truth value.
    Not,
    /// Whether an element is neither infinite nor NaN.
    IsFinite,
    /// The first operand chooses between the second (true) and the third.
    Select,
    /// An index or a truth value as a float.
    ToFloat,
    /// The identity, through which no derivative passes.
    StopGradient,
    /// The sum over axes, which disappear.
    Sum(Vec<usize>),
    /// The maximum over axes, which disappear.
    Max(Vec<usize>),
    /// The same elements in another shape.
    Reshape,
    /// Repetition: axis i of the operand is axis `axes[i]` of the result.
    Broadcast(Vec<usize>),
    /// Axis i of the result is axis `permutation[i]` of the operand.
    Transpose(Vec<usize>),
    /// From `start[i]` up to, not including, `start[i]` + the result's extent.
    Slice(Vec<usize>),
    /// Zeros before and after: (low, high) for each axis.
    Pad(Vec<(usize, usize)>),
    /// Operands side by side along an axis.
    Concatenate(usize),
    /// The product of matrices `[.., m, k]` and `[.., k, n]`, each stored transposed if its flag is set.
    MatMul {
        /// The first operand is stored as `[.., k, m]`.
        transpose_a: bool,
        /// The second operand is stored as `[.., n, k]`.
        transpose_b: bool,
    },
    /// 2-D convolution of images with weights `[kh, kw, in, out]`.
    Conv2d(Conv),
    /// The adjoint of a convolution in the images: operands are the output's cotangent and the weights.
    Conv2dInputGradient(Conv),
    /// The adjoint of a convolution in the weights: operands are the images and the output's cotangent.
    Conv2dWeightGradient(Conv),
    /// Rows of the first operand, chosen by the indices in the second.
    Gather,
    /// Zeros `[rows, ..]` to which row i of the second operand is added at the index i of the first.
    ScatterAdd,
    /// The lower triangular L with A = L L', for `[.., n, n]`.
    Cholesky,
    /// X with L X = B, or L' X = B, for lower triangular L `[.., n, n]` and B `[.., n, m]`.
    TriangularSolve {
        /// Solve with L' instead of L.
        transpose: bool,
    },
    /// Independent draws: the operand is the key; rows are the first axis.
    Random(Distribution, u32),
}

/// Primitives without operands, as a pattern. Each match over primitives names all of them by these patterns
/// and by name, so that a new one does not compile before every rule says what holds for it.
macro_rules! source {
    () => {
        Op::Input(_) | Op::Tangent(_) | Op::Constant(_) | Op::Table(_) | Op::Iota(_)
    };
}

/// Primitives that work element by element, as a pattern.
macro_rules! elementwise {
    () => {
        Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Logic(_)
            | Op::Not
            | Op::IsFinite
            | Op::Select
            | Op::ToFloat
            | Op::StopGradient
    };
}

/// Primitives that put the same elements elsewhere, as a pattern.
macro_rules! layout {
    () => {
        Op::Reshape | Op::Broadcast(_) | Op::Transpose(_) | Op::Slice(_) | Op::Pad(_) | Op::Concatenate(_)
    };
}

impl Op {
    /// The field's name of the primitive, for error messages and profiles.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input(_) => "input",
            Op::Tangent(_) => "tangent",
            Op::Constant(_) => "constant",
            Op::Table(_) => "table",
            Op::Iota(_) => "iota",
            Op::Unary(function) => function.name(),
            Op::Binary(function) => function.name(),
            Op::Compare(function) => function.name(),
            Op::Logic(function) => function.name(),
            Op::Not => "not",
            Op::IsFinite => "is_finite",
            Op::Select => "select",
            Op::ToFloat => "to_float",
            Op::StopGradient => "stop_gradient",
            Op::Sum(_) => "sum",
            Op::Max(_) => "max",
            Op::Reshape => "reshape",
            Op::Broadcast(_) => "broadcast",
            Op::Transpose(_) => "transpose",
            Op::Slice(_) => "slice",
            Op::Pad(_) => "pad",
            Op::Concatenate(_) => "concatenate",
            Op::MatMul { .. } => "matmul",
            Op::Conv2d(_) => "conv2d",
            Op::Conv2dInputGradient(_) => "conv2d_input_gradient",
            Op::Conv2dWeightGradient(_) => "conv2d_weight_gradient",
            Op::Gather => "gather",
            Op::ScatterAdd => "scatter_add",
            Op::Cholesky => "cholesky",
            Op::TriangularSolve { .. } => "triangular_solve",
            Op::Random(..) => "random",
        }
    }

    /// Whether the primitive works element by element, so that an executor can fuse it with its neighbours.
    pub fn is_elementwise(&self) -> bool {
        matches!(self, elementwise!())
    }

    /// Checks operands (kind and shape) against the shape asked for: the shape rule.
    pub(crate) fn check(&self, operands: &[(Kind, &[usize])], shape: &[usize]) -> Result<Kind, ShapeError> {
        let kind = match self {
            source!() => source::check(self, operands, shape),
            elementwise!() => arithmetic::check(self, operands, shape),
            Op::Sum(_) | Op::Max(_) => reduce::check(self, operands, shape),
            Op::MatMul { transpose_a, transpose_b } => {
                matmul::check(*transpose_a, *transpose_b, operands, shape)
            }
            Op::Conv2d(c) => conv::check_forward(c, operands, shape),
            Op::Conv2dInputGradient(c) => conv::check_input_gradient(c, operands, shape),
            Op::Conv2dWeightGradient(c) => conv::check_weight_gradient(c, operands, shape),
            Op::Gather => gather::check_gather(operands, shape),
            Op::ScatterAdd => gather::check_scatter(operands, shape),
            Op::Cholesky | Op::TriangularSolve { .. } => linalg::check(self, operands, shape),
            Op::Random(distribution, _) => random::check(*distribution, operands, shape),
            layout!() => layout::check(self, operands, shape),
        };
        kind.map_err(|reason| {
            let shapes: Vec<_> = operands.iter().map(|(kind, shape)| format!("{kind:?} {shape:?}")).collect();
            ShapeError(format!("{} of ({}) into {shape:?}: {reason}", self.name(), shapes.join(", ")))
        })
    }

    /// The value in double precision: the reference that executors are tested against.
    pub fn reference(&self, operands: &[Array], shape: &[usize]) -> Value {
        match self {
            source!() => source::reference(self, shape),
            elementwise!() => arithmetic::reference(self, operands),
            Op::Sum(axes) | Op::Max(axes) => reduce::reference(self, axes, &operands[0], shape),
            Op::MatMul { transpose_a, transpose_b } => {
                matmul::reference(*transpose_a, *transpose_b, operands, shape)
            }
            Op::Conv2d(c) => conv::reference_forward(c, operands, shape),
            Op::Conv2dInputGradient(c) => conv::reference_input_gradient(c, operands, shape),
            Op::Conv2dWeightGradient(c) => conv::reference_weight_gradient(c, operands, shape),
            Op::Gather => gather::reference_gather(operands),
            Op::ScatterAdd => gather::reference_scatter(operands, shape),
            Op::Cholesky => linalg::reference_cholesky(&operands[0]),
            Op::TriangularSolve { transpose } => linalg::reference_solve(*transpose, operands),
            Op::Random(distribution, stream) => {
                random::reference(*distribution, *stream, &operands[0], shape)
            }
            layout!() => layout::reference(self, operands, shape),
        }
    }

    /// The derivative of the value along `tangents` (None = does not vary): the JVP rule.
    pub(crate) fn jvp<'s>(
        &self,
        inputs: &[Var<'s>],
        output: Var<'s>,
        tangents: &[Option<Var<'s>>],
    ) -> Option<Var<'s>> {
        if tangents.iter().all(Option::is_none) {
            return None;
        }
        match self {
            source!() | Op::Random(..) => None,
            elementwise!() => arithmetic::jvp(self, inputs, output, tangents),
            Op::Max(axes) => reduce::jvp_max(axes, inputs[0], output, tangents[0]?),
            Op::MatMul { .. } | Op::Conv2d(_) | Op::Conv2dInputGradient(_) | Op::Conv2dWeightGradient(_) => {
                bilinear_jvp(self, inputs, output, tangents)
            }
            Op::Cholesky => Some(linalg::jvp_cholesky(output, tangents[0]?)),
            Op::TriangularSolve { transpose } => linalg::jvp_solve(*transpose, inputs, output, tangents),
            Op::Sum(_) | Op::Gather | Op::ScatterAdd | layout!() => {
                Some(linear_jvp(self, inputs, output, tangents))
            }
        }
    }

    /// The derivative along tangents that stand on an axis of their own after the batch, for a primitive that
    /// is linear in the operands that vary or in each of them; or, without that axis, along one tangent. An
    /// error says why the primitive mixes rows, or has no such rule.
    pub(crate) fn carry<'s>(
        &self,
        rows: Rows,
        inputs: &[Var<'s>],
        output: Var<'s>,
        carried: &[Option<Carried<'s>>],
    ) -> Result<Carried<'s>, String> {
        match self {
            Op::Sum(axes) | Op::Max(axes) => reduce::carry(self, axes, rows, inputs[0], output, carried[0]),
            Op::MatMul { transpose_a, transpose_b } => {
                matmul::carry(*transpose_a, *transpose_b, rows, inputs, carried)
            }
            Op::Conv2d(_) | Op::Conv2dInputGradient(_) => conv::carry(self, rows, inputs, output, carried),
            Op::Conv2dWeightGradient(_) => Err("it sums over the batch".into()),
            Op::Gather => gather::carry(inputs[1], inputs[0], carried[0]),
            Op::ScatterAdd => gather::carry(inputs[0], output, carried[1]),
            Op::TriangularSolve { transpose } => linalg::carry_solve(*transpose, rows, inputs, carried),
            Op::Cholesky => Err("there is no rule for a matrix that varies with x".into()),
            layout!() => layout::carry(self, rows, inputs, output, carried),
            source!() | elementwise!() | Op::Random(..) => Err("it is not linear in what varies".into()),
        }
    }

    /// Cotangents of the operands that the value is linear in (`linear`), given its own: the transpose rule.
    pub(crate) fn transpose<'s>(
        &self,
        inputs: &[Var<'s>],
        linear: &[bool],
        cotangent: Var<'s>,
    ) -> Vec<Option<Var<'s>>> {
        match self {
            elementwise!() => arithmetic::transpose(self, inputs, linear, cotangent),
            Op::Sum(axes) => vec![Some(reduce::transpose_sum(axes, inputs[0], cotangent))],
            Op::MatMul { transpose_a, transpose_b } => {
                matmul::transpose(*transpose_a, *transpose_b, inputs, linear, cotangent)
            }
            Op::Conv2d(c) => conv::transpose_forward(c, inputs, linear, cotangent),
            Op::Conv2dInputGradient(c) => conv::transpose_input_gradient(c, inputs, linear, cotangent),
            Op::Conv2dWeightGradient(c) => conv::transpose_weight_gradient(c, inputs, linear, cotangent),
            Op::Gather => vec![Some(cotangent.scatter_add(inputs[1], inputs[0].shape()[0])), None],
            Op::ScatterAdd => vec![None, Some(cotangent.gather(inputs[0]))],
            Op::TriangularSolve { transpose } => {
                vec![None, Some(inputs[0].triangular_solve(cotangent, !transpose))]
            }
            layout!() => layout::transpose(self, inputs, cotangent),
            // Their derivatives are made of other primitives, or there are none.
            source!() | Op::Max(_) | Op::Cholesky | Op::Random(..) => vec![None; inputs.len()],
        }
    }
}

/// d op(a, b) = op(da, b) + op(a, db).
fn bilinear_jvp<'s>(
    op: &Op,
    inputs: &[Var<'s>],
    output: Var<'s>,
    tangents: &[Option<Var<'s>>],
) -> Option<Var<'s>> {
    let apply = |a: Var<'s>, b: Var<'s>| output.scope().apply(op.clone(), &[a, b], &output.shape());
    match (tangents[0], tangents[1]) {
        (Some(da), Some(db)) => Some(apply(da, inputs[1]) + apply(inputs[0], db)),
        (Some(da), None) => Some(apply(da, inputs[1])),
        (None, Some(db)) => Some(apply(inputs[0], db)),
        (None, None) => None,
    }
}

/// A primitive that is linear in all its float operands together: the same primitive of the tangents.
fn linear_jvp<'s>(op: &Op, inputs: &[Var<'s>], output: Var<'s>, tangents: &[Option<Var<'s>>]) -> Var<'s> {
    let operands: Vec<_> = inputs
        .iter()
        .zip(tangents)
        .map(|(input, tangent)| match tangent {
            Some(tangent) => *tangent,
            None if input.kind() == Kind::Float => input.zeros_like(),
            None => *input,
        })
        .collect();
    output.scope().apply(op.clone(), &operands, &output.shape())
}
