//! F(4×4, 3×3) with the points 0, ±1, ±2, ∞: 36 products where the sum has 144.

use pulp::Simd;

use super::matrices::Matrices;
use crate::conv::fold::TILE;
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
        let two = d0.number(2.0);
        let four = d0.number(4.0);
        let minus_four = d0.number(-4.0);
        let minus_five = d0.number(-5.0);
        let even = minus_four.fma(d2, d4);
        let odd = minus_four.fma(d1, d3);
        let outer = d4 - d2;
        let inner = two * (d3 - d1);
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
        let sum1 = m1 + m2;
        let difference1 = m1 - m2;
        let sum2 = m3 + m4;
        let difference2 = m3 - m4;
        [
            (m0 + sum1) + sum2,
            m0.number(2.0).fma(difference2, difference1),
            m0.number(4.0).fma(sum2, sum1),
            m0.number(8.0).fma(difference2, difference1) + m5,
        ]
    }

    #[inline(always)]
    fn a<S: Simd, T: Float>([e0, e1, e2, e3]: [Packed<S, T>; TILE]) -> [Packed<S, T>; 6] {
        let two = e0.number(2.0);
        let four = e0.number(4.0);
        let even1 = e0 + e2;
        let odd1 = e1 + e3;
        let even2 = four.fma(e2, e0);
        let odd2 = two * four.fma(e3, e1);
        [e0, even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, e3]
    }

    #[inline(always)]
    fn g<S: Simd, T: Float>([w0, w1, w2]: [Packed<S, T>; 3]) -> [Packed<S, T>; 6] {
        let sixth = w0.number(1.0 / 6.0);
        let twelfth = w0.number(1.0 / 12.0);
        let outer = w0.number(-1.0 / 6.0) * (w0 + w2);
        let middle = sixth * w1;
        let even = w0.number(1.0 / 24.0) * w0 + sixth * w2;
        let odd = twelfth * w1;
        [w0.number(1.0 / 4.0) * w0, outer - middle, outer + middle, even + odd, even - odd, w2]
    }

    #[inline(always)]
    fn g_transposed<S: Simd, T: Float>([m0, m1, m2, m3, m4, m5]: [Packed<S, T>; 6]) -> [Packed<S, T>; 3] {
        let sixth = m0.number(1.0 / 6.0);
        let twelfth = m0.number(1.0 / 12.0);
        let sum1 = m1 + m2;
        let difference1 = m2 - m1;
        let sum2 = m3 + m4;
        let difference2 = m3 - m4;
        [
            m0.number(1.0 / 4.0) * m0 - sixth * sum1 + m0.number(1.0 / 24.0) * sum2,
            sixth * difference1 + twelfth * difference2,
            sixth * (sum2 - sum1) + m5,
        ]
    }
}
