//! Batched products of matrices.

use super::{Checked, require};
use crate::interpret::Array;
use crate::shape::size;
use crate::{Kind, Value, Var};

/// `[.., m, k]` times `[.., k, n]` (each stored transposed if flagged), equal leading axes.
pub(crate) fn check(ta: bool, tb: bool, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    let ((kind_a, a), (kind_b, b)) = (operands[0], operands[1]);
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
    let (a, b) = (inputs[0], inputs[1]);
    let for_a = linear[0].then(|| match ta {
        false => cotangent.matmul_with(b, false, !tb),
        true => b.matmul_with(cotangent, tb, true),
    });
    let for_b = linear[1].then(|| match tb {
        false => a.matmul_with(cotangent, !ta, false),
        true => cotangent.matmul_with(a, true, ta),
    });
    vec![for_a, for_b]
}
