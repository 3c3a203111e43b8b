//! F(4×4, 2×2) with the points 0, ±1, 2, ∞: 25 products where the sum has 64.

use super::winograd_matrices::{Matrices, TILE, Vector, WIDTH};
use crate::simd::Float;

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
    fn b_transposed<T: Float, const FMA: bool>(d: [&Vector<T>; 5]) -> [Vector<T>; 5] {
        let (two, three) = (T::from_f64(2.0), T::from_f64(3.0));
        let mut out = [[T::ZERO; WIDTH]; 5];
        for l in 0..WIDTH {
            let [d0, d1, d2, d3, d4] = [d[0][l], d[1][l], d[2][l], d[3][l], d[4][l]];
            let odd = d3 - d1;
            out[0][l] = T::fma::<FMA>(two, d0 - d2, odd);
            out[1][l] = T::fma::<FMA>(-two, d1, d3 - d2);
            out[2][l] = T::fma::<FMA>(two, d1, T::fma::<FMA>(-three, d2, d3));
            out[3][l] = odd;
            out[4][l] = T::fma::<FMA>(-two, odd, d4 - d2);
        }
        out
    }

    #[inline(always)]
    fn a_transposed<T: Float, const FMA: bool>(m: [&Vector<T>; 5]) -> [Vector<T>; TILE] {
        let (two, four, eight) = (T::from_f64(2.0), T::from_f64(4.0), T::from_f64(8.0));
        let mut out = [[T::ZERO; WIDTH]; TILE];
        for l in 0..WIDTH {
            let (sum, difference) = (m[1][l] + m[2][l], m[1][l] - m[2][l]);
            out[0][l] = (m[0][l] + sum) + m[3][l];
            out[1][l] = T::fma::<FMA>(two, m[3][l], difference);
            out[2][l] = T::fma::<FMA>(four, m[3][l], sum);
            out[3][l] = T::fma::<FMA>(eight, m[3][l], difference) + m[4][l];
        }
        out
    }

    #[inline(always)]
    fn a<T: Float, const FMA: bool>(e: [&Vector<T>; TILE]) -> [Vector<T>; 5] {
        let (two, four) = (T::from_f64(2.0), T::from_f64(4.0));
        let mut out = [[T::ZERO; WIDTH]; 5];
        for l in 0..WIDTH {
            let [e0, e1, e2, e3] = [e[0][l], e[1][l], e[2][l], e[3][l]];
            let (even, odd) = (e0 + e2, e1 + e3);
            out[0][l] = e0;
            out[1][l] = even + odd;
            out[2][l] = even - odd;
            out[3][l] = T::fma::<FMA>(two, T::fma::<FMA>(four, e3, e1), T::fma::<FMA>(four, e2, e0));
            out[4][l] = e3;
        }
        out
    }

    #[inline(always)]
    fn g<T: Float>(w: [&Vector<T>; 2]) -> [Vector<T>; 5] {
        let (half, third, sixth) = (T::from_f64(1.0 / 2.0), T::from_f64(1.0 / 3.0), T::from_f64(1.0 / 6.0));
        let mut out = [[T::ZERO; WIDTH]; 5];
        for l in 0..WIDTH {
            let [w0, w1] = [w[0][l], w[1][l]];
            out[0][l] = half * w0;
            out[1][l] = -half * (w0 + w1);
            out[2][l] = sixth * (w1 - w0);
            out[3][l] = sixth * w0 + third * w1;
            out[4][l] = w1;
        }
        out
    }

    #[inline(always)]
    fn g_transposed<T: Float>(m: [&Vector<T>; 5]) -> [Vector<T>; 2] {
        let (half, third, sixth) = (T::from_f64(1.0 / 2.0), T::from_f64(1.0 / 3.0), T::from_f64(1.0 / 6.0));
        let mut out = [[T::ZERO; WIDTH]; 2];
        for l in 0..WIDTH {
            out[0][l] = half * (m[0][l] - m[1][l]) + sixth * (m[3][l] - m[2][l]);
            out[1][l] = (sixth * m[2][l] + third * m[3][l] - half * m[1][l]) + m[4][l];
        }
        out
    }
}
