//! Runs a fused unit: fixed tasks over the pass, each tile by tile, reductions summed in a fixed order.

use std::cell::{Cell, RefCell};

use rayon::prelude::*;

use super::instruction::{Fused, Instruction, Operand, Operation, Slots, Target, View};
use super::tile::{self, Lane};
use super::{MOST_STEADY, TILE};
use crate::math::Math;
use crate::plan::Form;
use crate::random;
use crate::simd::{Kernel, Path};

/// Elements of a task: large enough to be worth handing over, small enough to be shared out evenly.
const TASK: usize = 1 << 14;
/// Passes over elements below which one thread is faster than waking others.
const SMALL: usize = 1 << 18;

/// A unit with its memory, or one part of it.
#[derive(Clone, Copy)]
struct Pass<'a, T> {
    fused: &'a Fused,
    slots: &'a Slots<'a, T>,
    path: Path,
    /// (part, number of parts): of values that other parts write meanwhile, only this part is read.
    part: (usize, usize),
}

/// Runs `fused` on the memory in `slots`.
pub(crate) fn run<T: Math>(path: Path, fused: &Fused, slots: &Slots<T>) {
    let pass = Pass { fused, slots, path, part: (0, 1) };
    match fused.form {
        Some(form) if !fused.reductions.is_empty() => reduce(pass, form),
        _ => spread(fused, fused.size.div_ceil(TASK), |i| {
            stretch(pass, i * TASK, TASK.min(fused.size - i * TASK));
        }),
    }
}

/// Runs part `part` of `parts` equal ones on the calling thread.
pub(crate) fn run_part<T: Math>(path: Path, fused: &Fused, slots: &Slots<T>, part: usize, parts: usize) {
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

fn stretch<T: Math>(pass: Pass<T>, start: usize, len: usize) {
    with_room(pass.fused, |registers| pass.path.run(Stretch { pass, registers, start, len }));
}

/// Whether the work is worth several threads.
pub(crate) fn is_wide(fused: &Fused) -> bool {
    fused.size > TASK && fused.size * (fused.instructions.len() + fused.reductions.len()) >= SMALL
}

/// Calls `task` for 0..tasks, on several threads if the work is worth it.
fn spread(fused: &Fused, tasks: usize, task: impl Fn(usize) + Sync + Send) {
    if tasks <= 1 || !is_wide(fused) {
        (0..tasks).for_each(task);
    } else {
        (0..tasks).into_par_iter().with_max_len(1).for_each(task);
    }
}

/// A reduction is cut into tasks by outer rows, or by stretches of the reduced axis. The cut depends on the form
/// alone.
fn reduce<T: Math>(pass: Pass<T>, form: Form) {
    let row = form.reduced * form.inner;
    if form.outer >= 8 || row <= TASK {
        let rows = (TASK / row.max(1)).clamp(1, form.outer.max(1));
        spread(pass.fused, form.outer.div_ceil(rows), |i| {
            outer_rows(pass, form, i * rows, ((i + 1) * rows).min(form.outer));
        });
    } else {
        reduce_stretches(pass, form);
    }
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
            // SAFETY: each outer row is one task's, and its results are read by no other task before the unit ends.
            let out = unsafe { pass.slots.writes[target].stretch(outer * form.inner + column, values.len()) };
            out.iter_mut().zip(values).for_each(|(out, value)| *out = T::from_f64(*value));
        });
    }
}

/// Stretches of the reduced axis are the tasks; their partial results are combined in order.
fn reduce_stretches<T: Math>(pass: Pass<T>, form: Form) {
    let reductions = &pass.fused.reductions;
    let step = (TASK / form.inner).max(1);
    let pieces = form.reduced.div_ceil(step);
    let width = form.inner * reductions.len();
    let mut partial = vec![0.0; form.outer * pieces * width];
    let work = |(i, partial): (usize, &mut [f64])| {
        let (outer, piece) = (i / pieces, i % pieces);
        let part = Part { form, outer, first: piece * step, last: ((piece + 1) * step).min(form.reduced) };
        let mut slot = 0;
        reduce_part(pass, part, &mut |_, column, values| {
            let start = (slot % reductions.len()) * form.inner + column;
            partial[start..start + values.len()].copy_from_slice(values);
            slot += 1;
        });
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

/// A stretch of the reduced axis of one outer row.
#[derive(Clone, Copy)]
struct Part {
    form: Form,
    outer: usize,
    first: usize,
    last: usize,
}

/// Runs the tiles of `part` and hands on the result of each reduction: (target, first column, values), for each
/// segment of columns in turn all reductions in order.
fn reduce_part<T: Math>(pass: Pass<T>, part: Part, result: &mut dyn FnMut(usize, usize, &[f64])) {
    let reductions = &pass.fused.reductions;
    let inner = part.form.inner;
    let mut sums = vec![0.0; reductions.len() * inner.min(TILE)];
    for column in (0..inner).step_by(TILE) {
        let columns = TILE.min(inner - column);
        for (reduction, sums) in reductions.iter().zip(sums.chunks_mut(columns)) {
            sums.fill(if reduction.is_max { f64::NEG_INFINITY } else { 0.0 });
        }
        let sums = &mut sums[..reductions.len() * columns];
        with_room(pass.fused, |registers| {
            pass.path.run(ReducePart { pass, registers, part, column, columns, sums })
        });
        for (reduction, sums) in reductions.iter().zip(sums.chunks(columns)) {
            result(reduction.target, column, sums);
        }
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
        // SAFETY: the room is initialised, long enough and aligned for f32 and f64, for which every bit pattern is
        // a value; it is borrowed for as long as `work` runs.
        work(unsafe { std::slice::from_raw_parts_mut(start, len) });
    });
}

/// Elements `start..start + len` of the pass.
struct Stretch<'a, T> {
    pass: Pass<'a, T>,
    registers: &'a mut [T],
    start: usize,
    len: usize,
}

impl<T: Math> Kernel for Stretch<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let mut tile = Tile::new(self.pass);
        for start in (self.start..self.start + self.len).step_by(TILE) {
            tile.start = start;
            tile.len = TILE.min(self.start + self.len - start);
            tile.run::<FMA>(self.registers);
        }
    }
}

struct ReducePart<'a, T> {
    pass: Pass<'a, T>,
    registers: &'a mut [T],
    part: Part,
    column: usize,
    columns: usize,
    /// `[reductions, columns]`
    sums: &'a mut [f64],
}

impl<T: Math> Kernel for ReducePart<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Part { form, outer, first, last } = self.part;
        // Whole rows of columns go into a tile, unless one row fills it.
        let rows = if form.inner <= TILE { TILE / form.inner } else { 1 };
        let mut tile = Tile::new(self.pass);
        for row in (first..last).step_by(rows) {
            tile.start = (outer * form.reduced + row) * form.inner + self.column;
            tile.len = rows.min(last - row) * self.columns;
            tile.run::<FMA>(self.registers);
            for (reduction, sums) in self.pass.fused.reductions.iter().zip(self.sums.chunks_mut(self.columns))
            {
                let lane = tile.lane(reduction.operand, self.registers);
                accumulate(lane, tile.len, reduction.is_max, sums);
            }
        }
    }
}

/// Outer rows `first..last` of a reduction, several to a tile.
struct ShortRows<'a, T> {
    pass: Pass<'a, T>,
    registers: &'a mut [T],
    form: Form,
    first: usize,
    last: usize,
}

impl<T: Math> Kernel for ShortRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Form { reduced, inner, .. } = self.form;
        let row = reduced * inner;
        let mut tile = Tile::new(self.pass);
        for first in (self.first..self.last).step_by(TILE / row) {
            let rows = (TILE / row).min(self.last - first);
            tile.start = first * row;
            tile.len = rows * row;
            tile.run::<FMA>(self.registers);
            for reduction in &self.pass.fused.reductions {
                // SAFETY: each outer row is one task's, and targets are read by nobody before the unit ends.
                let out =
                    unsafe { self.pass.slots.writes[reduction.target].stretch(first * inner, rows * inner) };
                match tile.lane(reduction.operand, self.registers) {
                    Lane::Each(values) => {
                        for (values, out) in values.chunks_exact(row).zip(out.chunks_exact_mut(inner)) {
                            tile::fold_rows(values, out, reduction.is_max);
                        }
                    }
                    Lane::All(value) => out.fill(tile::fold(Lane::All(value), reduced, reduction.is_max)),
                }
            }
        }
    }
}

/// Adds the rows of a tile to the sums of its columns: within a tile in its own width, across tiles in f64.
#[inline(always)]
fn accumulate<T: Math>(lane: Lane<T>, len: usize, is_max: bool, sums: &mut [f64]) {
    let columns = sums.len();
    if columns == 1 {
        sums[0] = tile::combine(sums[0], tile::fold(lane, len, is_max).to_f64(), is_max);
        return;
    }
    let mut row_sums = [T::ZERO; TILE];
    let row_sums = &mut row_sums[..columns];
    match lane {
        Lane::Each(values) => {
            row_sums.copy_from_slice(&values[..columns]);
            for row in values[columns..len].chunks_exact(columns) {
                row_sums
                    .iter_mut()
                    .zip(row)
                    .for_each(|(sum, value)| *sum = tile::combine(*sum, *value, is_max));
            }
        }
        Lane::All(value) => row_sums.fill(tile::fold(Lane::All(value), len / columns, is_max)),
    }
    sums.iter_mut().zip(row_sums).for_each(|(sum, value)| *sum = tile::combine(*sum, value.to_f64(), is_max));
}

struct Tile<'a, T> {
    pass: Pass<'a, T>,
    start: usize,
    len: usize,
    loaded: [Cell<Loaded>; MOST_STEADY],
}

/// What the register of a steady view holds.
#[derive(Clone, Copy, Default, PartialEq)]
struct Loaded {
    block: usize,
    phase: usize,
    /// 0: nothing that could be used again.
    len: usize,
}

impl<'a, T: Math> Tile<'a, T> {
    #[inline(always)]
    fn new(pass: Pass<'a, T>) -> Self {
        Tile { pass, start: 0, len: 0, loaded: Default::default() }
    }

    /// Whether a view's register already holds what this tile needs; from now on it does.
    #[inline(always)]
    fn is_loaded(&self, view: &View) -> bool {
        let (Some(steady), Some((block, period))) = (view.steady, view.repetition()) else { return false };
        let (first, last) = (self.start / block, (self.start + self.len - 1) / block);
        let next = Loaded { block: first, phase: self.start % period, len: self.len };
        let now = self.loaded[steady].get();
        if first == last && (now.block, now.phase) == (next.block, next.phase) && now.len >= next.len {
            return true;
        }
        self.loaded[steady].set(if first == last { next } else { Loaded::default() });
        false
    }
    /// An operand's elements in this tile.
    #[inline(always)]
    fn lane<'r>(&self, operand: Operand, registers: &'r [T]) -> Lane<'r, T>
    where
        Self: 'r,
    {
        match operand {
            Operand::Register(register) => {
                Lane::Each(&registers[register * TILE..register * TILE + self.len])
            }
            Operand::Memory(slot) => {
                // SAFETY: nobody writes the value while the unit runs, or it is one that a band shares: then this task
                // wrote these elements before, and no other task does.
                Lane::Each(unsafe { self.pass.slots.reads[slot].stretch(self.start, self.len) })
            }
            Operand::Written(slot) => {
                // SAFETY: this stretch was written by an earlier instruction of the same tile and belongs to this
                // task alone; no instruction writes it again.
                Lane::Each(unsafe { self.pass.slots.writes[slot].stretch(self.start, self.len) })
            }
            // SAFETY: nobody writes a value that is read as a scalar while the unit runs.
            Operand::Scalar(slot) => Lane::All(unsafe { self.pass.slots.reads[slot].stretch(0, 1) }[0]),
            Operand::Immediate(value) => Lane::All(T::from_f64(value)),
        }
    }

    #[inline(always)]
    fn run<const FMA: bool>(&self, registers: &mut [T]) {
        for instruction in &self.pass.fused.instructions {
            let out: &mut [T] = match instruction.target {
                Target::Register(register) => {
                    let start = registers[register * TILE..register * TILE + self.len].as_mut_ptr();
                    // SAFETY: a target never is a register that the instruction reads, so nothing else refers to it.
                    unsafe { std::slice::from_raw_parts_mut(start, self.len) }
                }
                // SAFETY: tasks cover disjoint stretches, and each value is written by one instruction.
                Target::Memory(slot) => unsafe { self.pass.slots.writes[slot].stretch(self.start, self.len) },
            };
            self.execute::<FMA>(instruction, registers, out);
        }
    }

    #[inline(always)]
    fn execute<const FMA: bool>(&self, instruction: &Instruction, registers: &[T], out: &mut [T]) {
        let operand = |i: usize| self.lane(instruction.operands[i], registers);
        match instruction.operation {
            Operation::Copy => tile::map(operand(0), out, |x| x),
            Operation::Unary(f) => tile::unary::<T, FMA>(f, operand(0), out),
            Operation::Binary(f) => tile::binary(f, operand(0), operand(1), out),
            Operation::Compare(f) => tile::compare(f, operand(0), operand(1), out),
            Operation::Logic(f) => tile::logic(f, operand(0), operand(1), out),
            Operation::Not => tile::not(operand(0), out),
            Operation::IsFinite => tile::is_finite(operand(0), out),
            Operation::Select => tile::select(operand(0), operand(1), operand(2), out),
            Operation::MultiplyAdd => tile::multiply_add::<T, FMA>(operand(0), operand(1), operand(2), out),
            Operation::View(view) => {
                let view = &self.pass.fused.views[view];
                if self.is_loaded(view) {
                    return;
                }
                let value = self.pass.slots.reads[view.slot];
                let (part, parts) = if self.pass.fused.shared[view.slot] { self.pass.part } else { (0, 1) };
                let len = value.len() / parts;
                // SAFETY: as for operands in memory; what is read of a shared value lies in this task's part.
                let source = unsafe { value.stretch(part * len, len) };
                tile::load(view, source, part * len, self.start, out);
            }
            Operation::Index(slot) => {
                let indices = &self.pass.slots.indices[slot][self.start..];
                out.iter_mut().zip(indices).for_each(|(out, index)| *out = T::from_f64(f64::from(*index)));
            }
            Operation::Draw(draw) => {
                let (draw, key) = (self.pass.fused.draws[draw], self.pass.slots.keys[draw]);
                let start = self.start as u64;
                random::fill_at(
                    self.pass.path,
                    draw.distribution,
                    key,
                    draw.stream,
                    draw.row_len.max(1),
                    start,
                    out,
                );
            }
        }
    }
}
