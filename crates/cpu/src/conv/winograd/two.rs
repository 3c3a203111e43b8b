//! F(4×4, 2×2) with the points 0, ±1, 2, ∞: 25 products where the sum has 64.

use pulp::Simd;

use super::matrices::Matrices;
use crate::conv::fold::TILE;
use crate::simd::{Float, Packed};

/// Two taps on a side.
pub(super) struct Two;

impl Matrices<5, 2> for Two {
    const G: [[f64; 2]; 5] = [
        [1.0 / 2.0, 0.0],
        [-1.0 / 2.0, -1.0 / 2.0],
        [-1.0 / 6.0, 1.0 / 6.0],
        [1.0 / 6.0, 1.0 / 3.0],
        [0.0, 1.0],
    ];

    #[inline(always)]
    fn b_transposed<S: Simd, T: Float>([d0, d1, d2, d3, d4]: [Packed<S, T>; 5]) -> [Packed<S, T>; 5] {
        let two = d0.number(2.0);
        let minus_two = d0.number(-2.0);
        let minus_three = d0.number(-3.0);
        let odd = d3 - d1;
        [
            two.fma(d0 - d2, odd),
            minus_two.fma(d1, d3 - d2),
            two.fma(d1, minus_three.fma(d2, d3)),
            odd,
            minus_two.fma(odd, d4 - d2),
        ]
    }

    #[inline(always)]
    fn a_transposed<S: Simd, T: Float>([m0, m1, m2, m3, m4]: [Packed<S, T>; 5]) -> [Packed<S, T>; TILE] {
        let sum = m1 + m2;
        let difference = m1 - m2;
        [
            (m0 + sum) + m3,
            m0.number(2.0).fma(m3, difference),
            m0.number(4.0).fma(m3, sum),
            m0.number(8.0).fma(m3, difference) + m4,
        ]
    }

    #[inline(always)]
    fn a<S: Simd, T: Float>([e0, e1, e2, e3]: [Packed<S, T>; TILE]) -> [Packed<S, T>; 5] {
        let two = e0.number(2.0);
        let four = e0.number(4.0);
        let even = e0 + e2;
        let odd = e1 + e3;
        [e0, even + odd, even - odd, two.fma(four.fma(e3, e1), four.fma(e2, e0)), e3]
    }

    #[inline(always)]
    fn g<S: Simd, T: Float>([w0, w1]: [Packed<S, T>; 2]) -> [Packed<S, T>; 5] {
        let half = w0.number(1.0 / 2.0);
        let third = w0.number(1.0 / 3.0);
        let sixth = w0.number(1.0 / 6.0);
        [half * w0, w0.number(-1.0 / 2.0) * (w0 + w1), sixth * (w1 - w0), sixth * w0 + third * w1, w1]
    }

    #[inline(always)]
    fn g_transposed<S: Simd, T: Float>([m0, m1, m2, m3, m4]: [Packed<S, T>; 5]) -> [Packed<S, T>; 2] {
        let half = m0.number(1.0 / 2.0);
        let third = m0.number(1.0 / 3.0);
        let sixth = m0.number(1.0 / 6.0);
        [half * (m0 - m1) + sixth * (m3 - m2), (sixth * m2 + third * m3 - half * m1) + m4]
    }
}
