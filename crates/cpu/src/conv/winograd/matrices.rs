//! What a fast sum over tiles is made of: the matrices of F(4×4, 3×3) and F(4×4, 2×2), applied to vectors of
//! channels.
//!
//! A. Lavin and S. Gray, *Fast Algorithms for Convolutional Neural Networks* (2016), section 4: a 4×4 tile of
//! the output is Aᵀ \[(G g Gᵀ) ⊙ (Bᵀ d B)\] A with the taps g and the tile d of the input, as many pixels
//! longer as there are taps after the first. The adjoint in g is Gᵀ \[(Bᵀ d B) ⊙ (A e Aᵀ)\] G with the 4×4
//! tile e of the output's gradient.

use pulp::Simd;

use crate::conv::fold::TILE;
use crate::simd::{Float, Packed};

/// The matrices for `TAPS` taps on a side, with transformed tiles of `SIDE` = `TILE` + `TAPS` - 1, applied to
/// vectors of channels.
pub(super) trait Matrices<const SIDE: usize, const TAPS: usize> {
    /// G.
    const G: [[f64; TAPS]; SIDE];
    /// Bᵀ d: a tile of the input.
    fn b_transposed<S: Simd, T: Float>(d: [Packed<S, T>; SIDE]) -> [Packed<S, T>; SIDE];
    /// Aᵀ m: back to a tile of the output.
    fn a_transposed<S: Simd, T: Float>(m: [Packed<S, T>; SIDE]) -> [Packed<S, T>; TILE];
    /// A e: a tile of the output's gradient.
    fn a<S: Simd, T: Float>(e: [Packed<S, T>; TILE]) -> [Packed<S, T>; SIDE];
    /// G w: the taps.
    fn g<S: Simd, T: Float>(w: [Packed<S, T>; TAPS]) -> [Packed<S, T>; SIDE];
    /// Gᵀ m: back to the taps.
    fn g_transposed<S: Simd, T: Float>(m: [Packed<S, T>; SIDE]) -> [Packed<S, T>; TAPS];
}

/// One column of `N` rows of vectors.
#[inline(always)]
pub(super) fn column<S: Simd, T: Float, const N: usize, const M: usize>(
    rows: &[[Packed<S, T>; M]; N],
    index: usize,
) -> [Packed<S, T>; N] {
    let mut out = [rows[0][index]; N];
    for (out, row) in out.iter_mut().zip(rows) {
        *out = row[index];
    }
    out
}
