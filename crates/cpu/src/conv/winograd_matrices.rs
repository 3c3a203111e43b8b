//! What a fast sum over tiles is made of: the matrices of F(4×4, 3×3) and F(4×4, 2×2), applied to vectors of channels.
//!
//! A. Lavin and S. Gray, *Fast Algorithms for Convolutional Neural Networks* (2016), section 4: a 4×4 tile of the
//! output is Aᵀ \[(G g Gᵀ) ⊙ (Bᵀ d B)\] A with the taps g and the tile d of the input, as many pixels longer as there
//! are taps after the first. The adjoint in g is Gᵀ \[(Bᵀ d B) ⊙ (A e Aᵀ)\] G with the 4×4 tile e of the output's
//! gradient.
//!
//! Loops here and in the kernels that use them are plain, without closures: a closure that isn't inlined would be
//! compiled without the path's instructions.

use crate::simd::Float;

/// Channels that a transform takes at a time: a multiple of every path's vector.
pub(super) const WIDTH: usize = 16;
/// Side of an output tile.
pub(super) const TILE: usize = 4;
pub(super) type Vector<T> = [T; WIDTH];

/// The matrices for `TAPS` taps on a side, with transformed tiles of `SIDE` = `TILE` + `TAPS` - 1.
pub(super) trait Matrices<const SIDE: usize, const TAPS: usize> {
    /// G.
    const G: [[f64; TAPS]; SIDE];
    /// Bᵀ d: a tile of the input.
    fn b_transposed<T: Float, const FMA: bool>(d: [&Vector<T>; SIDE]) -> [Vector<T>; SIDE];
    /// Aᵀ m: back to a tile of the output.
    fn a_transposed<T: Float, const FMA: bool>(m: [&Vector<T>; SIDE]) -> [Vector<T>; TILE];
    /// A e: a tile of the output's gradient.
    fn a<T: Float, const FMA: bool>(e: [&Vector<T>; TILE]) -> [Vector<T>; SIDE];
    /// G w: the taps.
    fn g<T: Float>(w: [&Vector<T>; TAPS]) -> [Vector<T>; SIDE];
    /// Gᵀ m: back to the taps.
    fn g_transposed<T: Float>(m: [&Vector<T>; SIDE]) -> [Vector<T>; TAPS];
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
