//! Cholesky factors and triangular systems, batched over leading axes.
//!
//! Derivatives as in Murray 2016, "Differentiation of the Cholesky decomposition", eq. 8 and section 3.

use super::{Checked, require};
use crate::primitive::carry::{Carried, Rows};
use crate::value::Array;
use crate::{Kind, Op, Value, Var};

pub(crate) fn check(op: &Op, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    require(operands.iter().all(|(kind, _)| *kind == Kind::Float), || "operands of the wrong kinds".into())?;
    let a = operands[0].1;
    let rank = a.len();
    require(rank >= 2 && a[rank - 1] == a[rank - 2], || "the first operand is not square".into())?;
    match op {
        Op::Cholesky => require(a == shape, || "the factor has the operand's shape".into())?,
        _ => {
            let b = operands[1].1;
            let fits = b.len() == rank && b == shape && b[..rank - 1] == a[..rank - 1];
            require(fits, || "the right-hand side does not fit".into())?;
        }
    }
    Ok(Kind::Float)
}

/// The factor of each matrix; NaN where a matrix is not positive definite. Reads the lower triangle.
pub(crate) fn reference_cholesky(a: &Array) -> Value {
    let n = a.shape[a.shape.len() - 1];
    let mut out = vec![0.0; a.floats().len()];
    for (a, l) in a.floats().chunks(n * n).zip(out.chunks_mut(n * n)) {
        for i in 0..n {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
                let rest = a[i * n + j] - dot;
                l[i * n + j] = if i != j {
                    rest / l[j * n + j]
                } else if rest > 0.0 {
                    rest.sqrt()
                } else {
                    f64::NAN
                };
            }
        }
    }
    Value::Float(out)
}

pub(crate) fn reference_solve(transpose: bool, operands: &[Array]) -> Value {
    let shape = operands[1].shape;
    let n = shape[shape.len() - 2];
    let m = shape[shape.len() - 1];
    let mut out = operands[1].floats().to_vec();
    for (l, x) in operands[0].floats().chunks(n * n).zip(out.chunks_mut((n * m).max(1))) {
        for step in 0..n {
            let i = if transpose { n - 1 - step } else { step };
            for column in 0..m {
                let known = if transpose { i + 1..n } else { 0..i };
                let coefficient = |k: usize| if transpose { l[k * n + i] } else { l[i * n + k] };
                let dot: f64 = known.map(|k| coefficient(k) * x[k * m + column]).sum();
                x[i * m + column] = (x[i * m + column] - dot) / l[i * n + i];
            }
        }
    }
    Value::Float(out)
}

/// dL = L Φ(L⁻¹ dA L⁻ᵀ), Φ the lower triangle with its diagonal halved.
pub(crate) fn jvp_cholesky<'s>(l: Var<'s>, da: Var<'s>) -> Var<'s> {
    // Only the lower triangle of A is read, so it stands for a symmetric matrix.
    let lower = lower_triangle(da, 0.5);
    let symmetric = lower + lower.swap_last_axes();
    let half = l.triangular_solve(symmetric, false).swap_last_axes();
    let inner = l.triangular_solve(half, false);
    l.matmul(lower_triangle(inner, 0.5))
}

/// L X = B: dX = L⁻¹ (dB - dL X); L' X = B: dX = L⁻ᵀ (dB - dL' X).
pub(crate) fn jvp_solve<'s>(
    transpose: bool,
    inputs: &[Var<'s>],
    x: Var<'s>,
    tangents: &[Option<Var<'s>>],
) -> Option<Var<'s>> {
    let through_l = tangents[0].map(|dl| -lower_triangle(dl, 1.0).matmul_with(x, transpose, false));
    let right = match (tangents[1], through_l) {
        (Some(db), Some(through_l)) => db + through_l,
        (db, through_l) => db.or(through_l)?,
    };
    Some(inputs[0].triangular_solve(right, transpose))
}

/// The lower triangle with its diagonal times `diagonal`.
fn lower_triangle<'s>(a: Var<'s>, diagonal: f64) -> Var<'s> {
    let shape = a.shape();
    let n = shape[shape.len() - 1];
    let weight = |i: usize, j: usize| match i.cmp(&j) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => diagonal,
        std::cmp::Ordering::Less => 0.0,
    };
    let mask: Vec<f64> = (0..n * n).map(|k| weight(k / n, k % n)).collect();
    a * a.scope().table(&mask, &[n, n])
}

/// A solve is linear in its right side: the tangents of each matrix of right sides are more columns of it.
pub(crate) fn carry_solve<'s>(
    transpose: bool,
    rows: Rows,
    inputs: &[Var<'s>],
    carried: &[Option<Carried<'s>>],
) -> Result<Carried<'s>, String> {
    require(carried[0].is_none(), || "there is no rule for a matrix that varies with x".into())?;
    let carried = carried[1].ok_or("nothing varies")?;
    let rank = inputs[1].shape().len();
    require(rank > 2, || "the batch is an axis of its matrix".into())?;
    let factor = rows.lift(inputs[0], 1);
    let lead = factor.extent(0).max(carried.before()[0]);
    let factor = Carried { var: factor, axes: 1 }.repeated(lead).var;
    let carried = carried.repeated(lead);
    let shape = carried.var.shape();
    if carried.axes == 1 {
        return Ok(Carried { var: factor.triangular_solve(carried.var, transpose), ..carried });
    }
    let last = shape.len() - 1;
    let order: Vec<usize> = std::iter::once(0).chain(2..last).chain([1, last]).collect();
    let mut inverse = vec![0; order.len()];
    order.iter().enumerate().for_each(|(i, axis)| inverse[*axis] = i);
    let columns = carried.var.transpose(&order);
    let apart = columns.shape();
    let together = [&apart[..last - 1], &[apart[last - 1] * apart[last]]].concat();
    let solved = factor.triangular_solve(columns.reshape(&together), transpose);
    Ok(Carried { var: solved.reshape(&apart).transpose(&inverse), ..carried })
}
