//! What one task of a fused unit does: tile by tile, the instructions, then the reductions of the tile.

use std::cell::Cell;
use std::marker::PhantomData;

use super::instruction::{Fused, Instruction, Operand, Operation, Slots, Target, View};
use super::tile::{self, Lane};
use super::{MOST_STEADY, TILE};
use crate::math::Math;
use crate::plan::Form;
use crate::random;
use crate::simd::{Instructions, Kernel};

/// A unit with its memory, or one part of it.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a, T> {
    pub(super) fused: &'a Fused,
    pub(super) slots: &'a Slots<'a, T>,
    pub(super) path: Instructions,
    /// (part, number of parts): of values that other parts write meanwhile, only this part is read.
    pub(super) part: (usize, usize),
}

/// A stretch of the reduced axis of one outer row.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) form: Form,
    pub(super) outer: usize,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Elements `start..start + len` of the pass.
pub(super) struct Stretch<'a, T> {
    pub(super) pass: Pass<'a, T>,
    pub(super) registers: &'a mut [T],
    pub(super) start: usize,
    pub(super) len: usize,
}

impl<T: Math> Kernel for Stretch<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let mut tile = Tile::new(self.pass, Registers::new(self.registers));
        for start in (self.start..self.start + self.len).step_by(TILE) {
            tile.start = start;
            tile.len = TILE.min(self.start + self.len - start);
            tile.run::<FMA>();
        }
    }
}

pub(super) struct ReducePart<'a, T> {
    pub(super) pass: Pass<'a, T>,
    pub(super) registers: &'a mut [T],
    pub(super) part: Part,
    pub(super) column: usize,
    pub(super) columns: usize,
    /// `[reductions, columns]`
    pub(super) sums: &'a mut [f64],
}

impl<T: Math> Kernel for ReducePart<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Part { form, outer, first, last } = self.part;
        // Whole rows of columns go into a tile, unless one row fills it.
        let rows = if form.inner <= TILE { TILE / form.inner } else { 1 };
        let mut tile = Tile::new(self.pass, Registers::new(self.registers));
        for row in (first..last).step_by(rows) {
            tile.start = (outer * form.reduced + row) * form.inner + self.column;
            tile.len = rows.min(last - row) * self.columns;
            tile.run::<FMA>();
            for (reduction, sums) in self.pass.fused.reductions.iter().zip(self.sums.chunks_mut(self.columns))
            {
                let lane = tile.lane(reduction.operand);
                accumulate(lane, tile.len, reduction.is_max, sums);
            }
        }
    }
}

/// Outer rows `first..last` of a reduction, several to a tile.
pub(super) struct ShortRows<'a, T> {
    pub(super) pass: Pass<'a, T>,
    pub(super) registers: &'a mut [T],
    pub(super) form: Form,
    pub(super) first: usize,
    pub(super) last: usize,
}

impl<T: Math> Kernel for ShortRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Form { reduced, inner, .. } = self.form;
        let row = reduced * inner;
        let mut tile = Tile::new(self.pass, Registers::new(self.registers));
        for first in (self.first..self.last).step_by(TILE / row) {
            let rows = (TILE / row).min(self.last - first);
            tile.start = first * row;
            tile.len = rows * row;
            tile.run::<FMA>();
            for reduction in &self.pass.fused.reductions {
                // SAFETY: each outer row is one task's, and targets are read by nobody before the unit ends.
                let out =
                    unsafe { self.pass.slots.writes[reduction.target].stretch(first * inner, rows * inner) };
                match tile.lane(reduction.operand) {
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

/// Tile-sized registers, each lent by itself: one is written while others are read.
#[derive(Clone, Copy)]
struct Registers<'a, T> {
    start: *mut T,
    len: usize,
    _borrowed: PhantomData<&'a mut [T]>,
}

impl<'a, T> Registers<'a, T> {
    fn new(room: &'a mut [T]) -> Self {
        Registers { start: room.as_mut_ptr(), len: room.len(), _borrowed: PhantomData }
    }

    /// The first `len` elements of a register.
    ///
    /// # Safety
    /// Nobody writes the register while the slice is alive.
    #[inline(always)]
    unsafe fn read(self, register: usize, len: usize) -> &'a [T] {
        assert!(register * TILE + len <= self.len, "register {register} of {} elements", self.len);
        // SAFETY: the range lies in the room, which is borrowed for 'a; that it is only read is the caller's
        // promise.
        unsafe { std::slice::from_raw_parts(self.start.add(register * TILE), len) }
    }

    /// The first `len` elements of a register, to be written.
    ///
    /// # Safety
    /// No other slice of the register is alive.
    #[inline(always)]
    unsafe fn write(self, register: usize, len: usize) -> &'a mut [T] {
        assert!(register * TILE + len <= self.len, "register {register} of {} elements", self.len);
        // SAFETY: as for reading; that nobody else has it is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(register * TILE), len) }
    }
}

struct Tile<'a, T> {
    pass: Pass<'a, T>,
    registers: Registers<'a, T>,
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
    fn new(pass: Pass<'a, T>, registers: Registers<'a, T>) -> Self {
        Tile { pass, registers, start: 0, len: 0, loaded: Default::default() }
    }

    /// Whether a view's register already holds what this tile needs; from now on it does.
    #[inline(always)]
    fn is_loaded(&self, view: &View) -> bool {
        let (Some(steady), Some((block, period))) = (view.steady, view.repetition()) else { return false };
        let first = self.start / block;
        let last = (self.start + self.len - 1) / block;
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
    fn lane(&self, operand: Operand) -> Lane<'a, T> {
        match operand {
            // SAFETY: an instruction never writes a register that it reads, and reductions only read.
            Operand::Register(register) => Lane::Each(unsafe { self.registers.read(register, self.len) }),
            Operand::Memory(slot) => {
                // SAFETY: nobody writes the value while the unit runs, or it is one that a band shares: then
                // this task wrote these elements before, and no other task does.
                Lane::Each(unsafe { self.pass.slots.reads[slot].stretch(self.start, self.len) })
            }
            Operand::Written(slot) => {
                // SAFETY: this stretch was written by an earlier instruction of the same tile and belongs to
                // this task alone; no instruction writes it again.
                Lane::Each(unsafe { self.pass.slots.writes[slot].stretch(self.start, self.len) })
            }
            // SAFETY: nobody writes a value that is read as a scalar while the unit runs.
            Operand::Scalar(slot) => Lane::All(unsafe { self.pass.slots.reads[slot].stretch(0, 1) }[0]),
            Operand::Immediate(value) => Lane::All(T::from_f64(value)),
        }
    }

    #[inline(always)]
    fn run<const FMA: bool>(&self) {
        for instruction in &self.pass.fused.instructions {
            let out: &mut [T] = match instruction.target {
                // SAFETY: a target never is a register that the instruction reads, so nothing else refers to
                // it.
                Target::Register(register) => unsafe { self.registers.write(register, self.len) },
                // SAFETY: tasks cover disjoint stretches, and each value is written by one instruction.
                Target::Memory(slot) => unsafe { self.pass.slots.writes[slot].stretch(self.start, self.len) },
            };
            self.execute::<FMA>(instruction, out);
        }
    }

    #[inline(always)]
    fn execute<const FMA: bool>(&self, instruction: &Instruction, out: &mut [T]) {
        let operand = |i: usize| self.lane(instruction.operands[i]);
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
                let key = self.pass.slots.keys[draw];
                let draw = self.pass.fused.draws[draw];
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
