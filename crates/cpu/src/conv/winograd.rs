//! 3×3 convolutions of stride 1 with 36 instead of 144 products per 4×4 output tile.
//!
//! A. Lavin and S. Gray, *Fast Algorithms for Convolutional Neural Networks* (2016). Tiles are taken in blocks whose
//! transforms stay in the second-level cache: transform, 36 matrix products, transform back. The weight gradient
//! adds up its products over all tiles in the transformed domain.

use std::ops::Range;

use rayon::prelude::*;

use super::geometry::Window;
use super::lanes::{Lanes, run};
use super::winograd_matrices::{POINTS, SIDE, TILE};
use super::winograd_tiles::{StoreTarget, TransformSource, TransformTarget, tiles};
use super::winograd_weights::{StoreWeights, TransformWeights};
use crate::matmul::{gemm_into, sum_partials};
use crate::simd::{Float, Path};

/// Fewer channels than this make the products too thin.
const FEWEST_CHANNELS: usize = 8;
/// Bytes of a block's transformed tiles.
const BLOCK_BYTES: usize = 1 << 20;
/// Tiles in a block at least, else the transformed weights are read too often.
const FEWEST_TILES: usize = 48;
/// Multiplications and additions that are worth a lane of its own.
const LANE_OPERATIONS: usize = 1 << 21;
/// Added to the distance between a block's 36 matrices, so that they don't fall on the same cache sets.
const SKEW: usize = 48;

/// Whether Winograd applies to `window` and is less work than the direct sum.
pub(super) fn pays(window: &Window) -> bool {
    let channels = window.source_channels.min(window.target_channels);
    let applies = window.kernel == [3, 3] && window.unit_stride() && window.dilation == [1, 1];
    let [down, across] = tiles(window);
    // The products are a third slower here than in one large product, and transforms come on top.
    let cheaper = down * across * POINTS * 3 / 2 <= window.target[0] * window.target[1] * 9;
    applies && channels >= FEWEST_CHANNELS && cheaper && window.batch * down * across >= 8
}

struct Plan {
    /// Lanes over rows of tiles.
    lanes: Lanes,
    /// Tiles in a row.
    across: usize,
    /// Tiles in a block.
    block: usize,
}

impl Plan {
    fn new<T>(window: &Window, blocks_per_lane: usize) -> Plan {
        let [down, across] = tiles(window);
        let channels = window.source_channels + window.target_channels;
        let block = (BLOCK_BYTES / (POINTS * channels * size_of::<T>())).clamp(FEWEST_TILES, 256);
        let tile_operations = 2 * POINTS * (pairs(window) + SIDE * channels);
        let fewest = (LANE_OPERATIONS / tile_operations).clamp(FEWEST_TILES, block);
        let lanes = Lanes::new(window.batch * down, (fewest * blocks_per_lane).div_ceil(across));
        // Even blocks, so that none is left with a few tiles.
        let longest = lanes.longest() * across;
        let blocks = ((longest + block / 2) / block).max(1);
        Plan { lanes, across, block: longest.div_ceil(blocks) }
    }

    fn source_stride(&self, window: &Window) -> usize {
        self.block * window.source_channels + SKEW
    }

    fn target_stride(&self, window: &Window) -> usize {
        self.block * window.target_channels + SKEW
    }

    /// Elements of a lane's two transformed blocks.
    fn buffer(&self, window: &Window) -> usize {
        POINTS * (self.source_stride(window) + self.target_stride(window))
    }

    /// First tile and number of tiles of every block of a lane.
    fn blocks(&self, lane: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Range { start, end } = self.lanes.range(lane);
        let (end, block) = (end * self.across, self.block);
        (start * self.across..end).step_by(block).map(move |first| (first, block.min(end - first)))
    }
}

/// The first target row, over the whole batch, of a row of tiles.
fn target_row(window: &Window, tile_row: usize) -> usize {
    let [down, _] = tiles(window);
    tile_row / down * window.target[0] + tile_row % down * TILE
}

fn pairs(window: &Window) -> usize {
    window.source_channels * window.target_channels
}

/// Scratch of [`forward`].
pub(super) fn forward_scratch<T>(window: &Window) -> usize {
    let plan = Plan::new::<T>(window, 1);
    POINTS * pairs(window) + plan.lanes.count * plan.buffer(window)
}

/// target = the sum over taps of source · weights, weights `[3, 3, source channel, target channel]`.
pub(super) fn forward<T: Float>(
    path: Path,
    window: &Window,
    source: &[T],
    weights: &[T],
    target: &mut [T],
    scratch: &mut [T],
) {
    let (inputs, outputs, pairs) = (window.source_channels, window.target_channels, pairs(window));
    let plan = Plan::new::<T>(window, 1);
    let (transformed, scratch) = scratch.split_at_mut(POINTS * pairs);
    transform_weights(path, weights, transformed);
    let transformed = &*transformed;

    let row = window.target[1] * outputs;
    let (source_stride, target_stride) = (plan.source_stride(window), plan.target_stride(window));
    let parts = plan.lanes.split(target, |tile_rows| target_row(window, tile_rows) * row);
    run(parts, scratch, plan.buffer(window), |lane, target, buffer| {
        let origin = target_row(window, plan.lanes.range(lane).start) * row;
        let (tiles, products) = buffer.split_at_mut(POINTS * source_stride);
        for (first, count) in plan.blocks(lane) {
            path.run(TransformSource { window, first, count, source, out: tiles, stride: source_stride });
            for point in 0..POINTS {
                let tiles = &tiles[point * source_stride..][..count * inputs];
                let weights = &transformed[point * pairs..][..pairs];
                let products = &mut products[point * target_stride..][..count * outputs];
                let sizes = [count, inputs, outputs];
                gemm_into(sizes, tiles, [inputs, 1], weights, [outputs, 1], products, [outputs, 1], false);
            }
            path.run(StoreTarget { window, first, count, products, stride: target_stride, target, origin });
        }
    });
}

fn transform_weights<T: Float>(path: Path, weights: &[T], out: &mut [T]) {
    let rows = out.len() / SIDE;
    let transform = |(row, out): (usize, &mut [T])| path.run(TransformWeights { row, weights, out });
    if weights.len() < 1 << 17 {
        out.chunks_exact_mut(rows).enumerate().for_each(transform);
    } else {
        out.par_chunks_exact_mut(rows).enumerate().for_each(transform);
    }
}

/// Scratch of [`weight_gradient`].
pub(super) fn weight_gradient_scratch<T>(window: &Window) -> usize {
    let plan = Plan::new::<T>(window, 2);
    plan.lanes.count * ((9 + POINTS) * pairs(window) + plan.buffer(window))
}

/// The adjoint of [`forward`] in `weights`.
pub(super) fn weight_gradient<T: Float>(
    path: Path,
    window: &Window,
    source: &[T],
    target: &[T],
    weights: &mut [T],
    scratch: &mut [T],
) {
    let (inputs, outputs, pairs) = (window.source_channels, window.target_channels, pairs(window));
    let plan = Plan::new::<T>(window, 2);
    let (source_stride, target_stride) = (plan.source_stride(window), plan.target_stride(window));
    let (partials, scratch) = scratch.split_at_mut(plan.lanes.count * 9 * pairs);
    let parts = partials.chunks_exact_mut(9 * pairs).collect();
    run(parts, scratch, POINTS * pairs + plan.buffer(window), |lane, partial, buffer| {
        let (products, buffer) = buffer.split_at_mut(POINTS * pairs);
        let (tiles, gradients) = buffer.split_at_mut(POINTS * source_stride);
        for (index, (first, count)) in plan.blocks(lane).enumerate() {
            path.run(TransformSource { window, first, count, source, out: tiles, stride: source_stride });
            path.run(TransformTarget { window, first, count, target, out: gradients, stride: target_stride });
            for point in 0..POINTS {
                let tiles = &tiles[point * source_stride..][..count * inputs];
                let gradients = &gradients[point * target_stride..][..count * outputs];
                let products = &mut products[point * pairs..][..pairs];
                let sizes = [inputs, count, outputs];
                let accumulate = index > 0;
                gemm_into(
                    sizes,
                    tiles,
                    [1, inputs],
                    gradients,
                    [outputs, 1],
                    products,
                    [outputs, 1],
                    accumulate,
                );
            }
        }
        path.run(StoreWeights { products, out: partial });
    });
    sum_partials(partials, weights);
}
