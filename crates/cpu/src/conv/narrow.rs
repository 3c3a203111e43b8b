//! Convolution to very few channels: dot products along the source's channels, without im2col.

use std::ops::Range;

use super::geometry::Window;
use crate::simd::{Float, Kernel};

/// Independent sums of a dot product: four of the widest path's vectors, which hides the latency of additions, and
/// too many for the compiler to unroll them into single numbers before it forms vectors.
const SUMS: usize = 64;

/// Source channels from which on the sums above are worth their reduction.
const FEWEST_SOURCE_CHANNELS: usize = 16;

/// Target channels up to which this beats im2col and a matrix product.
pub(super) const MOST_CHANNELS: usize = 4;

/// Whether [`Narrow`] is the way to go.
pub(super) fn fits(window: &Window) -> bool {
    window.target_channels <= MOST_CHANNELS && window.source_channels >= FEWEST_SOURCE_CHANNELS
}

/// Computes the target pixels in `positions`. `weights` is `[target channel, taps, source channel]`.
pub(super) struct Narrow<'a, T> {
    pub window: &'a Window,
    pub source: &'a [T],
    pub weights: &'a [T],
    pub positions: Range<usize>,
    pub target: &'a mut [T],
}

impl<T: Float> Kernel for Narrow<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let window = self.window;
        let depth = window.depth();
        let mut place = window.locate(self.positions.start);
        for pixel in self.target.chunks_exact_mut(window.target_channels) {
            for (value, weights) in pixel.iter_mut().zip(self.weights.chunks_exact(depth)) {
                let mut sums = [T::ZERO; SUMS];
                for u in 0..window.kernel[0] {
                    let stretches = window.stretches(place, u);
                    for index in 0..stretches.count {
                        let (from, tap) = stretches.begin(index);
                        let values = &self.source[from..from + stretches.length];
                        accumulate::<T, FMA>(&mut sums, values, &weights[tap..tap + stretches.length]);
                    }
                }
                *value = total(sums);
            }
            place = window.advance(place);
        }
    }
}

#[inline(always)]
fn accumulate<T: Float, const FMA: bool>(sums: &mut [T; SUMS], x: &[T], w: &[T]) {
    let (x, x_rest) = x.as_chunks::<SUMS>();
    let (w, w_rest) = w.as_chunks::<SUMS>();
    for (x, w) in x.iter().zip(w) {
        for l in 0..SUMS {
            sums[l] = T::fma::<FMA>(x[l], w[l], sums[l]);
        }
    }
    for ((x, w), sum) in x_rest.iter().zip(w_rest).zip(sums) {
        *sum = T::fma::<FMA>(*x, *w, *sum);
    }
}

#[inline(always)]
fn total<T: Float>(mut sums: [T; SUMS]) -> T {
    let mut width = SUMS / 2;
    while width > 0 {
        let (low, high) = sums.split_at_mut(width);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        width /= 2;
    }
    sums[0]
}
