//! What a step does, counted from shapes: the operations and the bytes by which its time can be set beside
//! the limits of the machine (Williams, Waterman and Patterson 2009, the roofline).
//!
//! Operations are multiplications and additions of matrix products, 2 m k n for each of the batch, and of
//! convolutions, by the cheapest way known here: 2 for every tap, input channel and output element, and 36 /
//! 144 or 25 / 64 of that where tiles take the place of the sum (see [`Algorithm::Auto`]). Products whose
//! first operand turns out to be zeros and ones count as dense ones, though tables take a fraction of that.
//! All other work counts no operations: its limit is memory.
//!
//! Bytes are those of the values that a step reads and writes, each once and only as far as it is used; work
//! space and what lives within the step count nothing, and random draws read nothing. A band counts what it
//! reads from the outside, and what others read of what it writes: to keep the rest in the cache is what a
//! band is for.

use std::collections::BTreeMap;

use enscore_program::executor::{Group, Work};

use crate::fused::Fused;
use crate::matmul::MatmulShape;
use crate::plan::{Place, Span, Stored};
use crate::step::{Part, Step};

/// Bytes of an index.
const INDEX_BYTES: usize = 4;
/// Bytes of a partial sum.
const SUM_BYTES: usize = 8;

/// What each of the steps of a program does, with floats of `float` bytes.
pub(crate) fn works(steps: &[Step], float: usize) -> Vec<Work> {
    let work = |number: usize| {
        let step = &steps[number];
        let moved = match step {
            Step::Band { work, .. } => band_bytes(work, &steps[number + 1..], float),
            _ => bytes(step, float),
        };
        Work { group: group(step), operations: operations(step), bytes: moved as u64 }
    };
    (0..steps.len()).map(work).collect()
}

fn group(step: &Step) -> Group {
    match step {
        Step::Fused { fused, .. } => group_of_pass(fused),
        Step::Band { work, .. } => work.iter().map(group_of_part).min().unwrap_or(Group::Other),
        Step::Piece { work, .. } => group_of_part(work),
        Step::Combine(_) => Group::Reductions,
        Step::MatMul { .. } => Group::Products,
        Step::Convolution { .. } => Group::Convolutions,
        _ => Group::Other,
    }
}

fn group_of_part(part: &Part) -> Group {
    match part {
        Part::Pass { fused, .. } => group_of_pass(fused),
        Part::Product { .. } => Group::Products,
    }
}

fn group_of_pass(fused: &Fused) -> Group {
    if fused.reductions.is_empty() { Group::Elementwise } else { Group::Reductions }
}

fn operations(step: &Step) -> u64 {
    match step {
        Step::MatMul { shape, .. } => product(shape),
        Step::Convolution { convolution, .. } => convolution.operations(),
        Step::Band { work, .. } => work.iter().map(of_part).sum(),
        Step::Piece { work, parts, .. } => of_part(work) / *parts as u64,
        _ => 0,
    }
}

fn of_part(part: &Part) -> u64 {
    match part {
        Part::Pass { .. } => 0,
        Part::Product { shape, .. } => product(shape),
    }
}

fn product(shape: &MatmulShape) -> u64 {
    [shape.batch, shape.m, shape.k, shape.n].iter().fold(2, |product, extent| product * *extent as u64)
}

/// Bytes of elements at a place.
fn size(place: Place, elements: usize, float: usize) -> usize {
    elements * if let Place::Index(_) = place { INDEX_BYTES } else { float }
}

/// Elements that a pass reads of each of its slots: of values read through strides only those that a view
/// meets.
fn elements_read(fused: &Fused) -> Vec<usize> {
    let of_slot = |(slot, (_, len)): (usize, &Stored)| {
        let met = |view: &crate::fused::View| {
            view.axes.iter().filter(|(_, stride)| *stride > 0).map(|(extent, _)| extent).product::<usize>()
        };
        let viewed: usize = fused.views.iter().filter(|view| view.slot == slot).map(met).sum();
        viewed.max(fused.direct_elements(slot)).min(*len)
    };
    fused.reads.iter().enumerate().map(of_slot).collect()
}

/// Bytes of the values that a part of work reads, those `within` left out, by value.
fn reads_of_part(part: &Part, within: &[Stored], float: usize) -> Vec<(Stored, usize)> {
    let outside = |(read, _): &(Stored, usize)| !within.contains(read);
    match part {
        Part::Pass { fused, .. } => {
            let floats = fused.reads.iter().zip(elements_read(fused));
            let floats = floats.map(|(read, elements)| (*read, elements * float));
            let indices = fused.indices.iter().map(|index| (*index, index.1 * INDEX_BYTES));
            floats.chain(indices).filter(outside).collect()
        }
        Part::Product { a, b, .. } => {
            [*a, *b].map(|operand| (operand, operand.1 * float)).into_iter().filter(outside).collect()
        }
    }
}

/// Bytes of what a band reads from the outside, and of what it writes that `later` steps or the caller read.
fn band_bytes(work: &[Part], later: &[Step], float: usize) -> usize {
    let written: Vec<Stored> = work.iter().flat_map(Part::writes).copied().collect();
    let mut read: BTreeMap<Stored, usize> = BTreeMap::new();
    for (value, bytes) in work.iter().flat_map(|part| reads_of_part(part, &written, float)) {
        let most = read.entry(value).or_default();
        *most = bytes.max(*most);
    }
    let kept = written.iter().filter(|value| is_read(**value, later));
    read.values().sum::<usize>() + kept.map(|(place, len)| size(*place, *len, float)).sum::<usize>()
}

/// Whether a value is read after the step that writes it, before its room is written again.
fn is_read(value: Stored, later: &[Step]) -> bool {
    if let Place::Output(_) = value.0 {
        return true;
    }
    let value = Span::whole(value);
    for step in later {
        let (reads, writes) = step.touches();
        if reads.iter().any(|read| read.overlaps(&value)) {
            return true;
        }
        if writes.iter().any(|write| write.overlaps(&value)) {
            return false;
        }
    }
    false
}

/// Bytes that a step other than a band reads and writes.
fn bytes(step: &Step, float: usize) -> usize {
    let all = |values: &[Stored]| values.iter().map(|(place, len)| size(*place, *len, float)).sum::<usize>();
    match step {
        Step::Fused { fused, .. } => {
            let floats: usize = elements_read(fused).iter().sum();
            let indices: usize = fused.indices.iter().map(|(_, len)| len).sum();
            floats * float + indices * INDEX_BYTES + all(&fused.writes)
        }
        Step::Band { .. } => 0,
        Step::Combine(combine) => {
            combine.sums.1 * SUM_BYTES
                + combine.targets.iter().map(|(target, _)| all(&[*target])).sum::<usize>()
        }
        Step::Piece { work, part, parts } => piece_bytes(work, *part, *parts, float),
        Step::MatMul { a, b, out, .. } | Step::Convolution { a, b, out, .. } => all(&[*a, *b, *out]),
        Step::Interleave { parts, out, .. } => {
            parts.iter().map(|part| all(&[part.0])).sum::<usize>() + all(&[*out])
        }
        Step::Pad { operand, out, .. } => all(&[*operand, *out]),
        // Of the table the rows that are asked for.
        Step::Gather { index, out, .. } => index.1 * INDEX_BYTES + 2 * all(&[*out]),
        Step::ScatterAdd { index, updates, out, .. } => index.1 * INDEX_BYTES + all(&[*updates, *out]),
        Step::DrawIndex { out, .. } => all(&[*out]),
        Step::Reference { operands, out, .. } => {
            operands.iter().filter_map(|operand| operand.0).map(|value| all(&[value])).sum::<usize>()
                + all(&[*out])
        }
        Step::Copy { from, out } => all(&[*from, *out]),
    }
}

/// Bytes that one part of work reads and writes by itself.
fn piece_bytes(work: &Part, part: usize, parts: usize, float: usize) -> usize {
    let (_, writes) = work.touches(part, parts);
    let width = |span: &Span| if let Place::Sums(_) = span.place { SUM_BYTES } else { float };
    let written: usize = writes.iter().map(|span| span.len * width(span)).sum();
    let own = match work {
        Part::Pass { fused, .. } => fused.shared.clone(),
        // Of a transposed first operand the part's columns.
        Part::Product { .. } => vec![true, false],
    };
    let own = own.into_iter().chain(std::iter::repeat(false));
    let reads = reads_of_part(work, &[], float).into_iter().zip(own);
    written + reads.map(|((_, bytes), own)| if own { bytes / parts } else { bytes }).sum::<usize>()
}
