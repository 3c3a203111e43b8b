//! Convolution of very few channels, without im2col: each value of the source is multiplied with all target
//! channels of its tap where it stands.

use pulp::{Simd, WithSimd};

use super::geometry::Window;
use super::lanes::{Lanes, run};
use super::way::{Call, Way};
use crate::simd::Float;

/// Target channels are rounded up to a multiple of this, and of every path's vector.
const WIDTH: usize = 16;
/// Target pixels that are worked on together, so that additions don't wait for each other.
const PIXELS: usize = 4;
/// Source channels up to which this beats im2col and a matrix product.
const MOST_SOURCE_CHANNELS: usize = 4;
/// Target channels from which on it does.
const FEWEST_CHANNELS: usize = 8;
/// Multiplications and additions that are worth a lane of its own.
const LANE_OPERATIONS: usize = 1 << 20;

/// The way for few source channels.
pub(super) struct Shallow;

fn width(window: &Window) -> usize {
    window.target_channels.next_multiple_of(WIDTH)
}

/// Elements of a source row with its borders.
fn bordered(window: &Window) -> usize {
    let reach = (window.kernel[1] - 1) * window.dilation[1] + 1;
    ((window.target[1] - 1) * window.stride[1] + reach) * window.source_channels
}

/// Lanes over the target rows of the batch.
fn lanes(window: &Window) -> Lanes {
    let operations = (2 * window.depth() * window.target_channels * window.target[1]).max(1);
    Lanes::new(window.batch * window.target[0], (LANE_OPERATIONS / operations).max(1))
}

impl<T: Float> Way<T> for Shallow {
    fn fits(&self, window: &Window) -> bool {
        window.source_channels <= MOST_SOURCE_CHANNELS && window.target_channels >= FEWEST_CHANNELS
    }

    fn scratch(&self, window: &Window) -> usize {
        window.depth() * width(window) + lanes(window).count * window.kernel[0] * bordered(window)
    }

    fn run(&self, call: Call<T>) {
        let Call { path, window, source, weights, target, scratch } = call;
        let (padded, scratch) = scratch.split_at_mut(window.depth() * width(window));
        padded.fill(T::ZERO);
        let rows = padded.chunks_exact_mut(width(window)).zip(weights.chunks_exact(window.target_channels));
        rows.for_each(|(padded, weights)| padded[..weights.len()].copy_from_slice(weights));
        let weights = &*padded;
        let lanes = lanes(window);
        let row = window.target[1] * window.target_channels;
        let parts = lanes.split(target, |rows| rows * row);
        run(parts, scratch, window.kernel[0] * bordered(window), |lane, target, bordered| {
            for (number, target) in lanes.range(lane).zip(target.chunks_exact_mut(row)) {
                path.run_vectors(Row { window, source, weights, number, bordered, target });
            }
        });
    }
}

/// Target row `number` of the batch.
struct Row<'a, T> {
    window: &'a Window,
    source: &'a [T],
    /// `[taps, source channel][width]`
    weights: &'a [T],
    number: usize,
    /// One source row with its borders for each row of taps.
    bordered: &'a mut [T],
    target: &'a mut [T],
}

impl<T: Float> Row<'_, T> {
    /// Copies the source rows that the taps read, with zeros around them.
    #[inline(always)]
    fn fill(&mut self) {
        let window = self.window;
        let (image, i) = (self.number / window.target[0], self.number % window.target[0]);
        let length = window.source[1] * window.source_channels;
        let left = window.offset[1] * window.source_channels as isize;
        for (u, out) in self.bordered.chunks_exact_mut(bordered(window)).enumerate() {
            out.fill(T::ZERO);
            let Some(row) = window.source_index(0, i, u) else { continue };
            let row = &self.source[(image * window.source[0] + row) * length..][..length];
            let to = left.clamp(0, out.len() as isize) as usize;
            let from = (-left).clamp(0, row.len() as isize) as usize;
            let count = (out.len() - to).min(row.len() - from);
            out[to..to + count].copy_from_slice(&row[from..from + count]);
        }
    }

    /// N target pixels from column `j` on, all channels.
    #[inline(always)]
    fn pixels<S: Simd, const N: usize>(&mut self, simd: S, j: usize) {
        let vectors = T::vectors(simd, &self.weights[..width(self.window)]).len();
        let mut vector = 0;
        while vector + 2 <= vectors {
            self.block::<S, N, 2>(simd, j, vector, vectors);
            vector += 2;
        }
        if vector < vectors {
            self.block::<S, N, 1>(simd, j, vector, vectors);
        }
    }

    /// N target pixels from column `j` on, M of the `vectors` that hold the channels of one.
    #[inline(always)]
    fn block<S: Simd, const N: usize, const M: usize>(
        &mut self,
        simd: S,
        j: usize,
        vector: usize,
        vectors: usize,
    ) {
        let window = self.window;
        let inputs = window.source_channels;
        let step = window.stride[1] * inputs;
        let reach = bordered(window);
        let mut rows = T::vectors(simd, self.weights).chunks_exact(vectors);
        let mut sums = [[T::splat(simd, T::ZERO); M]; N];
        for u in 0..window.kernel[0] {
            for v in 0..window.kernel[1] {
                let from = u * reach + j * step + v * window.dilation[1] * inputs;
                let values = &self.bordered[from..][..(N - 1) * step + inputs];
                for (c, weights) in rows.by_ref().take(inputs).enumerate() {
                    let weights = &weights[vector..][..M];
                    for n in 0..N {
                        let value = T::splat(simd, values[n * step + c]);
                        for m in 0..M {
                            sums[n][m] = T::fma_vectors(simd, value, weights[m], sums[n][m]);
                        }
                    }
                }
            }
        }
        let outputs = window.target_channels;
        let lanes = width(window) / vectors;
        let begin = vector * lanes;
        let end = outputs.min((vector + M) * lanes);
        if begin >= end {
            return;
        }
        let mut room = [T::ZERO; 2 * WIDTH];
        for (n, sums) in sums.iter().enumerate() {
            let target = &mut self.target[(j + n) * outputs..][begin..end];
            if end - begin == M * lanes {
                T::vectors_mut(simd, target)[..M].copy_from_slice(sums);
            } else {
                T::vectors_mut(simd, &mut room)[..M].copy_from_slice(sums);
                target.copy_from_slice(&room[..end - begin]);
            }
        }
    }
}

impl<T: Float> WithSimd for Row<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.fill();
        let mut j = 0;
        while j + PIXELS <= self.window.target[1] {
            self.pixels::<S, PIXELS>(simd, j);
            j += PIXELS;
        }
        while j < self.window.target[1] {
            self.pixels::<S, 1>(simd, j);
            j += 1;
        }
    }
}
