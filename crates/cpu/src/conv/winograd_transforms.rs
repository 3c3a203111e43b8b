//! Transforms of F(4×4, 3×3) with the points 0, ±1, ±2, ∞, and their adjoints.
//!
//! A. Lavin and S. Gray, *Fast Algorithms for Convolutional Neural Networks* (2016), section 4.3: a 4×4 tile of the
//! output is Aᵀ \[(G g Gᵀ) ⊙ (Bᵀ d B)\] A with the 3×3 taps g and the 6×6 tile d of the input. The adjoint in g
//! is Gᵀ \[(Bᵀ d B) ⊙ (A e Aᵀ)\] G with the 4×4 tile e of the output's gradient.
//!
//! Loops here are plain, without closures: a closure that isn't inlined would be compiled without the path's
//! instructions. Transformed tiles are kept as 36 matrices, `[36][tile][channel]`, the matrices `stride` elements apart.

use super::geometry::Window;
use crate::simd::{Float, Kernel};

/// Channels that a transform takes at a time: a multiple of every path's vector.
const WIDTH: usize = 16;
/// Side of a transformed tile.
pub(super) const SIDE: usize = 6;
/// Side of an output tile.
pub(super) const TILE: usize = 4;
/// Elements of a transformed tile.
pub(super) const POINTS: usize = SIDE * SIDE;
/// Marks a pixel of a tile outside the image.
const OUTSIDE: usize = usize::MAX;

type Vector<T> = [T; WIDTH];

/// Bᵀ d: a tile of the input.
#[inline(always)]
fn b_transposed<T: Float, const FMA: bool>(d: [&Vector<T>; 6]) -> [Vector<T>; 6] {
    let (two, four, five) = (T::from_f64(2.0), T::from_f64(4.0), T::from_f64(5.0));
    let mut out = [[T::ZERO; WIDTH]; 6];
    for l in 0..WIDTH {
        let [d0, d1, d2, d3, d4, d5] = [d[0][l], d[1][l], d[2][l], d[3][l], d[4][l], d[5][l]];
        let (even, odd) = (T::fma::<FMA>(-four, d2, d4), T::fma::<FMA>(-four, d1, d3));
        let (outer, inner) = (d4 - d2, two * (d3 - d1));
        out[0][l] = T::fma::<FMA>(four, d0, T::fma::<FMA>(-five, d2, d4));
        out[1][l] = even + odd;
        out[2][l] = even - odd;
        out[3][l] = outer + inner;
        out[4][l] = outer - inner;
        out[5][l] = T::fma::<FMA>(four, d1, T::fma::<FMA>(-five, d3, d5));
    }
    out
}

/// Aᵀ m: back to a tile of the output.
#[inline(always)]
fn a_transposed<T: Float, const FMA: bool>(m: [&Vector<T>; 6]) -> [Vector<T>; 4] {
    let (two, four, eight) = (T::from_f64(2.0), T::from_f64(4.0), T::from_f64(8.0));
    let mut out = [[T::ZERO; WIDTH]; 4];
    for l in 0..WIDTH {
        let (sum1, difference1) = (m[1][l] + m[2][l], m[1][l] - m[2][l]);
        let (sum2, difference2) = (m[3][l] + m[4][l], m[3][l] - m[4][l]);
        out[0][l] = (m[0][l] + sum1) + sum2;
        out[1][l] = T::fma::<FMA>(two, difference2, difference1);
        out[2][l] = T::fma::<FMA>(four, sum2, sum1);
        out[3][l] = T::fma::<FMA>(eight, difference2, difference1) + m[5][l];
    }
    out
}

/// A e: a tile of the output's gradient.
#[inline(always)]
fn a<T: Float, const FMA: bool>(e: [&Vector<T>; 4]) -> [Vector<T>; 6] {
    let (two, four) = (T::from_f64(2.0), T::from_f64(4.0));
    let mut out = [[T::ZERO; WIDTH]; 6];
    for l in 0..WIDTH {
        let [e0, e1, e2, e3] = [e[0][l], e[1][l], e[2][l], e[3][l]];
        let (even1, odd1) = (e0 + e2, e1 + e3);
        let (even2, odd2) = (T::fma::<FMA>(four, e2, e0), two * T::fma::<FMA>(four, e3, e1));
        out[0][l] = e0;
        out[1][l] = even1 + odd1;
        out[2][l] = even1 - odd1;
        out[3][l] = even2 + odd2;
        out[4][l] = even2 - odd2;
        out[5][l] = e3;
    }
    out
}

/// G.
const G: [[f64; 3]; 6] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// G w: three taps.
#[inline(always)]
fn g<T: Float>(w: [&Vector<T>; 3]) -> [Vector<T>; 6] {
    let (quarter, sixth) = (T::from_f64(1.0 / 4.0), T::from_f64(1.0 / 6.0));
    let (twelfth, twenty_fourth) = (T::from_f64(1.0 / 12.0), T::from_f64(1.0 / 24.0));
    let mut out = [[T::ZERO; WIDTH]; 6];
    for l in 0..WIDTH {
        let [w0, w1, w2] = [w[0][l], w[1][l], w[2][l]];
        let (outer, middle) = (-sixth * (w0 + w2), sixth * w1);
        let (even, odd) = (twenty_fourth * w0 + sixth * w2, twelfth * w1);
        out[0][l] = quarter * w0;
        out[1][l] = outer - middle;
        out[2][l] = outer + middle;
        out[3][l] = even + odd;
        out[4][l] = even - odd;
        out[5][l] = w2;
    }
    out
}

/// Gᵀ m: back to three taps.
#[inline(always)]
fn g_transposed<T: Float>(m: [&Vector<T>; 6]) -> [Vector<T>; 3] {
    let (quarter, sixth) = (T::from_f64(1.0 / 4.0), T::from_f64(1.0 / 6.0));
    let (twelfth, twenty_fourth) = (T::from_f64(1.0 / 12.0), T::from_f64(1.0 / 24.0));
    let mut out = [[T::ZERO; WIDTH]; 3];
    for l in 0..WIDTH {
        let (sum1, difference1) = (m[1][l] + m[2][l], m[2][l] - m[1][l]);
        let (sum2, difference2) = (m[3][l] + m[4][l], m[3][l] - m[4][l]);
        out[0][l] = quarter * m[0][l] - sixth * sum1 + twenty_fourth * sum2;
        out[1][l] = sixth * difference1 + twelfth * difference2;
        out[2][l] = sixth * (sum2 - sum1) + m[5][l];
    }
    out
}

/// [`WIDTH`] channels at `at`, or `count` of them and zeros where not `FULL`.
#[inline(always)]
fn load<T: Float, const FULL: bool>(data: &[T], at: usize, count: usize) -> Vector<T> {
    let mut out = [T::ZERO; WIDTH];
    if FULL {
        out.copy_from_slice(&data[at..at + WIDTH]);
    } else {
        for (to, from) in out.iter_mut().zip(&data[at..at + count]) {
            *to = *from;
        }
    }
    out
}

/// [`load`] at `channel` of the pixel at `pixel`: zeros outside.
#[inline(always)]
fn load_pixel<T: Float, const FULL: bool>(
    data: &[T],
    pixel: usize,
    channel: usize,
    count: usize,
) -> Vector<T> {
    if pixel == OUTSIDE { [T::ZERO; WIDTH] } else { load::<T, FULL>(data, pixel + channel, count) }
}

/// Stores what [`load`] loads.
#[inline(always)]
fn store<T: Float, const FULL: bool>(data: &mut [T], at: usize, count: usize, values: &Vector<T>) {
    if FULL {
        data[at..at + WIDTH].copy_from_slice(values);
    } else {
        for (to, from) in data[at..at + count].iter_mut().zip(values) {
            *to = *from;
        }
    }
}

/// One column of `N` rows of vectors.
#[inline(always)]
fn column<T: Float, const N: usize, const M: usize>(
    rows: &[[Vector<T>; M]; N],
    index: usize,
) -> [&Vector<T>; N] {
    let mut out = [&rows[0][index]; N];
    for (out, row) in out.iter_mut().zip(rows) {
        *out = &row[index];
    }
    out
}

/// References to `N` vectors.
#[inline(always)]
fn each<T: Float, const N: usize>(vectors: &[Vector<T>; N]) -> [&Vector<T>; N] {
    let mut out = [&vectors[0]; N];
    for (out, vector) in out.iter_mut().zip(vectors) {
        *out = vector;
    }
    out
}

/// Tiles across and down an image's target.
pub(super) fn tiles(window: &Window) -> [usize; 2] {
    window.target.map(|size| size.div_ceil(TILE))
}

/// Image, first target row and first target column of a tile.
#[inline(always)]
fn corner(window: &Window, tile: usize) -> [usize; 3] {
    let [down, across] = tiles(window);
    [tile / (down * across), tile / across % down * TILE, tile % across * TILE]
}

/// Elements where the pixels of a tile's `N` rows and columns from `row`, `column` begin in images of `size`.
#[inline(always)]
fn pixels<const N: usize>(
    image: usize,
    [row, column]: [isize; 2],
    size: [usize; 2],
    channels: usize,
) -> [[usize; N]; N] {
    let mut out = [[OUTSIDE; N]; N];
    for (a, out) in out.iter_mut().enumerate() {
        let row = row + a as isize;
        if row < 0 || row >= size[0] as isize {
            continue;
        }
        for (b, out) in out.iter_mut().enumerate() {
            let column = column + b as isize;
            if column >= 0 && column < size[1] as isize {
                *out = ((image * size[0] + row as usize) * size[1] + column as usize) * channels;
            }
        }
    }
    out
}

/// Bᵀ d B of consecutive tiles of the source, beginning with tile `first`.
pub(super) struct TransformSource<'a, T> {
    pub window: &'a Window,
    pub first: usize,
    pub count: usize,
    pub source: &'a [T],
    pub out: &'a mut [T],
    pub stride: usize,
}

impl<T: Float> TransformSource<'_, T> {
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        tile: usize,
        at: &[[usize; SIDE]; SIDE],
        channel: usize,
    ) {
        let channels = self.window.source_channels;
        let count = channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; SIDE]; SIDE];
        for (half, at) in half.iter_mut().zip(at) {
            let mut row = [[T::ZERO; WIDTH]; SIDE];
            for (vector, pixel) in row.iter_mut().zip(at) {
                *vector = load_pixel::<T, FULL>(self.source, *pixel, channel, count);
            }
            *half = b_transposed::<T, FMA>(each(&row));
        }
        for b in 0..SIDE {
            let values = b_transposed::<T, FMA>(column(&half, b));
            for (a, values) in values.iter().enumerate() {
                let to = (a * SIDE + b) * self.stride + tile * channels + channel;
                store::<T, FULL>(self.out, to, count, values);
            }
        }
    }
}

impl<T: Float> Kernel for TransformSource<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let channels = self.window.source_channels;
        let whole = channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let [image, i, j] = corner(self.window, self.first + tile);
            let start = [i as isize - self.window.offset[0], j as isize - self.window.offset[1]];
            let at = pixels(image, start, self.window.source, channels);
            for channel in (0..whole).step_by(WIDTH) {
                self.group::<FMA, true>(tile, &at, channel);
            }
            if whole < channels {
                self.group::<FMA, false>(tile, &at, whole);
            }
        }
    }
}

/// A e Aᵀ of consecutive tiles of the target's gradient, beginning with tile `first`.
pub(super) struct TransformTarget<'a, T> {
    pub window: &'a Window,
    pub first: usize,
    pub count: usize,
    pub target: &'a [T],
    pub out: &'a mut [T],
    pub stride: usize,
}

impl<T: Float> TransformTarget<'_, T> {
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        tile: usize,
        at: &[[usize; TILE]; TILE],
        channel: usize,
    ) {
        let channels = self.window.target_channels;
        let count = channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; SIDE]; TILE];
        for (half, at) in half.iter_mut().zip(at) {
            let mut row = [[T::ZERO; WIDTH]; TILE];
            for (vector, pixel) in row.iter_mut().zip(at) {
                *vector = load_pixel::<T, FULL>(self.target, *pixel, channel, count);
            }
            *half = a::<T, FMA>(each(&row));
        }
        for b in 0..SIDE {
            let values = a::<T, FMA>(column(&half, b));
            for (r, values) in values.iter().enumerate() {
                let to = (r * SIDE + b) * self.stride + tile * channels + channel;
                store::<T, FULL>(self.out, to, count, values);
            }
        }
    }
}

impl<T: Float> Kernel for TransformTarget<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let channels = self.window.target_channels;
        let whole = channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let [image, i, j] = corner(self.window, self.first + tile);
            let at = pixels(image, [i as isize, j as isize], self.window.target, channels);
            for channel in (0..whole).step_by(WIDTH) {
                self.group::<FMA, true>(tile, &at, channel);
            }
            if whole < channels {
                self.group::<FMA, false>(tile, &at, whole);
            }
        }
    }
}

/// Aᵀ m A of consecutive tiles, beginning with tile `first`; `target` begins at target element `origin`.
pub(super) struct StoreTarget<'a, T> {
    pub window: &'a Window,
    pub first: usize,
    pub count: usize,
    pub products: &'a [T],
    pub stride: usize,
    pub target: &'a mut [T],
    pub origin: usize,
}

impl<T: Float> StoreTarget<'_, T> {
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        tile: usize,
        at: &[[usize; TILE]; TILE],
        channel: usize,
    ) {
        let channels = self.window.target_channels;
        let count = channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; TILE]; SIDE];
        for (a, half) in half.iter_mut().enumerate() {
            let mut row = [[T::ZERO; WIDTH]; SIDE];
            for (b, values) in row.iter_mut().enumerate() {
                let from = (a * SIDE + b) * self.stride + tile * channels + channel;
                *values = load::<T, FULL>(self.products, from, count);
            }
            *half = a_transposed::<T, FMA>(each(&row));
        }
        for b in 0..TILE {
            let values = a_transposed::<T, FMA>(column(&half, b));
            for (row, values) in at.iter().zip(&values) {
                if row[b] != OUTSIDE {
                    store::<T, FULL>(self.target, row[b] - self.origin + channel, count, values);
                }
            }
        }
    }
}

impl<T: Float> Kernel for StoreTarget<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let channels = self.window.target_channels;
        let whole = channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let [image, i, j] = corner(self.window, self.first + tile);
            let at = pixels(image, [i as isize, j as isize], self.window.target, channels);
            for channel in (0..whole).step_by(WIDTH) {
                self.group::<FMA, true>(tile, &at, channel);
            }
            if whole < channels {
                self.group::<FMA, false>(tile, &at, whole);
            }
        }
    }
}

/// One row of six of the points of G g Gᵀ, for all pairs of channels: `weights` is `[9][pairs]`, `out` `[6][pairs]`.
pub(super) struct TransformWeights<'a, T> {
    pub row: usize,
    pub weights: &'a [T],
    pub out: &'a mut [T],
}

impl<T: Float> TransformWeights<'_, T> {
    #[inline(always)]
    fn group<const FULL: bool>(&mut self, [g0, g1, g2]: [T; 3], pairs: usize, pair: usize) {
        let count = pairs - pair;
        let mut columns = [[T::ZERO; WIDTH]; 3];
        for (v, column) in columns.iter_mut().enumerate() {
            let w0 = load::<T, FULL>(self.weights, v * pairs + pair, count);
            let w1 = load::<T, FULL>(self.weights, (3 + v) * pairs + pair, count);
            let w2 = load::<T, FULL>(self.weights, (6 + v) * pairs + pair, count);
            for l in 0..WIDTH {
                column[l] = g0 * w0[l] + g1 * w1[l] + g2 * w2[l];
            }
        }
        for (b, values) in g(each(&columns)).iter().enumerate() {
            store::<T, FULL>(self.out, b * pairs + pair, count, values);
        }
    }
}

impl<T: Float> Kernel for TransformWeights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let pairs = self.out.len() / SIDE;
        let [g0, g1, g2] = G[self.row];
        let row = [T::from_f64(g0), T::from_f64(g1), T::from_f64(g2)];
        let whole = pairs / WIDTH * WIDTH;
        for pair in (0..whole).step_by(WIDTH) {
            self.group::<true>(row, pairs, pair);
        }
        if whole < pairs {
            self.group::<false>(row, pairs, whole);
        }
    }
}

/// Gᵀ m G for all pairs of channels: `products` is `[36][pairs]`, `out` `[9][pairs]`.
pub(super) struct StoreWeights<'a, T> {
    pub products: &'a [T],
    pub out: &'a mut [T],
}

impl<T: Float> StoreWeights<'_, T> {
    #[inline(always)]
    fn group<const FULL: bool>(&mut self, pairs: usize, pair: usize) {
        let count = pairs - pair;
        let mut half = [[[T::ZERO; WIDTH]; 3]; SIDE];
        for (a, half) in half.iter_mut().enumerate() {
            let mut row = [[T::ZERO; WIDTH]; SIDE];
            for (b, values) in row.iter_mut().enumerate() {
                *values = load::<T, FULL>(self.products, (a * SIDE + b) * pairs + pair, count);
            }
            *half = g_transposed(each(&row));
        }
        for v in 0..3 {
            for (u, values) in g_transposed(column(&half, v)).iter().enumerate() {
                store::<T, FULL>(self.out, (u * 3 + v) * pairs + pair, count, values);
            }
        }
    }
}

impl<T: Float> Kernel for StoreWeights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let pairs = self.out.len() / 9;
        let whole = pairs / WIDTH * WIDTH;
        for pair in (0..whole).step_by(WIDTH) {
            self.group::<true>(pairs, pair);
        }
        if whole < pairs {
            self.group::<false>(pairs, whole);
        }
    }
}
