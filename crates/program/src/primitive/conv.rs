//! 2-D convolution and its two adjoints; the derivative of each is one of the three.
//!
//! y[n,i,j,o] = Σ x[n, i s₀ + u d₀ - t, j s₁ + v d₁ - l, c] w[u,v,c,o], zero outside the image: images
//! `[batch, height, width, in]`, weights `[kh, kw, in, out]`, stride s, dilation d, t rows and l columns of
//! padding.

use super::{Checked, require};
use crate::primitive::carry::{Carried, Rows};
use crate::shape::size;
use crate::value::Array;
use crate::{Kind, Op, Value, Var};

/// How a window moves over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Steps between windows: rows, columns.
    pub stride: [usize; 2],
    /// Zeros around the image: `[[top, bottom], [left, right]]`.
    pub padding: [[usize; 2]; 2],
    /// Steps within a window: rows, columns.
    pub dilation: [usize; 2],
}

impl Conv {
    /// Stride 1, and as much padding as keeps the size for an odd kernel of this extent.
    pub fn same(kernel: usize) -> Conv {
        let edge = [(kernel - 1) / 2, kernel / 2];
        Conv { stride: [1, 1], padding: [edge, edge], dilation: [1, 1] }
    }

    /// A stride in both directions with equal padding on all sides.
    pub fn strided(stride: usize, padding: usize) -> Conv {
        Conv { stride: [stride; 2], padding: [[padding; 2]; 2], dilation: [1, 1] }
    }

    /// The extent of the output along `axis` (0 rows, 1 columns), if the window fits.
    pub fn output_extent(&self, axis: usize, input: usize, kernel: usize) -> Option<usize> {
        let padded = input + self.padding[axis][0] + self.padding[axis][1];
        let window = self.dilation[axis] * kernel.checked_sub(1)? + 1;
        (self.stride[axis] > 0)
            .then(|| padded.checked_sub(window).map(|room| room / self.stride[axis] + 1))?
    }
}

/// Images, weights and output fit each other.
fn check_shapes(conv: &Conv, x: &[usize], w: &[usize], y: &[usize]) -> Checked {
    require(x.len() == 4 && w.len() == 4 && y.len() == 4, || {
        "images and weights have four axes: [batch, height, width, channels], [kh, kw, in, out]".into()
    })?;
    require(x[3] == w[2], || format!("the images have {} channels, the weights take {}", x[3], w[2]))?;
    let rows = conv.output_extent(0, x[1], w[0]);
    let columns = conv.output_extent(1, x[2], w[1]);
    let (Some(rows), Some(columns)) = (rows, columns) else {
        return Err(format!("a {}x{} window does not fit a {}x{} image", w[0], w[1], x[1], x[2]));
    };
    require(y == [x[0], rows, columns, w[3]], || format!("the output is {:?}", [x[0], rows, columns, w[3]]))?;
    Ok(Kind::Float)
}

fn floats(operands: &[(Kind, &[usize])]) -> Result<(), String> {
    require(operands.iter().all(|(kind, _)| *kind == Kind::Float), || "operands of the wrong kinds".into())
}

pub(crate) fn check_forward(conv: &Conv, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    floats(operands)?;
    check_shapes(conv, operands[0].1, operands[1].1, shape)
}

pub(crate) fn check_input_gradient(conv: &Conv, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    floats(operands)?;
    check_shapes(conv, shape, operands[1].1, operands[0].1)
}

pub(crate) fn check_weight_gradient(conv: &Conv, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    floats(operands)?;
    check_shapes(conv, operands[0].1, shape, operands[1].1)
}

/// Calls `visit` with the positions of (output, input, weight) in every product of the convolution.
fn for_each_product(
    conv: &Conv,
    x: &[usize],
    w: &[usize],
    y: &[usize],
    mut visit: impl FnMut(usize, usize, usize),
) {
    for n in 0..y[0] {
        for (i, j) in (0..y[1]).flat_map(|i| (0..y[2]).map(move |j| (i, j))) {
            for (u, v) in (0..w[0]).flat_map(|u| (0..w[1]).map(move |v| (u, v))) {
                let row = (i * conv.stride[0] + u * conv.dilation[0]).checked_sub(conv.padding[0][0]);
                let column = (j * conv.stride[1] + v * conv.dilation[1]).checked_sub(conv.padding[1][0]);
                let (Some(row), Some(column)) = (row, column) else { continue };
                if row >= x[1] || column >= x[2] {
                    continue;
                }
                for (c, o) in (0..w[2]).flat_map(|c| (0..w[3]).map(move |o| (c, o))) {
                    let output = ((n * y[1] + i) * y[2] + j) * y[3] + o;
                    let input = ((n * x[1] + row) * x[2] + column) * x[3] + c;
                    visit(output, input, ((u * w[1] + v) * w[2] + c) * w[3] + o);
                }
            }
        }
    }
}

pub(crate) fn reference_forward(conv: &Conv, operands: &[Array], shape: &[usize]) -> Value {
    let x = operands[0].floats();
    let w = operands[1].floats();
    let mut y = vec![0.0; size(shape)];
    for_each_product(conv, operands[0].shape, operands[1].shape, shape, |o, i, k| y[o] += x[i] * w[k]);
    Value::Float(y)
}

pub(crate) fn reference_input_gradient(conv: &Conv, operands: &[Array], shape: &[usize]) -> Value {
    let dy = operands[0].floats();
    let w = operands[1].floats();
    let mut dx = vec![0.0; size(shape)];
    for_each_product(conv, shape, operands[1].shape, operands[0].shape, |o, i, k| dx[i] += dy[o] * w[k]);
    Value::Float(dx)
}

pub(crate) fn reference_weight_gradient(conv: &Conv, operands: &[Array], shape: &[usize]) -> Value {
    let x = operands[0].floats();
    let dy = operands[1].floats();
    let mut dw = vec![0.0; size(shape)];
    for_each_product(conv, operands[0].shape, shape, operands[1].shape, |o, i, k| dw[k] += dy[o] * x[i]);
    Value::Float(dw)
}

/// <ȳ, conv(x, w)> = <input_gradient(ȳ, w), x> = <weight_gradient(x, ȳ), w>.
pub(crate) fn transpose_forward<'s>(
    conv: &Conv,
    inputs: &[Var<'s>],
    linear: &[bool],
    cotangent: Var<'s>,
) -> Vec<Option<Var<'s>>> {
    let x = inputs[0];
    let w = inputs[1];
    let for_x = linear[0].then(|| cotangent.conv2d_input_gradient(w, *conv, &x.shape()));
    vec![for_x, linear[1].then(|| x.conv2d_weight_gradient(cotangent, *conv, &w.shape()))]
}

/// <x̄, input_gradient(ȳ, w)> = <conv(x̄, w), ȳ> = <weight_gradient(x̄, ȳ), w>.
pub(crate) fn transpose_input_gradient<'s>(
    conv: &Conv,
    inputs: &[Var<'s>],
    linear: &[bool],
    cotangent: Var<'s>,
) -> Vec<Option<Var<'s>>> {
    let dy = inputs[0];
    let w = inputs[1];
    let for_dy = linear[0].then(|| cotangent.conv2d(w, *conv));
    vec![for_dy, linear[1].then(|| cotangent.conv2d_weight_gradient(dy, *conv, &w.shape()))]
}

/// <w̄, weight_gradient(x, ȳ)> = <input_gradient(ȳ, w̄), x> = <conv(x, w̄), ȳ>.
pub(crate) fn transpose_weight_gradient<'s>(
    conv: &Conv,
    inputs: &[Var<'s>],
    linear: &[bool],
    cotangent: Var<'s>,
) -> Vec<Option<Var<'s>>> {
    let x = inputs[0];
    let dy = inputs[1];
    let for_x = linear[0].then(|| dy.conv2d_input_gradient(cotangent, *conv, &x.shape()));
    vec![for_x, linear[1].then(|| x.conv2d(cotangent, *conv))]
}

/// The convolution, or its adjoint in the images, of what is carried beside the images: tangents are more
/// images.
pub(crate) fn carry<'s>(
    op: &Op,
    rows: Rows,
    inputs: &[Var<'s>],
    output: Var<'s>,
    carried: &[Option<Carried<'s>>],
) -> Result<Carried<'s>, String> {
    require(carried[1].is_none(), || "its weights vary with x, and all rows share them".into())?;
    let carried = carried[0].ok_or("nothing varies")?;
    let from = inputs[0].shape();
    let to = output.shape();
    let shape = carried.with_row(&rows.row(&to)?);
    let images = size(&shape) / size(&to[1..]).max(1);
    let stacked = carried.var.reshape(&[&[images], &from[1..]].concat());
    let applied = output.scope().apply(op.clone(), &[stacked, inputs[1]], &[&[images], &to[1..]].concat());
    Ok(Carried { var: applied.reshape(&shape), ..carried })
}
