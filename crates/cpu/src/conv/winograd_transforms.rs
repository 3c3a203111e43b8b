//! Transforms of F(4×4, 3×3) with the points 0, ±1, ±2, ∞, and their adjoints.
//!
//! A. Lavin and S. Gray, *Fast Algorithms for Convolutional Neural Networks* (2016), section 4.3: a 4×4 tile of the
//! output is Aᵀ \[(G g Gᵀ) ⊙ (Bᵀ d B)\] A with the 3×3 taps g and the 6×6 tile d of the input. The adjoint in g
//! is Gᵀ \[(Bᵀ d B) ⊙ (A e Aᵀ)\] G with the 4×4 tile e of the output's gradient.
//!
//! Transformed tiles are kept as 36 matrices, `[36][tile][channel]`, the matrices `stride` elements apart.

use super::geometry::Window;
use crate::simd::{Float, Kernel};

/// Channels that a transform takes at a time: a multiple of every path's vector.
const WIDTH: usize = 16;
/// Side of a transformed tile.
const SIDE: usize = 6;
/// Side of an output tile.
pub(super) const TILE: usize = 4;
/// Elements of a transformed tile.
pub(super) const POINTS: usize = SIDE * SIDE;
/// Marks a pixel of a tile outside the image.
const OUTSIDE: usize = usize::MAX;

type Vector<T> = [T; WIDTH];

/// Bᵀ d: a tile of the input.
#[inline(always)]
fn b_transposed<T: Float, const FMA: bool>(d: &[Vector<T>; 6]) -> [Vector<T>; 6] {
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
fn a_transposed<T: Float, const FMA: bool>(m: &[Vector<T>; 6]) -> [Vector<T>; 4] {
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
fn a<T: Float, const FMA: bool>(e: &[Vector<T>; 4]) -> [Vector<T>; 6] {
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

/// Row `row` of G as f64.
fn g_row(row: usize) -> [f64; 3] {
    const G: [[f64; 3]; 6] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];
    G[row]
}

/// G g: three taps.
#[inline(always)]
fn g<T: Float>(taps: [T; 3]) -> [T; 6] {
    let sixth = T::from_f64(1.0 / 6.0);
    let outer = -sixth * (taps[0] + taps[2]);
    let middle = sixth * taps[1];
    let (fine, half) =
        (T::from_f64(1.0 / 24.0) * taps[0] + sixth * taps[2], T::from_f64(1.0 / 12.0) * taps[1]);
    [T::from_f64(0.25) * taps[0], outer - middle, outer + middle, fine + half, fine - half, taps[2]]
}

/// Gᵀ m: back to three taps.
#[inline(always)]
fn g_transposed<T: Float>(m: [T; 6]) -> [T; 3] {
    let (sum1, difference1) = (m[1] + m[2], m[2] - m[1]);
    let (sum2, difference2) = (m[3] + m[4], m[3] - m[4]);
    let (quarter, sixth) = (T::from_f64(0.25), T::from_f64(1.0 / 6.0));
    let (twelfth, twenty_fourth) = (T::from_f64(1.0 / 12.0), T::from_f64(1.0 / 24.0));
    [
        quarter * m[0] - sixth * sum1 + twenty_fourth * sum2,
        sixth * difference1 + twelfth * difference2,
        sixth * (sum2 - sum1) + m[5],
    ]
}

/// `count` channels at `at`, the rest zero.
#[inline(always)]
fn load<T: Float>(data: &[T], at: usize, count: usize) -> Vector<T> {
    let mut out = [T::ZERO; WIDTH];
    if at != OUTSIDE {
        if count == WIDTH {
            out.copy_from_slice(&data[at..at + WIDTH]);
        } else {
            for (to, from) in out.iter_mut().zip(&data[at..at + count]) {
                *to = *from;
            }
        }
    }
    out
}

#[inline(always)]
fn store<T: Float>(data: &mut [T], at: usize, count: usize, values: &Vector<T>) {
    if at != OUTSIDE {
        if count == WIDTH {
            data[at..at + WIDTH].copy_from_slice(values);
        } else {
            for (to, from) in data[at..at + count].iter_mut().zip(values) {
                *to = *from;
            }
        }
    }
}

/// Calls `visit(channel, count)` for every group of at most [`WIDTH`] channels.
#[inline(always)]
fn groups(channels: usize, mut visit: impl FnMut(usize, usize)) {
    let whole = channels / WIDTH * WIDTH;
    for channel in (0..whole).step_by(WIDTH) {
        visit(channel, WIDTH);
    }
    if whole < channels {
        visit(whole, channels - whole);
    }
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

impl<T: Float> Kernel for TransformSource<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let TransformSource { window, first, count, source, out, stride } = self;
        let channels = window.source_channels;
        for tile in 0..count {
            let [image, i, j] = corner(window, first + tile);
            let start = [i as isize - window.offset[0], j as isize - window.offset[1]];
            let at: [[usize; SIDE]; SIDE] = pixels(image, start, window.source, channels);
            groups(channels, |channel, width| {
                let mut half = [[[T::ZERO; WIDTH]; SIDE]; SIDE];
                for a in 0..SIDE {
                    let row = at[a].map(|at| load(source, at.saturating_add(channel), width));
                    half[a] = b_transposed::<T, FMA>(&row);
                }
                for b in 0..SIDE {
                    let column = half.map(|row| row[b]);
                    let values = b_transposed::<T, FMA>(&column);
                    for (a, values) in values.iter().enumerate() {
                        store(out, (a * SIDE + b) * stride + tile * channels + channel, width, values);
                    }
                }
            });
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

impl<T: Float> Kernel for TransformTarget<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let TransformTarget { window, first, count, target, out, stride } = self;
        let channels = window.target_channels;
        for tile in 0..count {
            let [image, i, j] = corner(window, first + tile);
            let at: [[usize; TILE]; TILE] = pixels(image, [i as isize, j as isize], window.target, channels);
            groups(channels, |channel, width| {
                let mut half = [[[T::ZERO; WIDTH]; SIDE]; TILE];
                for r in 0..TILE {
                    let row = at[r].map(|at| load(target, at.saturating_add(channel), width));
                    half[r] = a::<T, FMA>(&row);
                }
                for b in 0..SIDE {
                    let column = half.map(|row| row[b]);
                    let values = a::<T, FMA>(&column);
                    for (r, values) in values.iter().enumerate() {
                        store(out, (r * SIDE + b) * stride + tile * channels + channel, width, values);
                    }
                }
            });
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

impl<T: Float> Kernel for StoreTarget<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let StoreTarget { window, first, count, products, stride, target, origin } = self;
        let channels = window.target_channels;
        for tile in 0..count {
            let [image, i, j] = corner(window, first + tile);
            let at: [[usize; TILE]; TILE] = pixels(image, [i as isize, j as isize], window.target, channels);
            groups(channels, |channel, width| {
                let mut half = [[[T::ZERO; WIDTH]; TILE]; SIDE];
                for a in 0..SIDE {
                    let mut row = [[T::ZERO; WIDTH]; SIDE];
                    for (b, values) in row.iter_mut().enumerate() {
                        *values = load(products, (a * SIDE + b) * stride + tile * channels + channel, width);
                    }
                    half[a] = a_transposed::<T, FMA>(&row);
                }
                for b in 0..TILE {
                    let column = half.map(|row| row[b]);
                    let values = a_transposed::<T, FMA>(&column);
                    for (row, values) in at.iter().zip(&values) {
                        if row[b] != OUTSIDE {
                            store(target, row[b] - origin + channel, width, values);
                        }
                    }
                }
            });
        }
    }
}

/// One row of six of the points of G g Gᵀ, for all pairs of channels: `weights` is `[9][pairs]`, `out` `[6][pairs]`.
pub(super) struct TransformWeights<'a, T> {
    pub row: usize,
    pub weights: &'a [T],
    pub out: &'a mut [T],
}

impl<T: Float> Kernel for TransformWeights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let pairs = self.out.len() / SIDE;
        let [g0, g1, g2] = g_row(self.row).map(T::from_f64);
        groups(pairs, |pair, width| {
            let mut columns = [[T::ZERO; WIDTH]; 3];
            for (v, column) in columns.iter_mut().enumerate() {
                let [w0, w1, w2] = [0, 1, 2].map(|u| load(self.weights, (u * 3 + v) * pairs + pair, width));
                for l in 0..WIDTH {
                    column[l] = g0 * w0[l] + g1 * w1[l] + g2 * w2[l];
                }
            }
            let mut out = [[T::ZERO; WIDTH]; SIDE];
            for l in 0..WIDTH {
                let values = g([columns[0][l], columns[1][l], columns[2][l]]);
                for b in 0..SIDE {
                    out[b][l] = values[b];
                }
            }
            for (b, values) in out.iter().enumerate() {
                store(self.out, b * pairs + pair, width, values);
            }
        });
    }
}

/// Gᵀ m G for all pairs of channels: `products` is `[36][pairs]`, `out` `[9][pairs]`.
pub(super) struct StoreWeights<'a, T> {
    pub products: &'a [T],
    pub out: &'a mut [T],
}

impl<T: Float> Kernel for StoreWeights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let pairs = self.out.len() / 9;
        groups(pairs, |pair, width| {
            let mut half = [[[T::ZERO; WIDTH]; 3]; SIDE];
            for a in 0..SIDE {
                let mut row = [[T::ZERO; WIDTH]; SIDE];
                for (b, values) in row.iter_mut().enumerate() {
                    *values = load(self.products, (a * SIDE + b) * pairs + pair, width);
                }
                half[a] = taps(&row);
            }
            for v in 0..3 {
                let column = half.map(|row| row[v]);
                for (u, values) in taps(&column).iter().enumerate() {
                    store(self.out, (u * 3 + v) * pairs + pair, width, values);
                }
            }
        });
    }
}

#[inline(always)]
fn taps<T: Float>(m: &[Vector<T>; 6]) -> [Vector<T>; 3] {
    let mut out = [[T::ZERO; WIDTH]; 3];
    for l in 0..WIDTH {
        let values = g_transposed([m[0][l], m[1][l], m[2][l], m[3][l], m[4][l], m[5][l]]);
        for v in 0..3 {
            out[v][l] = values[v];
        }
    }
    out
}
