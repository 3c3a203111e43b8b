//! Batched products of matrices.

use super::{Checked, require};
use crate::primitive::carry::{Carried, Rows};
use crate::shape::size;
use crate::value::Array;
use crate::{Kind, Value, Var};

/// `[.., m, k]` times `[.., k, n]` (each stored transposed if flagged), equal leading axes.
pub(crate) fn check(ta: bool, tb: bool, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    let (kind_a, a) = operands[0];
    let (kind_b, b) = operands[1];
    require(kind_a == Kind::Float && kind_b == Kind::Float, || "operands of the wrong kinds".into())?;
    let rank = shape.len();
    require(rank >= 2 && a.len() == rank && b.len() == rank, || "operands need equal rank ≥ 2".into())?;
    let (m, k) = stored(a, ta);
    let (k2, n) = stored(b, tb);
    require(k == k2, || format!("inner extents {k} and {k2} differ"))?;
    let leading = a[..rank - 2] == shape[..rank - 2] && b[..rank - 2] == shape[..rank - 2];
    require(leading && shape[rank - 2..] == [m, n], || "leading axes or the result's differ".into())?;
    Ok(Kind::Float)
}

/// Rows and columns of the matrix that is meant.
pub(crate) fn stored(shape: &[usize], transposed: bool) -> (usize, usize) {
    let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    if transposed { (columns, rows) } else { (rows, columns) }
}

pub(crate) fn reference(ta: bool, tb: bool, operands: &[Array], shape: &[usize]) -> Value {
    let (m, k) = stored(operands[0].shape, ta);
    let (_, n) = stored(operands[1].shape, tb);
    let mut out = vec![0.0; size(shape)];
    for (batch, out) in out.chunks_mut((m * n).max(1)).enumerate() {
        let a = &operands[0].floats()[batch * m * k..(batch + 1) * m * k];
        let b = &operands[1].floats()[batch * k * n..(batch + 1) * k * n];
        for i in 0..m {
            for j in 0..n {
                let term = |l: usize| {
                    let a = if ta { a[l * m + i] } else { a[i * k + l] };
                    let b = if tb { b[j * k + l] } else { b[l * n + j] };
                    a * b
                };
                out[i * n + j] = (0..k).map(term).sum();
            }
        }
    }
    Value::Float(out)
}

/// For C = A B: A's cotangent is C̄ B', B's is A' C̄; stored transposed where the operand is.
pub(crate) fn transpose<'s>(
    ta: bool,
    tb: bool,
    inputs: &[Var<'s>],
    linear: &[bool],
    cotangent: Var<'s>,
) -> Vec<Option<Var<'s>>> {
    let a = inputs[0];
    let b = inputs[1];
    let for_a = linear[0]
        .then(|| if ta { b.matmul_with(cotangent, tb, true) } else { cotangent.matmul_with(b, false, !tb) });
    let for_b = linear[1]
        .then(|| if tb { cotangent.matmul_with(a, true, ta) } else { a.matmul_with(cotangent, !ta, false) });
    vec![for_a, for_b]
}

/// dA B + A dB, where the tangents of a matrix that is multiplied by the same matrix are more rows of it.
pub(crate) fn carry<'s>(
    ta: bool,
    tb: bool,
    rows: Rows,
    inputs: &[Var<'s>],
    carried: &[Option<Carried<'s>>],
) -> Result<Carried<'s>, String> {
    let a = inputs[0];
    let b = inputs[1];
    let rank = a.shape().len();
    let left = match carried[0] {
        None => None,
        Some(_) if rank == 2 && ta => return Err("it contracts over the batch".into()),
        Some(da) => Some(match stacked(ta, tb, rows, a, b, da)? {
            Some(product) => product,
            None => carried_product(ta, tb, da, Carried { var: rows.lift(b, da.axes), ..da }),
        }),
    };
    let right = match carried[1] {
        None => None,
        Some(_) if rank == 2 && !tb => return Err("it contracts over the batch".into()),
        Some(_) if rank == 2 => return Err("each row of one operand meets all of the other".into()),
        Some(db) => Some(carried_product(ta, tb, Carried { var: rows.lift(a, db.axes), ..db }, db)),
    };
    match (left, right) {
        (Some(left), Some(right)) => Ok(Carried { var: left.var + right.var, ..left }),
        (left, right) => left.or(right).ok_or("nothing varies".into()),
    }
}

/// The product of two things carried, one matrix with one, after repeating each where the other has more.
pub(crate) fn carried_product<'s>(ta: bool, tb: bool, a: Carried<'s>, b: Carried<'s>) -> Carried<'s> {
    let own = a.var.shape();
    let other = b.var.shape();
    let leading: Vec<usize> =
        own.iter().zip(&other).take(own.len().saturating_sub(2)).map(|(a, b)| *a.max(b)).collect();
    let repeat = |var: Var<'s>| {
        let shape = var.shape();
        var.broadcast_to(&[&leading, &shape[shape.len().saturating_sub(2)..]].concat())
    };
    Carried { var: repeat(a.var).matmul_with(repeat(b.var), ta, tb), ..a }
}

/// dA B as one product of all rows of all tangents, where one B serves them all or one serves each row of the
/// batch.
fn stacked<'s>(
    ta: bool,
    tb: bool,
    rows: Rows,
    a: Var<'s>,
    b: Var<'s>,
    da: Carried<'s>,
) -> Result<Option<Carried<'s>>, String> {
    let own = a.shape();
    let other = b.shape();
    let rank = own.len();
    let k = own[rank - 1];
    let n = stored(&other, tb).1;
    let mut shape = da.with_row(&rows.row(&own)?);
    shape.pop();
    let shape = [shape.as_slice(), &[n]].concat();
    let shared = match rank {
        2 => Some(b),
        3 if rows.within_first(&own) == 0 => rows.same_in_all_rows(b).map(|b| b.reshape(&other[1..])),
        _ => None,
    };
    if let (Some(shared), false) = (shared, ta) {
        let all = size(&shape) / n.max(1);
        let product = da.var.reshape(&[all, k]).matmul_with(shared, false, tb);
        return Ok(Some(Carried { var: product.reshape(&shape), ..da }));
    }
    if rank != 3 || ta || rows.within_first(&own) != 0 {
        return Ok(None);
    }
    let da = da.repeated(rows.batch);
    let full = da.with_row(&own[1..]);
    let stacked = da.var.reshape(&[rows.batch, size(&full) / (rows.batch * k).max(1), k]);
    let product = stacked.matmul_with(b, false, tb);
    Ok(Some(Carried { var: product.reshape(&da.with_row(&[own[1], n])), ..da }))
}
