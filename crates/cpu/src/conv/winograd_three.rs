//! F(4×4, 3×3) with the points 0, ±1, ±2, ∞: 36 products where the sum has 144.

use pulp::Simd;

use super::winograd_matrices::{Matrices, TILE};
use crate::simd::{Float, Packed};

/// Three taps on a side.
pub(super) struct Three;

impl Matrices<6, 3> for Three {
    const G: [[f64; 3]; 6] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];

    #[inline(always)]
    fn b_transposed<S: Simd, T: Float>([d0, d1, d2, d3, d4, d5]: [Packed<S, T>; 6]) -> [Packed<S, T>; 6] {
        let (two, four) = (d0.number(2.0), d0.number(4.0));
        let (minus_four, minus_five) = (d0.number(-4.0), d0.number(-5.0));
        let (even, odd) = (minus_four.fma(d2, d4), minus_four.fma(d1, d3));
        let (outer, inner) = (d4 - d2, two * (d3 - d1));
        [
            four.fma(d0, minus_five.fma(d2, d4)),
            even + odd,
            even - odd,
            outer + inner,
            outer - inner,
            four.fma(d1, minus_five.fma(d3, d5)),
        ]
    }

    #[inline(always)]
    fn a_transposed<S: Simd, T: Float>([m0, m1, m2, m3, m4, m5]: [Packed<S, T>; 6]) -> [Packed<S, T>; TILE] {
        let (sum1, difference1, sum2, difference2) = (m1 + m2, m1 - m2, m3 + m4, m3 - m4);
        [
            (m0 + sum1) + sum2,
            m0.number(2.0).fma(difference2, difference1),
            m0.number(4.0).fma(sum2, sum1),
            m0.number(8.0).fma(difference2, difference1) + m5,
        ]
    }

    #[inline(always)]
    fn a<S: Simd, T: Float>([e0, e1, e2, e3]: [Packed<S, T>; TILE]) -> [Packed<S, T>; 6] {
        let (two, four) = (e0.number(2.0), e0.number(4.0));
        let (even1, odd1) = (e0 + e2, e1 + e3);
        let (even2, odd2) = (four.fma(e2, e0), two * four.fma(e3, e1));
        [e0, even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, e3]
    }

    #[inline(always)]
    fn g<S: Simd, T: Float>([w0, w1, w2]: [Packed<S, T>; 3]) -> [Packed<S, T>; 6] {
        let (sixth, twelfth) = (w0.number(1.0 / 6.0), w0.number(1.0 / 12.0));
        let (outer, middle) = (w0.number(-1.0 / 6.0) * (w0 + w2), sixth * w1);
        let (even, odd) = (w0.number(1.0 / 24.0) * w0 + sixth * w2, twelfth * w1);
        [w0.number(1.0 / 4.0) * w0, outer - middle, outer + middle, even + odd, even - odd, w2]
    }

    #[inline(always)]
    fn g_transposed<S: Simd, T: Float>([m0, m1, m2, m3, m4, m5]: [Packed<S, T>; 6]) -> [Packed<S, T>; 3] {
        let (sixth, twelfth) = (m0.number(1.0 / 6.0), m0.number(1.0 / 12.0));
        let (sum1, difference1, sum2, difference2) = (m1 + m2, m2 - m1, m3 + m4, m3 - m4);
        [
            m0.number(1.0 / 4.0) * m0 - sixth * sum1 + m0.number(1.0 / 24.0) * sum2,
            sixth * difference1 + twelfth * difference2,
            sixth * (sum2 - sum1) + m5,
        ]
    }
}
