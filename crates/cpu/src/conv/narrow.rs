//! Convolution to very few channels: dot products along the source's channels, without im2col.

use std::ops::Range;

use super::geometry::Window;
use crate::simd::{Float, Kernel};

/// Elements that one step of a dot product takes: a multiple of every path's vector.
const WIDTH: usize = 16;
/// Independent sums, which hide the latency of the additions.
const SUMS: usize = 4;

/// Target channels up to which this beats im2col and a matrix product.
pub(super) const MOST_CHANNELS: usize = 4;

/// Whether [`Narrow`] is the way to go.
pub(super) fn fits(window: &Window) -> bool {
    window.target_channels <= MOST_CHANNELS && window.source_channels >= WIDTH
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
                let mut sums = [[T::ZERO; WIDTH]; SUMS];
                for u in 0..window.kernel[0] {
                    let stretches = window.stretches(place, u);
                    for index in 0..stretches.count {
                        let (from, tap) = stretches.begin(index);
                        let values = &self.source[from..from + stretches.length];
                        accumulate::<T, FMA>(&mut sums, values, &weights[tap..tap + stretches.length]);
                    }
                }
                *value = total(&sums);
            }
            place = window.advance(place);
        }
    }
}

#[inline(always)]
fn accumulate<T: Float, const FMA: bool>(sums: &mut [[T; WIDTH]; SUMS], x: &[T], w: &[T]) {
    let (x, x_rest) = x.as_chunks::<WIDTH>();
    let (w, w_rest) = w.as_chunks::<WIDTH>();
    let (x_blocks, x_single) = x.as_chunks::<SUMS>();
    let (w_blocks, w_single) = w.as_chunks::<SUMS>();
    let mut local = *sums;
    for (x, w) in x_blocks.iter().zip(w_blocks) {
        for s in 0..SUMS {
            for l in 0..WIDTH {
                local[s][l] = T::fma::<FMA>(x[s][l], w[s][l], local[s][l]);
            }
        }
    }
    for (x, w) in x_single.iter().zip(w_single) {
        for l in 0..WIDTH {
            local[0][l] = T::fma::<FMA>(x[l], w[l], local[0][l]);
        }
    }
    for l in 0..x_rest.len().min(WIDTH) {
        local[1][l] = T::fma::<FMA>(x_rest[l], w_rest[l], local[1][l]);
    }
    *sums = local;
}

#[inline(always)]
fn total<T: Float>(sums: &[[T; WIDTH]; SUMS]) -> T {
    let mut half = [T::ZERO; WIDTH];
    for l in 0..WIDTH {
        half[l] = (sums[0][l] + sums[1][l]) + (sums[2][l] + sums[3][l]);
    }
    let mut width = WIDTH / 2;
    while width > 0 {
        for l in 0..width {
            half[l] = half[l] + half[l + width];
        }
        width /= 2;
    }
    half[0]
}
