//! Sites whose spin is certain before any search (persistency; Boros and Hammer 2002, "Pseudo-Boolean
//! optimization", section 5), for whole weights, f the field and c the coupling:
//!
//! ```text
//! E(x) = -f Σ_i x_i y_i - c Σ_⟨ij⟩ x_i x_j,   c ≥ 0.
//! ```
//!
//! A set R on which f y has one sign takes that sign in some minimum, whatever lies around it, if the fields
//! in R can flow through R so that all edges that leave R are full: what is left of the fields and the inner
//! edges is least when R agrees. One flow on a square of k x k sites says so for all squares of equal pixels
//! in the image; they are found 64 pixels at a time. Then a site is certain once its field and its certain
//! neighbours outweigh the others,
//! |f y_i + c Σ_certain x_j| ≥ c #uncertain; and so on from neighbour to neighbour.
//!
//! On an image with some noise nearly every site is certain. Both rules only ever keep one of the minima.

use super::grid_cut::GridCut;

/// The largest square that is tried.
const LARGEST_SQUARE: usize = 12;
/// Beyond the border of the image.
const OUTSIDE: i8 = 2;

/// The spins of a labelling of least energy where they are certain, and 0 elsewhere, `[height, width]` as
/// `y`.
pub(super) fn decide(y: &[i8], width: usize, (field, coupling): (i32, i32)) -> Vec<i8> {
    if field == 0 {
        return vec![1; y.len()];
    }
    let sign = field.signum() as i8;
    let mut decided = match square(field.abs(), coupling) {
        Some(side) => squares(y, width, side, sign),
        None => vec![0; y.len()],
    };
    Settling::new(&decided, y, width, (field, coupling)).run(&mut decided);
    decided
}

/// The side of the smallest square of equal pixels that is certain by itself.
fn square(field: i32, coupling: i32) -> Option<usize> {
    if i64::from(field) >= 4 * i64::from(coupling) {
        return Some(1);
    }
    (2..=LARGEST_SQUARE).find(|side| {
        let ends = |i: usize| i32::from(i == 0) + i32::from(i + 1 == *side);
        let left = |site: usize| field - coupling * (ends(site / side) + ends(site % side));
        let wanting: i64 = (0..side * side).map(|site| i64::from(left(site).min(0))).sum();
        let fields: Vec<Option<i32>> = (0..side * side).map(|site| Some(left(site))).collect();
        GridCut::new(&fields, *side, coupling).solve() == -wanting
    })
}

/// `sign * y` on all squares of `side` equal pixels, and 0 elsewhere.
fn squares(y: &[i8], width: usize, side: usize, sign: i8) -> Vec<i8> {
    let mut decided = vec![0; y.len()];
    for spin in [1, -1] {
        let rows: Vec<Vec<u64>> = y.chunks_exact(width).map(|row| eroded(&bits(row, spin), side)).collect();
        let words = width.div_ceil(64);
        for (row, decided) in decided.chunks_exact_mut(width).enumerate() {
            let mut any = vec![0; words];
            // The squares whose first row is `top` reach this row.
            for top in (row + 1).saturating_sub(side)..=row {
                let Some(square) = rows.get(top..top + side) else { break };
                for (word, any) in any.iter_mut().enumerate() {
                    *any |= square.iter().fold(u64::MAX, |all, row| all & row[word]);
                }
            }
            dilate(&mut any, side);
            for (pixel, decided) in decided.iter_mut().enumerate() {
                if any[pixel / 64] >> (pixel % 64) & 1 == 1 {
                    *decided = sign * spin;
                }
            }
        }
    }
    decided
}

/// Bit i says whether pixel i is `spin`.
fn bits(row: &[i8], spin: i8) -> Vec<u64> {
    let word = |pixels: &[i8]| {
        pixels.iter().enumerate().fold(0, |word, (i, pixel)| word | u64::from(*pixel == spin) << i)
    };
    row.chunks(64).map(word).collect()
}

/// Bit i says whether bits i to i + side - 1 were set.
fn eroded(bits: &[u64], side: usize) -> Vec<u64> {
    let mut all = bits.to_vec();
    for shift in 1..side {
        for (i, all) in all.iter_mut().enumerate() {
            let next = bits.get(i + 1).copied().unwrap_or(0);
            *all &= bits[i] >> shift | next << (64 - shift);
        }
    }
    all
}

/// Sets bits i to i + side - 1 where bit i was set.
fn dilate(bits: &mut [u64], side: usize) {
    for i in (0..bits.len()).rev() {
        let before = if i > 0 { bits[i - 1] } else { 0 };
        let here = bits[i];
        bits[i] = (1..side).fold(here, |any, shift| any | here << shift | before >> (64 - shift));
    }
}

/// Sites that become certain one after another.
struct Settling<'a> {
    /// As decided, with a row of [`OUTSIDE`] above and below and one at the end of each row.
    sites: Vec<i8>,
    y: &'a [i8],
    width: usize,
    field: i64,
    coupling: i64,
    waiting: Vec<usize>,
}

impl<'a> Settling<'a> {
    fn new(decided: &[i8], y: &'a [i8], width: usize, (field, coupling): (i32, i32)) -> Self {
        let stride = width + 1;
        let mut sites = vec![OUTSIDE; decided.len() + decided.len() / width + 2 * stride];
        for (to, from) in sites[stride..].chunks_exact_mut(stride).zip(decided.chunks_exact(width)) {
            to[..width].copy_from_slice(from);
        }
        let field = i64::from(field);
        let coupling = i64::from(coupling);
        Settling { sites, y, width, field, coupling, waiting: Vec::new() }
    }

    fn run(mut self, decided: &mut [i8]) {
        for (site, spin) in decided.iter().enumerate() {
            if *spin == 0 {
                self.settle(site + site / self.width + self.width + 1);
                while let Some(next) = self.waiting.pop() {
                    self.settle(next);
                }
            }
        }
        let rows = self.sites[self.width + 1..].chunks_exact(self.width + 1);
        for (to, from) in decided.chunks_exact_mut(self.width).zip(rows) {
            to.copy_from_slice(&from[..self.width]);
        }
    }

    /// Decides a site if it is certain now, and lets its neighbours be looked at again.
    fn settle(&mut self, here: usize) {
        if self.sites[here] != 0 {
            return;
        }
        let stride = self.width + 1;
        let neighbours = [here - 1, here + 1, here - stride, here + stride];
        let mut votes = 0;
        let mut uncertain = 0;
        for spin in neighbours.map(|neighbour| self.sites[neighbour]) {
            match spin {
                0 => uncertain += 1,
                OUTSIDE => {}
                spin => votes += i64::from(spin),
            }
        }
        let pixel = self.y[here - stride - (here / stride - 1)];
        let pull = self.field * i64::from(pixel) + self.coupling * votes;
        if pull.abs() < self.coupling * uncertain {
            return;
        }
        self.sites[here] = if pull < 0 { -1 } else { 1 };
        self.waiting.extend(neighbours.into_iter().filter(|neighbour| self.sites[*neighbour] == 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_that_their_fields_can_defend() {
        assert_eq!((square(4, 1), square(3, 1), square(2, 1)), (Some(1), Some(2), Some(2)));
        // Sixteen sites of 1 against sixteen edges of 1; with 1.9 : 1 nothing smaller holds its corners.
        assert_eq!(square(1, 1), Some(4));
        assert_eq!(square(1, 100), None);
        assert_eq!((square(1, 0), square(1 << 28, 1 << 28)), (Some(1), Some(4)));
    }

    #[test]
    fn bits_reach_over_words() {
        let mut row = [-1i8; 130];
        row[62..67].fill(1);
        row[127..130].fill(1);
        let found = eroded(&bits(&row, 1), 3);
        let starts: Vec<usize> = (0..130).filter(|i| found[i / 64] >> (i % 64) & 1 == 1).collect();
        assert_eq!(starts, [62, 63, 64, 127]);
        let mut again = found;
        dilate(&mut again, 3);
        assert_eq!(again, bits(&row, 1));
    }

    #[test]
    fn squares_are_found_wherever_they_lie() {
        let height = 5;
        let width = 70;
        let mut y = vec![-1i8; height * width];
        for (row, column) in [(1, 63), (1, 64), (2, 63), (2, 64), (4, 69), (0, 0)] {
            y[row * width + column] = 1;
        }
        let decided = squares(&y, width, 2, -1);
        let undecided: Vec<usize> = (0..y.len()).filter(|site| decided[*site] == 0).collect();
        // Between the upper edge and the square, no square fits.
        assert_eq!(undecided, [0, 63, 64, 4 * width + 69]);
        assert_eq!((decided[width + 63], decided[1]), (-1, 1));
    }

    #[test]
    fn certainty_spreads_from_a_corner() {
        // 2 + 2 + 1 of a corner's edges are outweighed there, and then along the border, and then inside.
        let y = [1i8; 12];
        assert_eq!(decide(&y, 4, (2, 1)), y);
        assert_eq!(decide(&[1, -1], 2, (1, 3)), [0, 0]);
    }
}
