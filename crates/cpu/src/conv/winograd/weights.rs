//! Between weights and their transforms, kept as one matrix of pairs of channels for each point.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::matrices::{Matrices, column};
use crate::simd::{Float, Packed};

/// One row of the points of G g Gᵀ, for all pairs of channels: `weights` is `[TAPS²][pairs]`, `out`
/// `[SIDE][pairs]`.
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
    fn group<S: Simd, const FULL: bool>(&mut self, simd: S, pairs: usize, pair: usize) {
        let count = Packed::<S, T>::LANES.min(pairs - pair);
        let mut columns = [Packed::splat(simd, T::ZERO); TAPS];
        for (v, column) in columns.iter_mut().enumerate() {
            for (u, factor) in F::G[self.row].iter().enumerate() {
                let weights = &self.weights[(u * TAPS + v) * pairs + pair..][..count];
                *column = *column + column.number(*factor) * Packed::load::<FULL>(simd, weights);
            }
        }
        for (b, values) in F::g(columns).iter().enumerate() {
            values.store::<FULL>(&mut self.out[b * pairs + pair..][..count]);
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> WithSimd
    for TransformWeights<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let pairs = self.out.len() / SIDE;
        let lanes = Packed::<S, T>::LANES;
        let whole = pairs / lanes * lanes;
        for pair in (0..whole).step_by(lanes) {
            self.group::<S, true>(simd, pairs, pair);
        }
        if whole < pairs {
            self.group::<S, false>(simd, pairs, whole);
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
    fn group<S: Simd, const FULL: bool>(&mut self, simd: S, pairs: usize, pair: usize) {
        let count = Packed::<S, T>::LANES.min(pairs - pair);
        let mut half = [[Packed::splat(simd, T::ZERO); TAPS]; SIDE];
        for (a, half) in half.iter_mut().enumerate() {
            let mut row = [Packed::splat(simd, T::ZERO); SIDE];
            for (b, values) in row.iter_mut().enumerate() {
                *values =
                    Packed::load::<FULL>(simd, &self.products[(a * SIDE + b) * pairs + pair..][..count]);
            }
            *half = F::g_transposed(row);
        }
        for v in 0..TAPS {
            for (u, values) in F::g_transposed(column(&half, v)).iter().enumerate() {
                values.store::<FULL>(&mut self.out[(u * TAPS + v) * pairs + pair..][..count]);
            }
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> WithSimd
    for StoreWeights<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let pairs = self.out.len() / (TAPS * TAPS);
        let lanes = Packed::<S, T>::LANES;
        let whole = pairs / lanes * lanes;
        for pair in (0..whole).step_by(lanes) {
            self.group::<S, true>(simd, pairs, pair);
        }
        if whole < pairs {
            self.group::<S, false>(simd, pairs, whole);
        }
    }
}
