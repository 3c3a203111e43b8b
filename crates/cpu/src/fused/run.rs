//! Runs a fused unit: fixed tasks over the pass, each tile by tile, reductions summed in a fixed order.

use std::cell::RefCell;

use rayon::prelude::*;

use super::TILE;
use super::instruction::{Fused, Slots};
use super::pass::{Part, Pass, ReducePart, ShortRows, Stretch};
use super::tile;
use crate::math::Math;
use crate::plan::Form;
use crate::simd::Instructions;

/// Elements of a task: large enough to be worth handing over, small enough to be shared out evenly.
const TASK_ELEMENTS: usize = 1 << 14;
/// Passes over elements below which one thread is faster than waking others.
const SMALL_PASSES: usize = 1 << 18;
/// Tiles of columns from which on they are tasks enough.
const WIDE_TILES: usize = 4;

/// Runs `fused` on the memory in `slots`.
pub(crate) fn run<T: Math>(path: Instructions, fused: &Fused, slots: &Slots<T>) {
    let pass = Pass { fused, slots, path, part: (0, 1) };
    match fused.form {
        Some(form) if !fused.reductions.is_empty() => reduce(pass, form),
        _ => spread(fused, fused.size.div_ceil(TASK_ELEMENTS), |i| {
            stretch(pass, i * TASK_ELEMENTS, TASK_ELEMENTS.min(fused.size - i * TASK_ELEMENTS));
        }),
    }
}

/// Runs part `part` of `parts` equal ones on the calling thread.
pub(crate) fn run_part<T: Math>(
    path: Instructions,
    fused: &Fused,
    slots: &Slots<T>,
    part: usize,
    parts: usize,
) {
    let pass = Pass { fused, slots, path, part: (part, parts) };
    match fused.form {
        Some(form) if !fused.reductions.is_empty() => {
            let rows = form.outer / parts;
            outer_rows(pass, form, part * rows, (part + 1) * rows);
        }
        _ => {
            let len = fused.size / parts;
            stretch(pass, part * len, len);
        }
    }
}

/// Runs part `part` of `parts` equal stretches of the reduced axis, on the calling thread; what its
/// reductions come to goes to `sums` `[reductions, inner]`.
pub(crate) fn run_stretch<T: Math>(
    path: Instructions,
    fused: &Fused,
    slots: &Slots<T>,
    (part, parts): (usize, usize),
    sums: &mut [f64],
) {
    let Some(form) = fused.form else { return };
    let rows = form.reduced / parts;
    let stretch = Part { form, outer: 0, first: part * rows, last: (part + 1) * rows };
    collect(Pass { fused, slots, path, part: (part, parts) }, stretch, sums);
}

/// Reduces a stretch into `sums`: `[reductions, inner]`.
fn collect<T: Math>(pass: Pass<T>, part: Part, sums: &mut [f64]) {
    let count = pass.fused.reductions.len();
    let inner = part.form.inner;
    let mut slot = 0;
    reduce_part(pass, part, &mut |_, column, values| {
        let start = (slot % count) * inner + column;
        sums[start..start + values.len()].copy_from_slice(values);
        slot += 1;
    });
}

fn stretch<T: Math>(pass: Pass<T>, start: usize, len: usize) {
    with_room(pass.fused, |registers| pass.path.run(Stretch { pass, registers, start, len }));
}

/// Whether the work is worth several threads.
pub(crate) fn is_wide(fused: &Fused) -> bool {
    fused.size > TASK_ELEMENTS
        && fused.size * (fused.instructions.len() + fused.reductions.len()) >= SMALL_PASSES
}

/// Calls `task` for 0..tasks, on several threads if the work is worth it.
fn spread(fused: &Fused, tasks: usize, task: impl Fn(usize) + Sync + Send) {
    if tasks <= 1 || !is_wide(fused) {
        (0..tasks).for_each(task);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(task);
    }
}

/// A reduction is cut into tasks by outer rows, or by stretches of the reduced axis. The cut depends on the
/// form alone.
fn reduce<T: Math>(pass: Pass<T>, form: Form) {
    let row = form.reduced * form.inner;
    if form.outer >= 8 || row <= TASK_ELEMENTS {
        let rows = (TASK_ELEMENTS / row.max(1)).clamp(1, form.outer.max(1));
        spread(pass.fused, form.outer.div_ceil(rows), |i| {
            outer_rows(pass, form, i * rows, ((i + 1) * rows).min(form.outer));
        });
    } else if form.outer * form.inner >= WIDE_TILES * TILE {
        reduce_columns(pass, form);
    } else {
        reduce_stretches(pass, form);
    }
}

/// Tiles of columns are the tasks, each over the whole reduced axis: nothing is left to combine.
fn reduce_columns<T: Math>(pass: Pass<T>, form: Form) {
    let tiles = form.inner.div_ceil(TILE);
    spread(pass.fused, form.outer * tiles, |task| {
        let (outer, column) = (task / tiles, task % tiles * TILE);
        let part = Part { form, outer, first: 0, last: form.reduced };
        reduce_tile(pass, part, column, &mut |target, values| {
            // SAFETY: these columns are one task's, and its results are read by no other task before the unit
            // ends.
            let out = unsafe { pass.slots.writes[target].stretch(outer * form.inner + column, values.len()) };
            out.iter_mut().zip(values).for_each(|(out, value)| *out = T::from_f64(*value));
        });
    });
}

/// Reduces outer rows `first..last`; where they are short, several to a tile.
fn outer_rows<T: Math>(pass: Pass<T>, form: Form, first: usize, last: usize) {
    if 2 * form.reduced * form.inner <= TILE {
        with_room(pass.fused, |registers| pass.path.run(ShortRows { pass, registers, form, first, last }));
        return;
    }
    for outer in first..last {
        let part = Part { form, outer, first: 0, last: form.reduced };
        reduce_part(pass, part, &mut |target, column, values| {
            // SAFETY: each outer row is one task's, and its results are read by no other task before the unit
            // ends.
            let out = unsafe { pass.slots.writes[target].stretch(outer * form.inner + column, values.len()) };
            out.iter_mut().zip(values).for_each(|(out, value)| *out = T::from_f64(*value));
        });
    }
}

/// Stretches of the reduced axis are the tasks; their partial results are combined in order.
fn reduce_stretches<T: Math>(pass: Pass<T>, form: Form) {
    let reductions = &pass.fused.reductions;
    let step = (TASK_ELEMENTS / form.inner).max(1);
    let pieces = form.reduced.div_ceil(step);
    let width = form.inner * reductions.len();
    let mut partial = vec![0.0; form.outer * pieces * width];
    let work = |(i, partial): (usize, &mut [f64])| {
        let (outer, piece) = (i / pieces, i % pieces);
        let part = Part { form, outer, first: piece * step, last: ((piece + 1) * step).min(form.reduced) };
        collect(pass, part, partial);
    };
    partial.par_chunks_mut(width).enumerate().for_each(work);
    for (number, reduction) in reductions.iter().enumerate() {
        // SAFETY: all tasks are done; nobody else touches the target.
        let out = unsafe { pass.slots.writes[reduction.target].stretch(0, form.outer * form.inner) };
        for (i, out) in out.iter_mut().enumerate() {
            let (outer, column) = (i / form.inner, i % form.inner);
            let at = |piece: usize| partial[(outer * pieces + piece) * width + number * form.inner + column];
            let first = at(0);
            *out = T::from_f64(
                (1..pieces).fold(first, |sum, piece| tile_combine(sum, at(piece), reduction.is_max)),
            );
        }
    }
}

fn tile_combine(a: f64, b: f64, is_max: bool) -> f64 {
    tile::combine(a, b, is_max)
}

/// Runs the tiles of `part` and hands on the result of each reduction: (target, first column, values), for
/// each segment of columns in turn all reductions in order.
fn reduce_part<T: Math>(pass: Pass<T>, part: Part, result: &mut dyn FnMut(usize, usize, &[f64])) {
    for column in (0..part.form.inner).step_by(TILE) {
        reduce_tile(pass, part, column, &mut |target, values| result(target, column, values));
    }
}

/// Reduces the columns from `column` on that a tile has room for; hands on each reduction's target and
/// values.
fn reduce_tile<T: Math>(pass: Pass<T>, part: Part, column: usize, result: &mut dyn FnMut(usize, &[f64])) {
    let reductions = &pass.fused.reductions;
    let columns = TILE.min(part.form.inner - column);
    let mut sums = vec![0.0; reductions.len() * columns];
    for (reduction, sums) in reductions.iter().zip(sums.chunks_mut(columns)) {
        sums.fill(if reduction.is_max { f64::NEG_INFINITY } else { 0.0 });
    }
    with_room(pass.fused, |registers| {
        pass.path.run(ReducePart { pass, registers, part, column, columns, sums: &mut sums })
    });
    for (reduction, sums) in reductions.iter().zip(sums.chunks(columns)) {
        result(reduction.target, sums);
    }
}

/// Hands a thread's registers to `work`.
fn with_room<T: Math>(fused: &Fused, work: impl FnOnce(&mut [T])) {
    thread_local! {
        static ROOM: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    }
    let len = fused.registers * TILE;
    ROOM.with_borrow_mut(|room| {
        // One more cache line, so that the registers can start at its beginning.
        let words = (len * size_of::<T>()).div_ceil(8) + 8;
        if room.len() < words {
            room.resize(words, 0);
        }
        let skip = room.as_ptr().align_offset(64).min(8);
        let start = room[skip..].as_mut_ptr().cast::<T>();
        // SAFETY: the room is initialised, long enough and aligned for f32 and f64, for which every bit
        // pattern is a value; it is borrowed for as long as `work` runs.
        work(unsafe { std::slice::from_raw_parts_mut(start, len) });
    });
}
