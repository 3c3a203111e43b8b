//! Products whose first operand is made of zeros and ones (the states of binary units), by tables: four units
//! have 16 states, and the sum of rows of B that a state picks is computed once for all rows of A (Arlazarov,
//! Dinic, Kronrod and Faradžev 1970, the "four Russians"). A row then takes one addition where a dense
//! product takes four multiplications and additions.
//!
//! A zero leaves its row of B out: an infinite or undefined weight of a unit that is off leaves no NaN, as 0
//! times it would.

use std::cell::Cell;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::thin::Strided;
use crate::simd::{Float, Instructions, Kernel, Packed};
use crate::stretch::Writable;

/// Rows of B that an entry of a table is a sum of, at most.
const GROUP: usize = 4;
/// States of a group of units.
const STATES: usize = 1 << GROUP;
/// Groups of a block: their tables are what one byte can point into, and stay in the nearest cache.
const GROUPS: usize = 256 / STATES;
/// Rows of B of a block.
const BLOCK: usize = GROUP * GROUPS;
/// Rows of A that are worked on at a time, at most.
const MOST_ROWS: usize = 256;
/// Rows of A that pay for the tables, at least.
const FEWEST_ROWS: usize = 32;
/// Columns of a task.
const COLUMNS: usize = 64;
/// The most lanes of a vector.
const MOST_LANES: usize = 16;
/// Elements that are looked at before anything else: a dense operand is told by them.
const GLANCE: usize = 64;

thread_local! {
    /// Room for the states of A, kept between products.
    static STATES_OF_A: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// One product with its operands; `out` is `[m, n]`.
#[derive(Clone, Copy)]
pub(super) struct Product<'a, T> {
    pub(super) sizes: [usize; 3],
    pub(super) a: Strided<'a, T>,
    pub(super) b: Strided<'a, T>,
}

/// out = A·B, if the shape is worth the tables and A is made of zeros and ones; says whether it was done.
/// `wide`: several threads may take part.
pub(super) fn multiply<T: Float>(product: Product<T>, out: &mut [T], wide: bool) -> bool {
    let Product { sizes: [m, k, n], a, b } = product;
    if m < FEWEST_ROWS || k < GROUP || n < MOST_LANES || !a.values.iter().take(GLANCE).all(is_bit) {
        return false;
    }
    let mut states = STATES_OF_A.take();
    let mut done = true;
    for first in (0..m).step_by(MOST_ROWS) {
        let rows = MOST_ROWS.min(m - first);
        states.resize(k.div_ceil(BLOCK) * rows * GROUPS, 0);
        let a = Strided { values: &a.values[first * a.strides[0]..], strides: a.strides };
        if !pack([rows, k], a, &mut states, wide) {
            done = false;
            break;
        }
        let job = Job {
            states: &states,
            rows,
            depth: k,
            b,
            out: Writable::new(&mut out[first * n..][..rows * n]),
            n,
        };
        if wide {
            (0..n.div_ceil(COLUMNS))
                .into_par_iter()
                .with_max_len(1)
                .for_each(|task| job.columns(task * COLUMNS));
        } else {
            (0..n).step_by(COLUMNS).for_each(|first| job.columns(first));
        }
    }
    STATES_OF_A.set(states);
    done
}

#[inline(always)]
fn is_bit<T: Float>(x: &T) -> bool {
    (*x == T::ZERO) | (*x == T::ONE)
}

/// Where each row of A finds its sums in the tables of each block: `[blocks, rows, groups]`. Says whether A
/// is made of zeros and ones.
fn pack<T: Float>([rows, depth]: [usize; 2], a: Strided<T>, states: &mut [u8], wide: bool) -> bool {
    let block = |(block, states): (usize, &mut [u8])| {
        let first = block * BLOCK;
        let a = Strided { values: &a.values[first * a.strides[1]..], strides: a.strides };
        let depth = BLOCK.min(depth - first);
        Instructions::current().run(Pack { rows, depth, a, states })
    };
    let len = rows * GROUPS;
    if wide {
        // Every block is looked at: which threads stop early would be a matter of chance, though not the
        // answer.
        states.par_chunks_mut(len).enumerate().map(block).reduce(|| true, |x, y| x && y)
    } else {
        states.chunks_mut(len).enumerate().all(block)
    }
}

/// A block of A, `[rows, depth]`, whose states are wanted. Beyond the last row of B there are zeros.
struct Pack<'a, T> {
    rows: usize,
    depth: usize,
    a: Strided<'a, T>,
    states: &'a mut [u8],
}

impl<T: Float> Kernel for Pack<'_, T> {
    type Output = bool;
    #[inline(always)]
    fn run<const FMA: bool>(self) -> bool {
        if self.a.strides[1] == 1 { self.by_rows() } else { self.by_units() }
    }
}

impl<T: Float> Pack<'_, T> {
    /// Where rows are contiguous.
    #[inline(always)]
    fn by_rows(self) -> bool {
        let mut odd = 0;
        let mut units = [0u8; BLOCK];
        for (row, states) in self.states.chunks_exact_mut(GROUPS).enumerate() {
            let values = &self.a.values[row * self.a.strides[0]..][..self.depth];
            for (unit, x) in units.iter_mut().zip(values) {
                *unit = u8::from(*x == T::ONE);
                odd |= u8::from(!is_bit(x));
            }
            for (group, state) in states.iter_mut().enumerate() {
                let four = &units[group * GROUP..][..GROUP];
                let word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                // The four lowest bits of the bytes meet in the highest byte.
                *state = (group * STATES) as u8 | (word.wrapping_mul(0x0102_0408) >> 24) as u8 & 15;
            }
        }
        odd == 0
    }

    /// Where the rows' values of a unit are contiguous.
    #[inline(always)]
    fn by_units(self) -> bool {
        let mut odd = 0;
        let mut group_of_rows = [0u8; MOST_ROWS];
        for group in 0..GROUPS {
            group_of_rows[..self.rows].fill((group * STATES) as u8);
            for unit in group * GROUP..self.depth.min((group + 1) * GROUP) {
                let values = &self.a.values[unit * self.a.strides[1]..][..self.rows];
                for (state, x) in group_of_rows.iter_mut().zip(values) {
                    *state |= u8::from(*x == T::ONE) << (unit % GROUP);
                    odd |= u8::from(!is_bit(x));
                }
            }
            for (row, state) in group_of_rows[..self.rows].iter().enumerate() {
                self.states[row * GROUPS + group] = *state;
            }
        }
        odd == 0
    }
}

/// Rows of a product whose states are known.
#[derive(Clone, Copy)]
struct Job<'a, T> {
    states: &'a [u8],
    rows: usize,
    depth: usize,
    b: Strided<'a, T>,
    out: Writable<T>,
    n: usize,
}

impl<T: Float> Job<'_, T> {
    /// The task of the columns from `first` on.
    fn columns(&self, first: usize) {
        Instructions::current().run_vectors(Columns { job: *self, first, end: self.n.min(first + COLUMNS) });
    }
}

/// Columns `first..end`, a vector of them at a time.
struct Columns<'a, T> {
    job: Job<'a, T>,
    first: usize,
    end: usize,
}

impl<T: Float> WithSimd for Columns<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = Packed::<S, T>::LANES;
        let zero = Packed::splat(simd, T::ZERO);
        let mut room = Room { tables: Lines([zero; GROUPS * STATES]), sums: Lines([zero; MOST_ROWS]) };
        let whole = self.first + (self.end - self.first) / lanes * lanes;
        for first in (self.first..whole).step_by(lanes) {
            panel::<S, T, true>(simd, &self.job, [first, lanes], &mut room);
        }
        if whole < self.end {
            panel::<S, T, false>(simd, &self.job, [whole, self.end - whole], &mut room);
        }
    }
}

/// Vectors that fill lines of the cache.
#[repr(align(64))]
struct Lines<S: Simd, T: Float, const N: usize>([Packed<S, T>; N]);

/// An entry for every state of every group of a block.
type Tables<S, T> = Lines<S, T, { GROUPS * STATES }>;

/// Work space of a task.
struct Room<S: Simd, T: Float> {
    tables: Tables<S, T>,
    /// A vector of sums for each row.
    sums: Lines<S, T, MOST_ROWS>,
}

/// Columns `first..first + width` of the result: a vector, or less where not `FULL`.
#[inline(always)]
fn panel<S: Simd, T: Float, const FULL: bool>(
    simd: S,
    job: &Job<T>,
    [first, width]: [usize; 2],
    room: &mut Room<S, T>,
) {
    let Room { tables, sums } = room;
    let sums = &mut sums.0[..job.rows];
    sums.fill(Packed::splat(simd, T::ZERO));
    for (block, states) in job.states.chunks_exact(job.rows * GROUPS).enumerate() {
        let start = block * BLOCK;
        let depth = BLOCK.min(job.depth - start);
        fill::<S, T, FULL>(simd, job.b, [start, first], [depth, width], tables);
        // Groups beyond the last row of B are at their state of zeros.
        match depth.div_ceil(BLOCK / 4) {
            1 => add::<S, T, { GROUPS / 4 }>(tables, states, sums),
            2 => add::<S, T, { GROUPS / 2 }>(tables, states, sums),
            3 => add::<S, T, { GROUPS / 4 * 3 }>(tables, states, sums),
            _ => add::<S, T, GROUPS>(tables, states, sums),
        }
    }
    for (row, sum) in sums.iter().enumerate() {
        // SAFETY: the columns are this task's alone.
        sum.store::<FULL>(unsafe { job.out.stretch(row * job.n + first, width) });
    }
}

/// Adds what the states of the first `N` groups of a block pick, row by row: pairwise, so that additions
/// needn't wait for each other.
#[inline(always)]
fn add<S: Simd, T: Float, const N: usize>(tables: &Tables<S, T>, states: &[u8], sums: &mut [Packed<S, T>]) {
    for (sum, states) in sums.iter_mut().zip(states.chunks_exact(GROUPS)) {
        let at = |group: usize| tables.0[states[group] as usize];
        let mut halves = [at(0) + at(1), at(2) + at(3)];
        for group in (4..N).step_by(4) {
            halves[0] = halves[0] + (at(group) + at(group + 1));
            halves[1] = halves[1] + (at(group + 2) + at(group + 3));
        }
        *sum = *sum + (halves[0] + halves[1]);
    }
}

/// The tables of rows `start..` and columns `first..` of B.
#[inline(always)]
fn fill<S: Simd, T: Float, const FULL: bool>(
    simd: S,
    b: Strided<T>,
    [start, first]: [usize; 2],
    [depth, width]: [usize; 2],
    tables: &mut Tables<S, T>,
) {
    let mut turned = [[T::ZERO; MOST_LANES]; BLOCK];
    let along_rows = b.strides[1] == 1;
    if !along_rows {
        turn(b, [start, first], [depth, width], &mut turned);
    }
    for (group, entries) in
        tables.0.as_chunks_mut::<STATES>().0[..depth.div_ceil(GROUP)].iter_mut().enumerate()
    {
        let mut rows = [Packed::splat(simd, T::ZERO); GROUP];
        for (unit, row) in rows.iter_mut().enumerate().take(depth - group * GROUP) {
            let unit = group * GROUP + unit;
            *row = if along_rows {
                Packed::load::<FULL>(simd, &b.values[(start + unit) * b.strides[0] + first..][..width])
            } else {
                Packed::load::<FULL>(simd, &turned[unit][..width])
            };
        }
        for unit in 0..GROUP {
            for state in 0..1 << unit {
                entries[(1 << unit) + state] = entries[state] + rows[unit];
            }
        }
    }
}

/// Rows and columns of B from `start` and `first` on, B's columns being contiguous. Not compiled for a path
/// of its own: with wider vectors than four lanes the compiler scatters what it stores.
#[inline(never)]
fn turn<T: Float>(
    b: Strided<T>,
    [start, first]: [usize; 2],
    [depth, width]: [usize; 2],
    turned: &mut [[T; MOST_LANES]; BLOCK],
) {
    let column = |column: usize| &b.values[(first + column) * b.strides[1] + start..][..depth];
    let whole = [depth / 4 * 4, width / 4 * 4];
    for at in (0..whole[1]).step_by(4) {
        let columns = [column(at), column(at + 1), column(at + 2), column(at + 3)];
        for unit in (0..whole[0]).step_by(4) {
            let mut square = [[T::ZERO; 4]; 4];
            for (square, column) in square.iter_mut().zip(columns) {
                square.copy_from_slice(&column[unit..unit + 4]);
            }
            for lane in 0..4 {
                turned[unit + lane][at..at + 4].copy_from_slice(&[
                    square[0][lane],
                    square[1][lane],
                    square[2][lane],
                    square[3][lane],
                ]);
            }
        }
    }
    for at in 0..width {
        let rest = if at < whole[1] { whole[0] } else { 0 };
        for (turned, x) in turned[rest..].iter_mut().zip(&column(at)[rest..]) {
            turned[at] = *x;
        }
    }
}
