//! The matrices of F(4×4, 3×3) with the points 0, ±1, ±2, ∞, applied to vectors of channels.
//!
//! A. Lavin and S. Gray, *Fast Algorithms for Convolutional Neural Networks* (2016), section 4.3: a 4×4 tile of the
//! output is Aᵀ \[(G g Gᵀ) ⊙ (Bᵀ d B)\] A with the 3×3 taps g and the 6×6 tile d of the input. The adjoint in g
//! is Gᵀ \[(Bᵀ d B) ⊙ (A e Aᵀ)\] G with the 4×4 tile e of the output's gradient.
//!
//! Loops here and in the kernels that use them are plain, without closures: a closure that isn't inlined would be
//! compiled without the path's instructions.

use crate::simd::Float;

/// Channels that a transform takes at a time: a multiple of every path's vector.
pub(super) const WIDTH: usize = 16;
/// Side of a transformed tile.
pub(super) const SIDE: usize = 6;
/// Side of an output tile.
pub(super) const TILE: usize = 4;
/// Elements of a transformed tile.
pub(super) const POINTS: usize = SIDE * SIDE;
pub(super) type Vector<T> = [T; WIDTH];

/// Bᵀ d: a tile of the input.
#[inline(always)]
pub(super) fn b_transposed<T: Float, const FMA: bool>(d: [&Vector<T>; 6]) -> [Vector<T>; 6] {
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
pub(super) fn a_transposed<T: Float, const FMA: bool>(m: [&Vector<T>; 6]) -> [Vector<T>; 4] {
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
pub(super) fn a<T: Float, const FMA: bool>(e: [&Vector<T>; 4]) -> [Vector<T>; 6] {
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
pub(super) const G: [[f64; 3]; 6] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// G w: three taps.
#[inline(always)]
pub(super) fn g<T: Float>(w: [&Vector<T>; 3]) -> [Vector<T>; 6] {
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
pub(super) fn g_transposed<T: Float>(m: [&Vector<T>; 6]) -> [Vector<T>; 3] {
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
pub(super) fn load<T: Float, const FULL: bool>(data: &[T], at: usize, count: usize) -> Vector<T> {
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

/// Stores what [`load`] loads.
#[inline(always)]
pub(super) fn store<T: Float, const FULL: bool>(data: &mut [T], at: usize, count: usize, values: &Vector<T>) {
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
pub(super) fn column<T: Float, const N: usize, const M: usize>(
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
pub(super) fn each<T: Float, const N: usize>(vectors: &[Vector<T>; N]) -> [&Vector<T>; N] {
    let mut out = [&vectors[0]; N];
    for (out, vector) in out.iter_mut().zip(vectors) {
        *out = vector;
    }
    out
}
