//! Convolution to very few channels, without im2col: every source pixel meets the weights of all taps at
//! once, and the target adds up what its window's pixels have for it.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::geometry::Window;
use super::lanes::{Lanes, run};
use super::way::{Call, Way};
use crate::simd::Float;

/// Taps times target channels that are summed together: a multiple of every path's vector.
const WIDTH: usize = 16;
/// Source pixels that are worked on together, so that additions don't wait for each other.
const PIXELS: usize = 8;
/// Source channels from which on the products outweigh the adding up.
const FEWEST_SOURCE_CHANNELS: usize = 16;
/// Target channels up to which this beats im2col and a matrix product.
const MOST_CHANNELS: usize = 4;
/// Elements of a strip's products: they stay in the second-level cache.
const STRIP: usize = 1 << 15;
/// Multiplications and additions that are worth a lane of its own.
const LANE_OPERATIONS: usize = 1 << 20;

/// The way for few target channels.
pub(super) struct Narrow;

/// Products of one source pixel: taps times target channels, rounded up to whole vectors.
fn products(window: &Window) -> usize {
    (window.kernel[0] * window.kernel[1] * window.target_channels).next_multiple_of(WIDTH)
}

/// Source rows that `rows` target rows of an image read, borders included.
fn source_rows(window: &Window, rows: usize) -> usize {
    (rows.max(1) - 1) * window.stride[0] + (window.kernel[0] - 1) * window.dilation[0] + 1
}

/// How the work is cut: lanes over the target rows of the batch, and rows of a strip.
struct Plan {
    lanes: Lanes,
    rows: usize,
    /// Elements of a strip's products.
    strip: usize,
}

impl Plan {
    fn new(window: &Window) -> Plan {
        let operations = (2 * window.depth() * window.target_channels * window.target[1]).max(1);
        let total = window.batch * window.target[0];
        let row = window.source[1] * products(window);
        let fits = |rows: &usize| source_rows(window, *rows).min(window.source[0]) * row <= STRIP;
        let rows = (1..=window.target[0]).rev().find(fits).unwrap_or(1);
        let strip = source_rows(window, rows).min(window.source[0]) * row;
        Plan { lanes: Lanes::new(total, (LANE_OPERATIONS / operations).max(1)), rows, strip }
    }
}

impl<T: Float> Way<T> for Narrow {
    fn fits(&self, window: &Window) -> bool {
        window.target_channels <= MOST_CHANNELS && window.source_channels >= FEWEST_SOURCE_CHANNELS
    }

    fn scratch(&self, window: &Window) -> usize {
        let plan = Plan::new(window);
        window.source_channels * products(window) + plan.lanes.count * plan.strip
    }

    fn run(&self, call: Call<T>) {
        let Call { path, window, source, weights, target, scratch } = call;
        let channels = window.source_channels;
        let lanes_of_pixel = products(window);
        let (by_channel, scratch) = scratch.split_at_mut(channels * lanes_of_pixel);
        by_channel.fill(T::ZERO);
        let outputs = window.target_channels;
        for (tap, weights) in weights.chunks_exact(channels * outputs).enumerate() {
            for (channel, weights) in weights.chunks_exact(outputs).enumerate() {
                by_channel[channel * lanes_of_pixel + tap * outputs..][..outputs].copy_from_slice(weights);
            }
        }
        let by_channel = &*by_channel;
        let plan = Plan::new(window);
        let row = window.target[1] * outputs;
        let parts = plan.lanes.split(target, |rows| rows * row);
        run(parts, scratch, plan.strip, |lane, mut target, products| {
            let Range { start: mut next, end } = plan.lanes.range(lane);
            while next < end {
                let (image, first) = (next / window.target[0], next % window.target[0]);
                let rows = plan.rows.min(window.target[0] - first).min(end - next);
                let (strip, rest) = target.split_at_mut(rows * row);
                let weights = by_channel;
                path.run_vectors(Strip { window, source, weights, image, first, products, target: strip });
                (target, next) = (rest, next + rows);
            }
        });
    }
}

/// The target rows from `first` on of one image.
struct Strip<'a, T> {
    window: &'a Window,
    source: &'a [T],
    /// `[source channel][products]`
    weights: &'a [T],
    image: usize,
    first: usize,
    products: &'a mut [T],
    target: &'a mut [T],
}

impl<T: Float> Strip<'_, T> {
    /// The source rows that the strip reads.
    #[inline(always)]
    fn source_rows(&self) -> Range<usize> {
        let window = self.window;
        let rows = self.target.len() / (window.target[1] * window.target_channels);
        let top = (self.first * window.stride[0]) as isize - window.offset[0];
        let clip = |row: isize| row.clamp(0, window.source[0] as isize) as usize;
        clip(top)..clip(top + source_rows(window, rows) as isize)
    }

    /// `[pixel][products]` of N pixels from pixel `pixel` of the batch on, written as pixel `to` of the
    /// strip.
    #[inline(always)]
    fn multiply<S: Simd, const N: usize>(&mut self, simd: S, pixel: usize, to: usize) {
        let channels = self.window.source_channels;
        let lanes = products(self.window);
        let mut source = [&self.source[..channels]; N];
        for (n, source) in source.iter_mut().enumerate() {
            *source = &self.source[(pixel + n) * channels..][..channels];
        }
        let out = T::vectors_mut(simd, &mut self.products[to * lanes..][..N * lanes]);
        let vectors = out.len() / N;
        for vector in 0..vectors {
            let mut sums = [T::splat(simd, T::ZERO); N];
            let weights = T::vectors(simd, self.weights).chunks_exact(vectors);
            for (channel, weights) in (0..channels).zip(weights) {
                let weights = weights[vector];
                for n in 0..N {
                    sums[n] = T::fma_vectors(simd, T::splat(simd, source[n][channel]), weights, sums[n]);
                }
            }
            for n in 0..N {
                out[n * vectors + vector] = sums[n];
            }
        }
    }

    /// Adds to target row `i` of the strip what tap `u`, `v` has for it; `rows` are the source rows at hand.
    #[inline(always)]
    fn add(&mut self, rows: &Range<usize>, i: usize, u: usize, v: usize) {
        let window = self.window;
        let lanes = products(self.window);
        let Some(source_row) = window.source_index(0, self.first + i, u) else { return };
        let columns = window.columns_inside(v);
        let Some(source_column) = window.source_index(1, columns.start, v) else { return };
        let outputs = window.target_channels;
        let tap = (u * window.kernel[1] + v) * outputs;
        let from = ((source_row - rows.start) * window.source[1] + source_column) * lanes + tap;
        let step = window.stride[1] * lanes;
        let row = i * window.target[1] * outputs;
        let row = &mut self.target[row + columns.start * outputs..row + columns.end * outputs];
        if outputs == 1 {
            for (j, target) in row.iter_mut().enumerate() {
                *target += self.products[from + j * step];
            }
            return;
        }
        for (j, target) in row.chunks_exact_mut(outputs).enumerate() {
            for (o, target) in target.iter_mut().enumerate() {
                *target += self.products[from + j * step + o];
            }
        }
    }
}

impl<T: Float> WithSimd for Strip<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let window = self.window;
        let rows = self.source_rows();
        let begin = self.image * window.source[0] + rows.start;
        let count = rows.len() * window.source[1];
        let mut pixel = 0;
        while pixel + PIXELS <= count {
            self.multiply::<S, PIXELS>(simd, begin * window.source[1] + pixel, pixel);
            pixel += PIXELS;
        }
        while pixel < count {
            self.multiply::<S, 1>(simd, begin * window.source[1] + pixel, pixel);
            pixel += 1;
        }
        self.target.fill(T::ZERO);
        for i in 0..self.target.len() / (window.target[1] * window.target_channels) {
            for u in 0..window.kernel[0] {
                for v in 0..window.kernel[1] {
                    self.add(&rows, i, u, v);
                }
            }
        }
    }
}
