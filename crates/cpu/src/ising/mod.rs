//! Sweeps of the Ising model on a torus with 64 spins a word (multi-spin coding: Creutz, Jacobs and Rebbi
//! 1979; for acceptance probabilities that are no simple fractions, random bits compared with the binary
//! digits of the probability).
//!
//! The lattice is cut into 8 x 8 blocks of `height / 8` x `width / 8` sites; bit 8 i + j of word (y, x) is
//! the spin at (y, x) of block (i, j). A neighbour is then the same bit of another word, but for the edges of
//! the blocks, where the bits of a word are rotated. Words with even x + y are one colour of the
//! checkerboard, the others the other one: a sweep updates all sites of one colour given the other, then the
//! reverse.
//!
//! A site's update depends on how many of its four neighbours are aligned with it. Probabilities have 64
//! binary digits, so they are exact to 2^-64 beyond the rounding of exp. The bits come from Philox 4x32-10,
//! keyed by (seed, step, row, word): the result does not depend on threads or instruction path.

mod update;

#[cfg(test)]
mod tests;

use enscore_program::random::Key;
use rayon::prelude::*;

use crate::simd::Instructions;
use update::{Acceptance, Draws, GROUP, Words};

pub use update::Rule;

/// Both sides of a lattice are multiples of this.
pub const SIDE_MULTIPLE: usize = 16;
/// Groups that one thread takes at once, and the least number of groups that is worth several threads.
const TASK_GROUPS: usize = 16;

/// A torus of spins, 64 a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedTorus {
    /// Rows and words of one colour in a row.
    rows: usize,
    row_len: usize,
    /// The words of each colour, `[rows + 2, row_len]`: before the first row is the last one and after the
    /// last row is the first one, rotated as their neighbours see them.
    colours: [Vec<u64>; 2],
}

impl PackedTorus {
    /// Packs `spins` `[height, width]`, each -1 or 1 (anything above 0 counts as 1); none if a side is no
    /// positive multiple of 16, or there are other than height x width spins.
    pub fn pack(height: usize, width: usize, spins: &[i8]) -> Option<PackedTorus> {
        let whole = |side: usize| side > 0 && side.is_multiple_of(SIDE_MULTIPLE);
        if !whole(height) || !whole(width) || height.checked_mul(width) != Some(spins.len()) {
            return None;
        }
        let rows = height / 8;
        let row_len = width / 16;
        let colours = [vec![0; (rows + 2) * row_len], vec![0; (rows + 2) * row_len]];
        let mut torus = PackedTorus { rows, row_len, colours };
        for (row, line) in spins.chunks_exact(width).enumerate() {
            for (column, spin) in line.iter().enumerate() {
                let (colour, word, bit) = torus.place(row, column);
                torus.colours[colour][word] |= u64::from(*spin > 0) << bit;
            }
        }
        torus.wrap(0);
        torus.wrap(1);
        Some(torus)
    }

    /// Rows and columns of sites.
    pub fn shape(&self) -> [usize; 2] {
        [8 * self.rows, 16 * self.row_len]
    }

    /// The spins, `[height, width]`, each -1 or 1.
    pub fn unpack(&self) -> Vec<i8> {
        let [height, width] = self.shape();
        let spin = |site: usize| {
            let (colour, word, bit) = self.place(site / width, site % width);
            2 * (self.colours[colour][word] >> bit & 1) as i8 - 1
        };
        (0..height * width).map(spin).collect()
    }

    /// The sum of all spins.
    pub fn sum(&self) -> i64 {
        let words = self.rows * self.row_len;
        let up: i64 = self
            .colours
            .iter()
            .flat_map(|colour| &colour[self.row_len..][..words])
            .map(|word| i64::from(word.count_ones()))
            .sum();
        2 * up - 128 * words as i64
    }

    /// Σ x_i x_j over the bonds, one to the right and one downwards of each site.
    pub fn bonds(&self) -> i64 {
        let n = self.row_len;
        let words = self.rows * self.row_len;
        let [own, other] = &self.colours;
        let mut side = [0; GROUP];
        let mut aligned = 0;
        for first in (0..words).step_by(GROUP) {
            let count = GROUP.min(words - first);
            self.side(0, first, &mut side[..count]);
            let equal = |i: usize| -> u32 {
                let at = first + i;
                let neighbours = [other[at], other[at + n], other[at + 2 * n], side[i]];
                neighbours.iter().map(|word| (!(own[at + n] ^ word)).count_ones()).sum()
            };
            aligned += (0..count).map(|i| i64::from(equal(i))).sum::<i64>();
        }
        2 * aligned - 256 * words as i64
    }

    /// Updates every site once, the words with even x + y first, at `coupling` = β J. Draws are those of row
    /// `key.row` at step `key.step`: a sweep of its own step for every chain.
    pub fn sweep(&mut self, path: Instructions, rule: Rule, coupling: f64, key: Key) {
        let acceptance = Acceptance::new(rule, coupling);
        for colour in 0..2 {
            self.update(path, &acceptance, colour, key);
            self.wrap(colour);
        }
    }

    fn update(&mut self, path: Instructions, acceptance: &Acceptance, colour: usize, key: Key) {
        let words = self.rows * self.row_len;
        let mut own = std::mem::take(&mut self.colours[colour]);
        let task = |first: usize, part: &mut [u64]| {
            path.run(Update { torus: self, acceptance, colour, key, first, part });
        };
        let part = &mut own[self.row_len..][..words];
        if words > 2 * TASK_GROUPS * GROUP {
            let tasks = part.par_chunks_mut(TASK_GROUPS * GROUP).enumerate();
            tasks.for_each(|(index, part)| task(index * TASK_GROUPS * GROUP, part));
        } else {
            task(0, part);
        }
        self.colours[colour] = own;
    }

    /// Colour, word and bit of a site.
    fn place(&self, row: usize, column: usize) -> (usize, usize, usize) {
        let y = row % self.rows;
        let x = column % (2 * self.row_len);
        let bit = 8 * (row / self.rows) + column / (2 * self.row_len);
        ((y + x) % 2, (y + 1) * self.row_len + x / 2, bit)
    }

    /// Renews the copies of the last and the first row.
    fn wrap(&mut self, colour: usize) {
        let n = self.row_len;
        let rows = self.rows;
        let words = &mut self.colours[colour];
        for k in 0..n {
            words[k] = words[rows * n + k].rotate_left(8);
            words[(rows + 1) * n + k] = words[n + k].rotate_right(8);
        }
    }

    /// Fills `side` with the words that the words `first..` of a colour have beside them besides those at the
    /// same place.
    #[inline(always)]
    fn side(&self, colour: usize, first: usize, side: &mut [u64]) {
        let n = self.row_len;
        let other = &self.colours[1 - colour];
        let mut y = first / n;
        let mut k = first % n;
        let mut side = side;
        while !side.is_empty() {
            let (part, rest) = side.split_at_mut((n - k).min(side.len()));
            let row = &other[(y + 1) * n..][..n];
            let len = part.len();
            // The words of this colour in row y are those with x = 2 k + (y + colour) % 2.
            if (y + colour).is_multiple_of(2) {
                let start = usize::from(k == 0);
                if start == 1 {
                    part[0] = rotate_bytes_left(row[n - 1]);
                }
                part[start..].copy_from_slice(&row[k + start - 1..][..len - start]);
            } else {
                let inside = len - usize::from(k + len == n);
                part[..inside].copy_from_slice(&row[k + 1..][..inside]);
                if inside < len {
                    part[inside] = rotate_bytes_right(row[0]);
                }
            }
            (y, k, side) = (y + 1, 0, rest);
        }
    }
}

/// Bit j of every byte becomes bit j + 1, the last one the first.
#[inline(always)]
fn rotate_bytes_left(word: u64) -> u64 {
    (word << 1) & 0xFEFE_FEFE_FEFE_FEFE | (word >> 7) & 0x0101_0101_0101_0101
}

#[inline(always)]
fn rotate_bytes_right(word: u64) -> u64 {
    (word >> 1) & 0x7F7F_7F7F_7F7F_7F7F | (word << 7) & 0x8080_8080_8080_8080
}

/// The update of the words `first..first + part.len()` of a colour.
struct Update<'a> {
    torus: &'a PackedTorus,
    acceptance: &'a Acceptance,
    colour: usize,
    key: Key,
    first: usize,
    part: &'a mut [u64],
}

impl crate::simd::Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Update { torus, acceptance, colour, key, first, part } = self;
        let n = torus.row_len;
        let other = &torus.colours[1 - colour][..];
        let mut side = [0; GROUP];
        for (index, words) in part.chunks_mut(GROUP).enumerate() {
            let start = first + index * GROUP;
            torus.side(colour, start, &mut side[..words.len()]);
            let draws = Draws::new(key, colour, start);
            let near = [start, start + n, start + 2 * n].map(|at| &other[at..][..words.len()]);
            if let (Ok(spins), [Some(above), Some(here), Some(below)]) =
                (<&mut Words>::try_from(&mut *words), near.map(|words| <&Words>::try_from(words).ok()))
            {
                update::update(spins, [above, here, below, &side], acceptance, &draws);
                continue;
            }
            // The last words of a small lattice: what fills the group up is thrown away.
            let filled = |part: &[u64]| {
                let mut whole = [0; GROUP];
                whole[..part.len()].copy_from_slice(part);
                whole
            };
            let mut spins = filled(words);
            let [above, here, below] = near.map(filled);
            update::update(&mut spins, [&above, &here, &below, &side], acceptance, &draws);
            words.copy_from_slice(&spins[..words.len()]);
        }
    }
}
