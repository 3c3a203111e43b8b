//! Runs the steps of a compiled program.

mod crew;
mod lent;
mod part;

pub(crate) use crew::{Crew, Order, is_worth_it};
pub(crate) use lent::Memory;

use enscore_program::random::Key;
use enscore_program::{Array, Kind, Node, Value};
use rayon::prelude::*;

use crate::argument::Options;
use crate::fused;
use crate::math::Math;
use crate::matmul::matmul;
use crate::plan::{Place, Stored};
use crate::random;
use crate::step::Step;

/// Runs one step. Every value that it reads differs from every value that it writes: `compile` checked it.
pub(crate) fn run_step<T: Math>(step: &Step, memory: &Memory<T>, options: Options) {
    // SAFETY (all blocks below): a step's reads and writes are disjoint ranges, checked at compile time, and
    // steps that run at the same time don't touch what one of them writes, so a written slice is the only one
    // of its value. The parts of a band write their own rows, and read of what the band writes only what the
    // same part wrote before.
    match step {
        Step::Fused { fused, .. } => {
            let slots = unsafe { memory.slots(fused) };
            fused::run(options.path, fused, &slots);
        }
        Step::Band { work, parts } => {
            let work: Vec<_> = work.iter().map(|work| unsafe { part::Ready::new(work, memory) }).collect();
            (0..*parts).into_par_iter().with_max_len(1).for_each(|part| {
                work.iter().for_each(|work| unsafe { work.run(options.path, part, *parts) });
            });
        }
        Step::Combine(combine) => unsafe { combine.run(memory) },
        Step::Piece { work, part, parts } => unsafe {
            part::Ready::new(work, memory).run(options.path, *part, *parts);
        },
        Step::MatMul { shape, a, b, out, scratch } => unsafe {
            matmul(
                *shape,
                memory.floats(*a),
                memory.floats(*b),
                memory.floats_mut(*out),
                memory.floats_mut(*scratch),
            );
        },
        Step::Convolution { convolution, a, b, out, scratch } => unsafe {
            convolution.run(
                memory.floats(*a),
                memory.floats(*b),
                memory.floats_mut(*out),
                memory.floats_mut(*scratch),
            );
        },
        Step::Interleave { parts, stride, out } => {
            let out = unsafe { memory.floats_mut(*out) };
            for (operand, len, offset) in parts {
                let operand = unsafe { memory.floats(*operand) };
                for (block, out) in operand.chunks_exact(*len).zip(out.chunks_exact_mut(*stride)) {
                    out[*offset..offset + len].copy_from_slice(block);
                }
            }
        }
        Step::Pad { operand, shape, edges, out } => unsafe {
            pad(memory.floats(*operand), shape, edges, memory.floats_mut(*out));
        },
        Step::Gather { table, index, rows, out } => unsafe {
            let table = memory.floats(*table);
            let index = memory.indices(*index);
            let out = memory.floats_mut(*out);
            let len = table.len() / rows;
            for (index, out) in index.iter().zip(out.chunks_exact_mut(len)) {
                let row = (index.max(&0).unsigned_abs() as usize).min(rows - 1);
                out.copy_from_slice(&table[row * len..(row + 1) * len]);
            }
        },
        Step::ScatterAdd { index, updates, rows, out } => unsafe {
            let index = memory.indices(*index);
            let updates = memory.floats(*updates);
            let out = memory.floats_mut(*out);
            let len = out.len() / rows;
            out.fill(T::ZERO);
            for (index, update) in index.iter().zip(updates.chunks_exact(len)) {
                let row = (index.max(&0).unsigned_abs() as usize).min(rows - 1);
                out[row * len..].iter_mut().zip(update).for_each(|(out, update)| *out += *update);
            }
        },
        Step::DrawIndex { bound, stream, row_len, key, out } => {
            let out = unsafe { memory.indices_mut(*out) };
            random::fill_index(options.path, *bound, memory.key(*key), *stream, *row_len, 0, out);
        }
        Step::Reference { node, operands, out } => reference(memory, node, operands, *out),
        Step::Copy { from, out } => unsafe { memory.floats_mut(*out).copy_from_slice(memory.floats(*from)) },
    }
}

/// Copies the rows of `operand` of this `shape` into zeros, `edges` in from each side.
fn pad<T: Math>(operand: &[T], shape: &[usize], edges: &[(usize, usize)], out: &mut [T]) {
    out.fill(T::ZERO);
    let Some((row, outer)) = shape.split_last() else { return out.copy_from_slice(operand) };
    let full: Vec<usize> = shape.iter().zip(edges).map(|(extent, (low, high))| low + extent + high).collect();
    let strides = enscore_program::strides(&full);
    for (number, values) in operand.chunks_exact(*row).enumerate() {
        let mut rest = number;
        let mut at = edges[outer.len()].0;
        for axis in (0..outer.len()).rev() {
            at += (rest % outer[axis] + edges[axis].0) * strides[axis];
            rest /= outer[axis];
        }
        out[at..at + row].copy_from_slice(values);
    }
}

fn reference<T: Math>(
    memory: &Memory<T>,
    node: &Node,
    operands: &[(Option<Stored>, Vec<usize>, Kind)],
    out: Stored,
) {
    let value = |(stored, _, kind): &(Option<Stored>, Vec<usize>, Kind)| {
        let Some(stored) = *stored else { return Value::Float(Vec::new()) };
        // SAFETY: operands are only read.
        unsafe {
            match kind {
                Kind::Float => Value::Float(memory.floats(stored).iter().map(|x| x.to_f64()).collect()),
                Kind::Bool => Value::Bool(memory.floats(stored).iter().map(|x| *x > T::ZERO).collect()),
                Kind::Index => Value::Index(memory.indices(stored).to_vec()),
                Kind::Key => {
                    Value::Key(if let Place::Input(i) = stored.0 { memory.key(i) } else { Key::default() })
                }
            }
        }
    };
    let values: Vec<Value> = operands.iter().map(value).collect();
    let arrays: Vec<Array> =
        values.iter().zip(operands).map(|(value, operand)| Array { value, shape: &operand.1 }).collect();
    let result = node.op.reference(&arrays, &node.shape);
    // SAFETY: the result is written to its own place, after the operands were copied.
    unsafe {
        match result {
            Value::Float(values) => {
                memory.floats_mut(out).iter_mut().zip(values).for_each(|(out, x)| *out = T::from_f64(x));
            }
            Value::Bool(values) => {
                let truth = |x| if x { T::ONE } else { T::ZERO };
                memory.floats_mut(out).iter_mut().zip(values).for_each(|(out, x)| *out = truth(x));
            }
            Value::Index(values) => memory.indices_mut(out).copy_from_slice(&values),
            Value::Key(_) => {}
        }
    }
}
