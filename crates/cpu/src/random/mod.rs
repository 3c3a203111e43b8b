//! Random numbers in bulk: the draws of [`enscore_program::random`], the same integer bits, many counters at
//! once.
//!
//! A tile of 64 counters (row, block of four words) goes through Philox lane by lane, then through the
//! transform of the distribution, in straight-line code that vectorises. Rows shorter than a tile share it. A
//! value depends on its (seed, step, stream, row, position) and on the instruction path only, not on where a
//! call starts.

mod transform;

#[cfg(test)]
mod tests;

use enscore_program::random::{self, Key};
use rayon::prelude::*;

use crate::math::Math;
use crate::simd::{Instructions, Kernel};
use transform::{BLOCKS, Index, Normal, Rademacher, Transform, Uniform, VALUES, Words, philox};

/// Elements that one task of [`fill_parallel`] draws: fixed, so that the split depends on the shape only.
const TASK_ELEMENTS: usize = 1 << 14;

/// The distribution of random elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Uniform in (0, 1): (word + 1/2) / 2^32, rounded once; what would round to 1 in f32 is the largest
    /// number below 1.
    Uniform,
    /// Standard normal, by Box and Muller from pairs of words: within 2e-6 of the exact transform in f32,
    /// within 1e-13 in f64.
    Normal,
    /// -1 or +1 with equal probability, from the top bit of a word.
    Rademacher,
}

/// Fills rows of `row_len` numbers: `out` is `[rows, row_len]`, its row i being global row
/// `key.row + first_row + i`. Element j comes from word j of the row, normal numbers 2j and 2j + 1 from words
/// 2j and 2j + 1. An incomplete last row is filled as far as it goes; nothing is written if `row_len` is 0.
pub fn fill<T: Math>(
    path: Instructions,
    distribution: Distribution,
    key: Key,
    stream: u32,
    row_len: usize,
    first_row: u64,
    out: &mut [T],
) {
    draw(path, distribution, Place { key, stream, row_len, row: first_row, column: 0 }, out);
}

/// Fills part of what [`fill`] would: `out` starts at element `start_element` of the rows laid end to end,
/// row 0 being global row `key.row`.
pub fn fill_at<T: Math>(
    path: Instructions,
    distribution: Distribution,
    key: Key,
    stream: u32,
    row_len: usize,
    start_element: u64,
    out: &mut [T],
) {
    draw(path, distribution, Place { key, stream, row_len, row: 0, column: 0 }.after(start_element), out);
}

/// [`fill`] on the threads of the current rayon pool: the same values for any number of them.
pub fn fill_parallel<T: Math>(
    path: Instructions,
    distribution: Distribution,
    key: Key,
    stream: u32,
    row_len: usize,
    first_row: u64,
    out: &mut [T],
) {
    let start = Place { key, stream, row_len, row: first_row, column: 0 };
    out.par_chunks_mut(TASK_ELEMENTS)
        .enumerate()
        .for_each(|(i, out)| draw(path, distribution, start.after((i * TASK_ELEMENTS) as u64), out));
}

/// Fills rows of `row_len` indices in `0..bound`, placed as in [`fill`]. `bound` is at most 2^31, the range
/// of the result; a bound of 0 gives zeros.
pub fn fill_index(
    path: Instructions,
    bound: u32,
    key: Key,
    stream: u32,
    row_len: usize,
    first_row: u64,
    out: &mut [i32],
) {
    let place = Place { key, stream, row_len, row: first_row, column: 0 };
    path.run(Fill { transform: Index(bound), place, out });
}

fn draw<T: Math>(path: Instructions, distribution: Distribution, place: Place, out: &mut [T]) {
    match distribution {
        Distribution::Uniform => path.run(Fill { transform: Uniform::<T>::default(), place, out }),
        Distribution::Normal => path.run(Fill { transform: Normal::<T>::default(), place, out }),
        Distribution::Rademacher => path.run(Fill { transform: Rademacher::<T>::default(), place, out }),
    }
}

/// Where a draw starts: row `key.row + row`, element `column`.
#[derive(Clone, Copy)]
struct Place {
    key: Key,
    stream: u32,
    row_len: usize,
    row: u64,
    column: usize,
}

impl Place {
    /// The place `elements` after the start of this place's row.
    fn after(self, elements: u64) -> Place {
        let row_len = (self.row_len as u64).max(1);
        let row = self.row.wrapping_add(elements / row_len);
        let column = (elements % row_len) as usize;
        Place { row, column, ..self }
    }
}

struct Fill<'a, D: Transform> {
    transform: D,
    place: Place,
    out: &'a mut [D::Out],
}

impl<D: Transform> Kernel for Fill<'_, D> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Fill { transform, place: Place { key, stream, row_len, row, column }, mut out } = self;
        if row_len == 0 {
            return;
        }
        let mut cursor = Cursor {
            row: key.row.wrapping_add(row),
            block: column / 4,
            skip: column % 4,
            row_len,
            row_blocks: row_len.div_ceil(4),
        };
        let mut words = [[0; BLOCKS]; 4];
        let mut values = [D::Out::default(); VALUES];
        while !out.is_empty() {
            let (rows, blocks) = cursor.counters();
            philox(random::counter(key, stream, cursor.row, 0), &rows, &blocks, &mut words);
            transform.apply::<FMA>(&words, &mut values);
            out = cursor.copy(&values, out);
        }
    }
}

/// Walks over rows tile by tile.
struct Cursor {
    row: u64,
    block: usize,
    /// Leading values of the first block that lie before the start.
    skip: usize,
    row_len: usize,
    row_blocks: usize,
}

impl Cursor {
    /// The low halves of the rows, and the blocks, of the next tile.
    #[inline(always)]
    fn counters(&self) -> (Words, Words) {
        let mut rows = [self.row as u32; BLOCKS];
        let mut blocks = [0; BLOCKS];
        if self.row_blocks - self.block >= BLOCKS {
            for (i, block) in blocks.iter_mut().enumerate() {
                *block = (self.block as u32).wrapping_add(i as u32);
            }
        } else {
            let mut row = self.row as u32;
            let mut block = self.block;
            for i in 0..BLOCKS {
                (rows[i], blocks[i]) = (row, block as u32);
                block += 1;
                if block == self.row_blocks {
                    (row, block) = (row.wrapping_add(1), 0);
                }
            }
        }
        (rows, blocks)
    }

    /// Copies a tile's values, without those beyond the ends of rows, to `out`; returns what is left to fill.
    #[inline(always)]
    fn copy<'a, O: Copy>(&mut self, values: &[O; VALUES], mut out: &'a mut [O]) -> &'a mut [O] {
        let mut done = 0;
        while done < BLOCKS && !out.is_empty() {
            let blocks = (BLOCKS - done).min(self.row_blocks - self.block);
            let end = self.row_len.min((self.block + blocks).saturating_mul(4));
            let count = (end - 4 * self.block - self.skip).min(out.len());
            let (head, rest) = out.split_at_mut(count);
            head.copy_from_slice(&values[4 * done + self.skip..][..count]);
            out = rest;
            done += blocks;
            self.skip = 0;
            self.block += blocks;
            if self.block == self.row_blocks {
                self.block = 0;
                self.row = self.row.wrapping_add(1);
                if self.row as u32 == 0 {
                    // Later rows use another key; discard the rest of the tile.
                    break;
                }
            }
        }
        out
    }
}
