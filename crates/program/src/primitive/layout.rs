//! The same elements elsewhere: reshape, broadcast, transpose, slice, pad, concatenate.

use super::{Checked, require};
use crate::primitive::carry::{Carried, Rows};
use crate::shape::{for_each_index, size, strides};
use crate::value::Array;
use crate::{Kind, Op, Value, Var};

pub(crate) fn check(op: &Op, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    let Some((kind, first)) = operands.first().copied() else { return Err("there is no operand".into()) };
    let rank = first.len();
    let same_rank = first.len() == shape.len();
    let fits = match op {
        Op::Reshape => size(first) == size(shape),
        Op::Broadcast(axes) => {
            axes.len() == rank
                && axes.windows(2).all(|pair| pair[0] < pair[1])
                && axes.iter().zip(first).all(|(axis, extent)| shape.get(*axis) == Some(extent))
        }
        Op::Transpose(permutation) => {
            let mut seen = vec![false; rank];
            permutation.iter().for_each(|axis| seen[(*axis).min(rank.max(1) - 1)] = true);
            same_rank
                && permutation.len() == rank
                && seen.iter().all(|seen| *seen)
                && permutation.iter().zip(shape).all(|(axis, extent)| first.get(*axis) == Some(extent))
        }
        Op::Slice(start) => {
            same_rank
                && start.len() == rank
                && start.iter().zip(shape).zip(first).all(|((start, extent), full)| start + extent <= *full)
        }
        Op::Pad(edges) => {
            same_rank
                && edges.len() == rank
                && edges
                    .iter()
                    .zip(first)
                    .zip(shape)
                    .all(|((edge, inner), full)| edge.0 + inner + edge.1 == *full)
        }
        Op::Concatenate(axis) => return check_concatenate(*axis, operands, shape),
        _ => false,
    };
    require(operands.len() == 1 && fits, || format!("{op:?} does not fit"))?;
    require(kind != Kind::Key, || "a key has no elements".into())?;
    require(kind == Kind::Float || !matches!(op, Op::Pad(_)), || "only floats are padded".into())?;
    Ok(kind)
}

fn check_concatenate(axis: usize, operands: &[(Kind, &[usize])], shape: &[usize]) -> Checked {
    let mut total = 0;
    for (kind, operand) in operands {
        require(*kind == Kind::Float, || "only floats are concatenated".into())?;
        let fits = operand.len() == shape.len()
            && axis < shape.len()
            && (0..shape.len()).all(|i| i == axis || operand[i] == shape[i]);
        require(fits, || format!("operands differ in more than axis {axis}"))?;
        total += operand[axis];
    }
    require(total == shape[axis], || "extents do not add up".into()).map(|()| Kind::Float)
}

pub(crate) fn reference(op: &Op, operands: &[Array], shape: &[usize]) -> Value {
    match op {
        Op::Reshape => operands[0].value.clone(),
        Op::Concatenate(axis) => concatenate(*axis, operands, shape),
        Op::Pad(edges) => {
            let mut out = vec![0.0; size(shape)];
            let out_strides = strides(shape);
            let mut position = 0;
            for_each_index(operands[0].shape, |index| {
                let target: usize = (0..index.len()).map(|i| (index[i] + edges[i].0) * out_strides[i]).sum();
                out[target] = operands[0].floats()[position];
                position += 1;
            });
            Value::Float(out)
        }
        _ => {
            let sources = source_positions(op, operands[0].shape, shape);
            match operands[0].value {
                Value::Float(x) => Value::Float(sources.iter().map(|source| x[*source]).collect()),
                Value::Index(x) => Value::Index(sources.iter().map(|source| x[*source]).collect()),
                Value::Bool(x) => Value::Bool(sources.iter().map(|source| x[*source]).collect()),
                Value::Key(key) => Value::Key(*key),
            }
        }
    }
}

/// For every element of the value, the operand's element that it is.
fn source_positions(op: &Op, operand: &[usize], shape: &[usize]) -> Vec<usize> {
    let operand_strides = strides(operand);
    let mut sources = Vec::with_capacity(size(shape));
    for_each_index(shape, |index| {
        sources.push(match op {
            Op::Broadcast(axes) => axes.iter().zip(&operand_strides).map(|(axis, s)| index[*axis] * s).sum(),
            Op::Transpose(order) => order.iter().zip(index).map(|(axis, i)| i * operand_strides[*axis]).sum(),
            Op::Slice(start) => {
                start.iter().zip(index).zip(&operand_strides).map(|((b, i), s)| (b + i) * s).sum()
            }
            _ => 0,
        });
    });
    sources
}

fn concatenate(axis: usize, operands: &[Array], shape: &[usize]) -> Value {
    let outer = size(&shape[..axis]);
    let mut out = Vec::with_capacity(size(shape));
    for row in 0..outer {
        for operand in operands {
            let len = size(&operand.shape[axis..]);
            out.extend_from_slice(&operand.floats()[row * len..(row + 1) * len]);
        }
    }
    Value::Float(out)
}

pub(crate) fn transpose<'s>(op: &Op, inputs: &[Var<'s>], cotangent: Var<'s>) -> Vec<Option<Var<'s>>> {
    let shape = inputs[0].shape();
    match op {
        Op::Reshape => vec![Some(cotangent.reshape(&shape))],
        Op::Broadcast(axes) => {
            let summed: Vec<usize> =
                (0..cotangent.shape().len()).filter(|axis| !axes.contains(axis)).collect();
            vec![Some(cotangent.sum(&summed))]
        }
        Op::Transpose(permutation) => {
            let mut inverse = vec![0; permutation.len()];
            permutation.iter().enumerate().for_each(|(i, axis)| inverse[*axis] = i);
            vec![Some(cotangent.transpose(&inverse))]
        }
        Op::Slice(start) => {
            let extent = cotangent.shape();
            let edges: Vec<_> =
                (0..shape.len()).map(|i| (start[i], shape[i] - start[i] - extent[i])).collect();
            vec![Some(cotangent.pad(&edges))]
        }
        Op::Pad(edges) => {
            let start: Vec<usize> = edges.iter().map(|edge| edge.0).collect();
            vec![Some(cotangent.slice_block(&start, &shape))]
        }
        Op::Concatenate(axis) => {
            let mut offset = 0;
            let piece = |input: &Var<'s>| {
                let extent = input.shape()[*axis];
                offset += extent;
                Some(cotangent.slice(*axis, offset - extent, offset))
            };
            inputs.iter().map(piece).collect()
        }
        _ => vec![None; inputs.len()],
    }
}

/// The same primitive on what is carried beside its operands, if it leaves the batch where it is.
pub(crate) fn carry<'s>(
    op: &Op,
    rows: Rows,
    inputs: &[Var<'s>],
    output: Var<'s>,
    carried: &[Option<Carried<'s>>],
) -> Result<Carried<'s>, String> {
    let first = carried.iter().flatten().next().ok_or("nothing varies")?;
    let from = inputs[0].shape();
    let to = output.shape();
    let kept = first.axes + rows.within_first(&from);
    let beyond = |axis: &usize| axis + kept - 1;
    let zeros = std::iter::repeat_n(0, kept);
    let op = match op {
        Op::Reshape => Op::Reshape,
        Op::Broadcast(axes) if axes.first() == Some(&0) => {
            Op::Broadcast((0..kept).chain(axes[1..].iter().map(beyond)).collect())
        }
        Op::Transpose(axes) if axes.first() == Some(&0) => {
            Op::Transpose((0..kept).chain(axes[1..].iter().map(beyond)).collect())
        }
        Op::Slice(start) if from[0] == to[0] => Op::Slice(zeros.chain(start[1..].iter().copied()).collect()),
        Op::Pad(edges) if from[0] == to[0] => {
            Op::Pad(zeros.map(|zero| (zero, zero)).chain(edges[1..].iter().copied()).collect())
        }
        Op::Concatenate(axis) if *axis > 0 => return carry_beside(beyond(axis), rows, inputs, carried),
        _ => return Err("the batch does not stay its first axis, row by row".into()),
    };
    let shape = first.with_row(&rows.row(&to)?);
    Ok(Carried { var: output.scope().apply(op, &[first.var], &shape), ..*first })
}

/// What is carried beside each operand, side by side along `axis`; zeros beside an operand that does not
/// vary.
fn carry_beside<'s>(
    axis: usize,
    rows: Rows,
    inputs: &[Var<'s>],
    carried: &[Option<Carried<'s>>],
) -> Result<Carried<'s>, String> {
    let widest =
        carried.iter().flatten().max_by_key(|carried| carried.before()[0]).ok_or("nothing varies")?;
    let before = widest.before();
    let mut pieces = Vec::with_capacity(inputs.len());
    for (input, carried) in inputs.iter().zip(carried) {
        pieces.push(match carried {
            Some(carried) => carried.repeated(before[0]).var,
            None => {
                let shape = widest.with_row(&rows.row(&input.shape())?);
                input.scope().constant(0.0).broadcast_to(&shape)
            }
        });
    }
    Ok(Carried { var: pieces[0].concatenate(&pieces[1..], axis), ..*widest })
}
