//! F(4×4, 3×3) with the points 0, ±1, ±2, ∞: 36 products where the sum has 144.

use super::winograd_matrices::{Matrices, Vector, WIDTH};
use crate::simd::Float;

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
}
