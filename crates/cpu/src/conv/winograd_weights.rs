//! Between weights and their transforms, kept as 36 matrices of pairs of channels.

use super::winograd_matrices::{G, SIDE, WIDTH, column, each, g, g_transposed, load, store};
use crate::simd::{Float, Kernel};

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
