//! 3×3 convolutions of stride 1, and 4×4 ones of stride 2, with 36 and 25 instead of 144 and 64 products per
//! 4×4 output tile.
//!
//! A. Lavin and S. Gray, *Fast Algorithms for Convolutional Neural Networks* (2016). Tiles are taken in
//! blocks whose transforms stay in the second-level cache: transform, a matrix product for each point,
//! transform back. The weight gradient adds up its products over all tiles in the transformed domain.

mod matrices;
mod three;
mod tiles;
mod two;
mod weights;

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::fold::{TILE, Tiled};
use super::lanes::{Lanes, run};
use crate::matmul::{gemm_into, sum_partials};
use crate::simd::{Float, Instructions};
use matrices::Matrices;
use three::Three;
use tiles::{Block, StoreTarget, TransformSource, TransformTarget};
use two::Two;
use weights::{StoreWeights, TransformWeights};

/// Fewer channels than this make the products too thin.
const FEWEST_CHANNELS: usize = 8;
/// Bytes of a block's transformed tiles.
const BLOCK_BYTES: usize = 1 << 19;
/// Tiles in a block at least, else the transformed weights are read too often.
const FEWEST_TILES: usize = 32;
/// Multiplications and additions that are worth a lane of its own.
const LANE_OPERATIONS: usize = 1 << 21;
/// Added to the distance between a block's matrices, so that they don't fall on the same cache sets.
const SKEW: usize = 48;

/// The sum that `sum` is, where tiles are less work than the direct sum.
pub(super) fn pays(sum: &Tiled) -> bool {
    let channels = [sum.source.channels, sum.target.channels, sum.source.depth(), sum.target.depth()];
    let [down, across] = sum.tiles();
    let tiled = down * across * points(sum);
    let direct = sum.extent[0] * sum.extent[1] * sum.taps * sum.taps;
    // The products are a third slower here than in one large product, and transforms come on top.
    let cheaper = tiled * 3 / 2 <= direct;
    channels.iter().all(|channels| *channels >= FEWEST_CHANNELS) && cheaper && sum.batch * down * across >= 8
}

/// Side of a transformed tile.
fn side(sum: &Tiled) -> usize {
    TILE + sum.taps - 1
}

/// Elements of a transformed tile.
pub(super) fn points(sum: &Tiled) -> usize {
    side(sum) * side(sum)
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
    fn new<T>(sum: &Tiled, blocks_per_lane: usize) -> Plan {
        let [down, across] = sum.tiles();
        let channels = sum.source.depth() + sum.target.depth();
        let block = (BLOCK_BYTES / (points(sum) * channels * size_of::<T>())).clamp(FEWEST_TILES, 256);
        let tile_operations = 2 * points(sum) * (sum.pairs() + side(sum) * channels);
        let fewest = (LANE_OPERATIONS / tile_operations).clamp(FEWEST_TILES, block);
        let lanes = Lanes::new(sum.batch * down, (fewest * blocks_per_lane).div_ceil(across));
        // Even blocks, so that none is left with a few tiles.
        let longest = lanes.longest() * across;
        let blocks = ((longest + block / 2) / block).max(1);
        Plan { lanes, across, block: longest.div_ceil(blocks) }
    }

    fn source_stride(&self, sum: &Tiled) -> usize {
        self.block * sum.source.depth() + SKEW
    }

    fn target_stride(&self, sum: &Tiled) -> usize {
        self.block * sum.target.depth() + SKEW
    }

    /// Elements of a lane's two transformed blocks.
    fn buffer(&self, sum: &Tiled) -> usize {
        points(sum) * (self.source_stride(sum) + self.target_stride(sum))
    }

    /// First tile and number of tiles of every block of a lane.
    fn blocks(&self, lane: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Range { start, end } = self.lanes.range(lane);
        let end = end * self.across;
        let block = self.block;
        (start * self.across..end).step_by(block).map(move |first| (first, block.min(end - first)))
    }
}

/// Elements of scratch of [`forward`].
pub(super) fn forward_scratch<T>(sum: &Tiled) -> usize {
    let plan = Plan::new::<T>(sum, 1);
    points(sum) * sum.pairs() + plan.lanes.count * plan.buffer(sum)
}

/// target = the sum over taps of source · weights, weights `[taps, source depth, target depth]`.
pub(super) fn forward<T: Float>(
    path: Instructions,
    sum: &Tiled,
    source: &[T],
    weights: &[T],
    target: &mut [T],
    scratch: &mut [T],
) {
    let (transformed, scratch) = scratch.split_at_mut(points(sum) * sum.pairs());
    match sum.taps {
        2 => {
            transform_weights::<T, Two, 5, 2>(path, weights, transformed);
            forward_by::<T, Two, 5, 2>(path, sum, source, transformed, target, scratch);
        }
        _ => {
            transform_weights::<T, Three, 6, 3>(path, weights, transformed);
            forward_by::<T, Three, 6, 3>(path, sum, source, transformed, target, scratch);
        }
    }
}

/// [`forward`] with weights that are transformed.
fn forward_by<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize>(
    path: Instructions,
    sum: &Tiled,
    source: &[T],
    transformed: &[T],
    target: &mut [T],
    scratch: &mut [T],
) {
    let inputs = sum.source.depth();
    let outputs = sum.target.depth();
    let pairs = sum.pairs();
    let plan = Plan::new::<T>(sum, 1);
    let row = sum.target.size[1] * sum.target.channels;
    let source_stride = plan.source_stride(sum);
    let target_stride = plan.target_stride(sum);
    let parts = plan.lanes.split(target, |tile_rows| sum.target_row(tile_rows) * row);
    run(parts, scratch, plan.buffer(sum), |lane, target, buffer| {
        let origin = sum.target_row(plan.lanes.range(lane).start) * row;
        let (tiles, products) = buffer.split_at_mut(SIDE * SIDE * source_stride);
        for (first, count) in plan.blocks(lane) {
            let matrices = PhantomData::<F>;
            let block = Block { sum, first, count, stride: source_stride };
            path.run_vectors(TransformSource { block, source, out: tiles, matrices });
            for point in 0..SIDE * SIDE {
                let tiles = &tiles[point * source_stride..][..count * inputs];
                let weights = &transformed[point * pairs..][..pairs];
                let products = &mut products[point * target_stride..][..count * outputs];
                let sizes = [count, inputs, outputs];
                gemm_into(sizes, tiles, [inputs, 1], weights, [outputs, 1], products, [outputs, 1], false);
            }
            let block = Block { stride: target_stride, ..block };
            path.run_vectors(StoreTarget { block, products, target, origin, matrices });
        }
    });
}

fn transform_weights<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize>(
    path: Instructions,
    weights: &[T],
    out: &mut [T],
) {
    let rows = out.len() / SIDE;
    let transform = |(row, out): (usize, &mut [T])| {
        path.run_vectors(TransformWeights { row, weights, out, matrices: PhantomData::<F> })
    };
    if weights.len() < 1 << 17 {
        out.chunks_exact_mut(rows).enumerate().for_each(transform);
    } else {
        out.par_chunks_exact_mut(rows).enumerate().for_each(transform);
    }
}

/// Elements of scratch of [`weight_gradient`].
pub(super) fn weight_gradient_scratch<T>(sum: &Tiled) -> usize {
    let plan = Plan::new::<T>(sum, 2);
    plan.lanes.count * ((sum.taps * sum.taps + points(sum)) * sum.pairs() + plan.buffer(sum))
}

/// The adjoint of [`forward`] in `weights`.
pub(super) fn weight_gradient<T: Float>(
    path: Instructions,
    sum: &Tiled,
    source: &[T],
    target: &[T],
    weights: &mut [T],
    scratch: &mut [T],
) {
    match sum.taps {
        2 => weight_gradient_by::<T, Two, 5, 2>(path, sum, source, target, weights, scratch),
        _ => weight_gradient_by::<T, Three, 6, 3>(path, sum, source, target, weights, scratch),
    }
}

fn weight_gradient_by<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize>(
    path: Instructions,
    sum: &Tiled,
    source: &[T],
    target: &[T],
    weights: &mut [T],
    scratch: &mut [T],
) {
    let inputs = sum.source.depth();
    let outputs = sum.target.depth();
    let pairs = sum.pairs();
    let plan = Plan::new::<T>(sum, 2);
    let source_stride = plan.source_stride(sum);
    let target_stride = plan.target_stride(sum);
    let points = SIDE * SIDE;
    let (partials, scratch) = scratch.split_at_mut(plan.lanes.count * weights.len());
    let parts = partials.chunks_exact_mut(weights.len()).collect();
    run(parts, scratch, points * pairs + plan.buffer(sum), |lane, partial, buffer| {
        let matrices = PhantomData::<F>;
        let (products, buffer) = buffer.split_at_mut(points * pairs);
        let (tiles, gradients) = buffer.split_at_mut(points * source_stride);
        for (index, (first, count)) in plan.blocks(lane).enumerate() {
            let block = Block { sum, first, count, stride: source_stride };
            path.run_vectors(TransformSource { block, source, out: tiles, matrices });
            let block = Block { stride: target_stride, ..block };
            path.run_vectors(TransformTarget { block, target, out: gradients, matrices });
            for point in 0..points {
                let tiles = &tiles[point * source_stride..][..count * inputs];
                let gradients = &gradients[point * target_stride..][..count * outputs];
                let products = &mut products[point * pairs..][..pairs];
                let sizes = [inputs, count, outputs];
                let across = [1, inputs];
                let down = [outputs, 1];
                gemm_into(sizes, tiles, across, gradients, down, products, down, index > 0);
            }
        }
        path.run_vectors(StoreWeights { products, out: partial, matrices });
    });
    sum_partials(partials, weights);
}
