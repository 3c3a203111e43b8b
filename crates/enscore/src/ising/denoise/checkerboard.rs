//! Heat-bath sweeps over an image, one colour of the checkerboard after the other: the sites of one colour
//! are independent given the other, so the order in which they are drawn, and the number of threads, don't
//! matter.
//!
//! At temperature T a site takes x_i = 1 with probability 1 / (1 + exp(-2 (η y_i + β Σ_j x_j) / T)), which
//! has as many values as there are values of y_i and of the sum: a table. Word k of row (chain · height + r)
//! of the step is that of the k-th site of the colour in row r.

use std::ops::Add;

use enscore_program::random::{Key, row_words};
use rayon::prelude::*;

use super::model::IsingDenoising;
use crate::streams;

/// Sites of one task: less is not worth another thread.
const IN_ONE_TASK: usize = 1 << 14;
/// Conditional means are summed as whole numbers of 2^-30, so that their order does not matter.
const MEAN_UNIT: f64 = (1u64 << 30) as f64;

/// Entries of a table: 16 for each value of a pixel, 9 of which occur. Powers of two need no check in the
/// loop.
const ENTRIES: usize = 32;

/// What the energy is made of: Σ x_i y_i, and Σ x_i x_j over neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) agreement: i64,
    pub(super) alignment: i64,
}

/// What a site does, by its pixel and the sum of its neighbours.
pub(super) struct Table {
    /// x_i is 1 if a random word is below.
    below: [u64; ENTRIES],
    /// E\[x_i | the others\].
    means: [i64; ENTRIES],
}

impl Table {
    pub(super) fn new(model: &IsingDenoising, temperature: f64) -> Table {
        let pull = |entry: usize| {
            let y = if entry < 16 { -1.0 } else { 1.0 };
            let votes = (entry % 16) as f64 - 4.0;
            (model.eta() * y + model.beta() * votes) / temperature
        };
        let probability = |entry: usize| 1.0 / (1.0 + (-2.0 * pull(entry)).exp());
        Table {
            below: std::array::from_fn(|entry| (probability(entry) * 2f64.powi(32)).round() as u64),
            means: std::array::from_fn(|entry| (pull(entry).tanh() * MEAN_UNIT).round() as i64),
        }
    }

    #[inline(always)]
    fn entry(y: i8, votes: i8) -> usize {
        ((votes + 4) as usize & 15) | if y > 0 { 16 } else { 0 }
    }
}

/// The spins of one colour: each row has a 0 before and after it, and there is a row of zeros above and
/// below.
type Half<T> = Vec<T>;

/// An image by the colours of its sites, (row + column) mod 2.
#[derive(Clone)]
pub(super) struct Checkerboard {
    height: usize,
    width: usize,
    stride: usize,
    x: [Half<i8>; 2],
    y: [Half<i8>; 2],
}

impl Checkerboard {
    /// `x` and `y` are rows of `width` spins.
    pub(super) fn new(x: &[i8], y: &[i8], width: usize) -> Checkerboard {
        let height = y.len() / width;
        let stride = width.div_ceil(2) + 2;
        let empty = || vec![0; (height + 2) * stride];
        let mut board = Checkerboard { height, width, stride, x: [empty(), empty()], y: [empty(), empty()] };
        for site in 0..y.len() {
            let (colour, at) = board.place(site);
            board.x[colour][at] = x[site];
            board.y[colour][at] = y[site];
        }
        board
    }

    /// The colour of a site, and where it is in its half.
    fn place(&self, site: usize) -> (usize, usize) {
        let (row, column) = (site / self.width, site % self.width);
        ((row + column) % 2, (row + 1) * self.stride + column / 2 + 1)
    }

    /// The spins, row-major.
    pub(super) fn spins(&self) -> Vec<i8> {
        self.in_rows(&self.x)
    }

    fn in_rows<T: Copy>(&self, halves: &[Half<T>; 2]) -> Vec<T> {
        let value = |site| {
            let (colour, at) = self.place(site);
            halves[colour][at]
        };
        (0..self.height * self.width).map(value).collect()
    }

    /// Draws every site once, with the random words of (key.seed, steps 2 key.step and 2 key.step + 1, rows
    /// from key.row on); adds what each conditional mean was to `means`.
    pub(super) fn sweep(&mut self, table: &Table, key: Key, mut means: Option<&mut Means>) -> Sums {
        let mut sums = Sums::default();
        for colour in 0..2 {
            let key = Key { step: 2 * key.step + colour as u64, ..key };
            let means = means.as_deref_mut().map(|means| &mut means.0[colour][..]);
            let found = self.draw(colour, table, key, means);
            // Every pair of neighbours has one site of each colour: those of the second one see them as they
            // end.
            sums = Sums { agreement: sums.agreement + found.agreement, alignment: found.alignment };
        }
        sums
    }

    fn draw(&mut self, colour: usize, table: &Table, key: Key, means: Option<&mut [i64]>) -> Sums {
        let height = self.height;
        let width = self.width;
        let stride = self.stride;
        let [first, second] = &mut self.x;
        let (mine, other) = if colour == 0 { (first, &*second) } else { (second, &*first) };
        let inside = stride..(height + 1) * stride;
        let y = &self.y[colour];
        let rows_of_task = IN_ONE_TASK.div_ceil(stride);
        let task = |(number, mine): (usize, &mut [i8]), mut means: Option<&mut [i64]>| {
            let mut words = vec![0; stride];
            let mut sums = Sums::default();
            for (i, mine) in mine.chunks_exact_mut(stride).enumerate() {
                let row = number * rows_of_task + i;
                let start = (row + colour) % 2;
                let sites = (width + 1 - start) / 2;
                row_words(key, streams::DENOISING_SWEEP, key.row + row as u64, &mut words[..sites]);
                let at = |row: usize, shift: usize| &other[row * stride + shift..][..sites];
                // Of the other colour's row, sites k - 1 and k lie beside site k of a row that starts with
                // this colour, k and k + 1 beside it otherwise.
                let row = Row {
                    words: &words[..sites],
                    y: &y[(row + 1) * stride + 1..][..sites],
                    around: [at(row, 1), at(row + 2, 1), at(row + 1, start), at(row + 1, start + 1)],
                };
                let means = means.as_deref_mut().map(|means| &mut means[i * stride + 1..][..sites]);
                let found = row.draw(table, &mut mine[1..=sites], means);
                sums = sums + found;
            }
            sums
        };
        let mine = &mut mine[inside.clone()];
        let parts = rows_of_task * stride;
        match means {
            _ if mine.len() <= parts => task((0, mine), means.map(|means| &mut means[inside])),
            None => mine
                .par_chunks_mut(parts)
                .enumerate()
                .map(|part| task(part, None))
                .reduce(Sums::default, Sums::add),
            Some(means) => {
                let means = means[inside].par_chunks_mut(parts);
                let both = mine.par_chunks_mut(parts).enumerate().zip(means);
                both.map(|(part, means)| task(part, Some(means))).reduce(Sums::default, Sums::add)
            }
        }
    }
}

impl Add for Sums {
    type Output = Sums;
    fn add(self, other: Sums) -> Sums {
        Sums { agreement: self.agreement + other.agreement, alignment: self.alignment + other.alignment }
    }
}

/// Sites of one colour in one row, with what is around them.
struct Row<'a> {
    words: &'a [u32],
    y: &'a [i8],
    around: [&'a [i8]; 4],
}

impl Row<'_> {
    fn draw(&self, table: &Table, x: &mut [i8], means: Option<&mut [i64]>) -> Sums {
        match means {
            None => self.each(table, x, |_, _| ()),
            Some(means) => self.each(table, x, |k, entry| means[k] += table.means[entry]),
        }
    }

    #[inline(always)]
    fn each(&self, table: &Table, x: &mut [i8], mut seen: impl FnMut(usize, usize)) -> Sums {
        let mut agreement = 0i64;
        let mut alignment = 0i64;
        let words = &self.words[..x.len()];
        let y = &self.y[..x.len()];
        let [above, below, left, right] = self.around.map(|around| &around[..x.len()]);
        for (k, x) in x.iter_mut().enumerate() {
            let votes = above[k] + below[k] + left[k] + right[k];
            let entry = Table::entry(y[k], votes);
            *x = if u64::from(words[k]) < table.below[entry] { 1 } else { -1 };
            agreement += i64::from(*x * y[k]);
            alignment += i64::from(*x * votes);
            seen(k, entry);
        }
        Sums { agreement, alignment }
    }
}

/// Sums of conditional means over sweeps (Gelfand and Smith 1990: their spread is less than that of the
/// spins).
pub(super) struct Means([Half<i64>; 2]);

impl Means {
    pub(super) fn new(board: &Checkerboard) -> Means {
        Means([0, 1].map(|colour: usize| vec![0; board.x[colour].len()]))
    }

    /// Row-major, divided by the number of sweeps.
    pub(super) fn over(&self, board: &Checkerboard, sweeps: usize) -> Vec<f64> {
        let sums = board.in_rows(&self.0);
        sums.into_iter().map(|sum| sum as f64 / (MEAN_UNIT * sweeps as f64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(height: usize, width: usize) -> Vec<i8> {
        let mut words = vec![0; height * width];
        row_words(Key::new(3, 1), 5, 0, &mut words);
        words.iter().map(|word| if word % 3 == 0 { -1 } else { 1 }).collect()
    }

    /// Each site's neighbours are the right ones at every border.
    #[test]
    fn sums_are_those_of_the_energy_on_every_shape() {
        let model = IsingDenoising::new(0.6, 0.3).unwrap();
        for (height, width) in [(1, 1), (1, 2), (1, 7), (6, 1), (2, 2), (3, 4), (4, 5), (150, 301)] {
            let y = image(height, width);
            let mut board = Checkerboard::new(&y, &y, width);
            assert_eq!(board.spins(), y);
            for step in 0..3 {
                let sums = board.sweep(&Table::new(&model, 1.0), Key::new(1, step), None);
                let energy = model.energy_of_sums(sums.agreement, sums.alignment);
                let expected = model.energy(&board.spins(), &y, height, width).unwrap();
                assert!((energy - expected).abs() < 1e-9, "{height} x {width}: {energy}, {expected}");
            }
        }
    }

    #[test]
    fn the_same_spins_on_any_number_of_threads() {
        let y = image(301, 300);
        let model = IsingDenoising::new(0.6, 0.3).unwrap();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut board = Checkerboard::new(&y, &y, 300);
                let mut means = Means::new(&board);
                let table = Table::new(&model, 1.3);
                (0..3).for_each(|step| _ = board.sweep(&table, Key::new(4, step), Some(&mut means)));
                (board.spins(), means.over(&board, 3))
            })
        };
        assert_eq!(run(1), run(3));
    }
}
