//! Sums and maxima over axes.

use super::{Checked, require};
use crate::primitive::carry::{Carried, Rows};
use crate::shape::{for_each_index, size, strides};
use crate::value::Array;
use crate::{Kind, Op, Value, Var};

/// Axes are increasing and exist; the value has the other axes.
pub(crate) fn check(op: &Op, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    let (Op::Sum(axes) | Op::Max(axes)) = op else { return Err("not a reduction".into()) };
    let (kind, operand) = operands[0];
    require(kind == Kind::Float, || "only floats are reduced".into())?;
    let increasing = axes.windows(2).all(|pair| pair[0] < pair[1]);
    require(increasing && axes.iter().all(|axis| *axis < operand.len()), || {
        format!("axes {axes:?} are not increasing axes of the operand")
    })?;
    require(remaining(operand, axes) == shape, || "the value has the other axes".into())?;
    let empty = axes.iter().any(|axis| operand[*axis] == 0);
    require(!(matches!(op, Op::Max(_)) && empty), || "there is no maximum of nothing".into())?;
    Ok(Kind::Float)
}

/// The extents that are left when `axes` disappear.
pub(crate) fn remaining(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, extent)| *extent).collect()
}

pub(crate) fn reference(op: &Op, axes: &[usize], operand: &Array, shape: &[usize]) -> Value {
    let is_max = matches!(op, Op::Max(_));
    let mut out = vec![if is_max { f64::NEG_INFINITY } else { 0.0 }; size(shape)];
    let out_strides = strides(shape);
    let mut position = 0;
    for_each_index(operand.shape, |index| {
        let kept = index.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, i)| i);
        let target: usize = kept.zip(&out_strides).map(|(i, stride)| i * stride).sum();
        let x = operand.floats()[position];
        position += 1;
        out[target] = if !is_max {
            out[target] + x
        } else if x.is_nan() || out[target].is_nan() {
            f64::NAN
        } else {
            out[target].max(x)
        };
    });
    Value::Float(out)
}

/// d max x = Σ dx [x = max] / number of maxima.
pub(crate) fn jvp_max<'s>(axes: &[usize], x: Var<'s>, max: Var<'s>, dx: Var<'s>) -> Option<Var<'s>> {
    Some((dx * share_of_max(axes, x, max)).sum(axes))
}

/// [x = max] / number of maxima.
fn share_of_max<'s>(axes: &[usize], x: Var<'s>, max: Var<'s>) -> Var<'s> {
    let attained = x.equal(transpose_sum(axes, x, max)).to_float();
    attained / transpose_sum(axes, x, attained.sum(axes))
}

/// The sum of what is carried, weighted for a maximum by which elements attain it.
pub(crate) fn carry<'s>(
    op: &Op,
    axes: &[usize],
    rows: Rows,
    x: Var<'s>,
    output: Var<'s>,
    carried: Option<Carried<'s>>,
) -> Result<Carried<'s>, String> {
    let carried = carried.ok_or("nothing varies")?;
    require(!axes.contains(&0), || "it reduces over the batch".into())?;
    let weighted = match op {
        Op::Max(_) => carried.var * rows.lift(share_of_max(axes, x, output), carried.axes),
        _ => carried.var,
    };
    let shift = carried.axes + rows.within_first(&x.shape()) - 1;
    let axes: Vec<usize> = axes.iter().map(|axis| axis + shift).collect();
    Ok(Carried { var: weighted.sum(&axes), ..carried })
}

/// The adjoint of a sum repeats its cotangent along the summed axes.
pub(crate) fn transpose_sum<'s>(axes: &[usize], x: Var<'s>, cotangent: Var<'s>) -> Var<'s> {
    let shape = x.shape();
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    cotangent.broadcast_axes(&shape, &kept)
}
