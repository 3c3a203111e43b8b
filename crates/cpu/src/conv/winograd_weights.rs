//! Between weights and their transforms, kept as one matrix of pairs of channels for each point.

use std::marker::PhantomData;

use super::winograd_matrices::{Matrices, WIDTH, column, each, load, store};
use crate::simd::{Float, Kernel};

/// One row of the points of G g Gᵀ, for all pairs of channels: `weights` is `[TAPS²][pairs]`, `out` `[SIDE][pairs]`.
pub(super) struct TransformWeights<'a, T, F, const SIDE: usize, const TAPS: usize> {
    pub row: usize,
    pub weights: &'a [T],
    pub out: &'a mut [T],
    pub matrices: PhantomData<F>,
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize>
    TransformWeights<'_, T, F, SIDE, TAPS>
{
    #[inline(always)]
    fn group<const FULL: bool>(&mut self, row: [T; TAPS], pairs: usize, pair: usize) {
        let count = pairs - pair;
        let mut columns = [[T::ZERO; WIDTH]; TAPS];
        for (v, column) in columns.iter_mut().enumerate() {
            for (u, factor) in row.iter().enumerate() {
                let weights = load::<T, FULL>(self.weights, (u * TAPS + v) * pairs + pair, count);
                for l in 0..WIDTH {
                    column[l] += *factor * weights[l];
                }
            }
        }
        for (b, values) in F::g(each(&columns)).iter().enumerate() {
            store::<T, FULL>(self.out, b * pairs + pair, count, values);
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> Kernel
    for TransformWeights<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let pairs = self.out.len() / SIDE;
        let mut row = [T::ZERO; TAPS];
        for (factor, g) in row.iter_mut().zip(F::G[self.row]) {
            *factor = T::from_f64(g);
        }
        let whole = pairs / WIDTH * WIDTH;
        for pair in (0..whole).step_by(WIDTH) {
            self.group::<true>(row, pairs, pair);
        }
        if whole < pairs {
            self.group::<false>(row, pairs, whole);
        }
    }
}

/// Gᵀ m G for all pairs of channels: `products` is `[SIDE²][pairs]`, `out` `[TAPS²][pairs]`.
pub(super) struct StoreWeights<'a, T, F, const SIDE: usize, const TAPS: usize> {
    pub products: &'a [T],
    pub out: &'a mut [T],
    pub matrices: PhantomData<F>,
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize>
    StoreWeights<'_, T, F, SIDE, TAPS>
{
    #[inline(always)]
    fn group<const FULL: bool>(&mut self, pairs: usize, pair: usize) {
        let count = pairs - pair;
        let mut half = [[[T::ZERO; WIDTH]; TAPS]; SIDE];
        for (a, half) in half.iter_mut().enumerate() {
            let mut row = [[T::ZERO; WIDTH]; SIDE];
            for (b, values) in row.iter_mut().enumerate() {
                *values = load::<T, FULL>(self.products, (a * SIDE + b) * pairs + pair, count);
            }
            *half = F::g_transposed(each(&row));
        }
        for v in 0..TAPS {
            for (u, values) in F::g_transposed(column(&half, v)).iter().enumerate() {
                store::<T, FULL>(self.out, (u * TAPS + v) * pairs + pair, count, values);
            }
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> Kernel
    for StoreWeights<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let pairs = self.out.len() / (TAPS * TAPS);
        let whole = pairs / WIDTH * WIDTH;
        for pair in (0..whole).step_by(WIDTH) {
            self.group::<true>(pairs, pair);
        }
        if whole < pairs {
            self.group::<false>(pairs, whole);
        }
    }
}
