//! Convolutions of any kernel, stride, padding and dilation: strips of im2col that stay in the second-level
//! cache, times the weights. Few target channels go to [`Narrow`], few source channels to [`Shallow`]; a
//! pointwise window needs no im2col.

use super::geometry::Window;
use super::im2col::{Gather, Scatter};
use super::lanes::{Lanes, run};
use super::narrow::Narrow;
use super::shallow::Shallow;
use super::way::{Call, Way};
use crate::matmul::{gemm_into, sum_partials};
use crate::simd::{Float, Instructions};

/// Bytes of a strip of im2col.
const STRIP_BYTES: usize = 256 << 10;
/// Pixels of a strip at least and at most: below, the product is too thin.
const STRIP_PIXELS: [usize; 2] = [64, 4096];
/// Multiplications and additions that are worth a lane of its own.
const LANE_OPERATIONS: usize = 1 << 20;

/// Lanes over target pixels, and the pixels of a strip.
fn plan<T>(window: &Window) -> (Lanes, usize) {
    let operations = (2 * window.depth() * window.target_channels).max(1);
    let lanes = Lanes::new(window.positions(), (LANE_OPERATIONS / operations).max(16));
    (lanes, strip_pixels::<T>(window).min(lanes.longest()))
}

/// Pixels of a strip, a multiple of eight.
fn strip_pixels<T>(window: &Window) -> usize {
    let [fewest, most] = STRIP_PIXELS;
    (STRIP_BYTES / size_of::<T>() / window.depth().max(1)).clamp(fewest, most) / 8 * 8
}

/// Elements of a lane's strip.
fn strip_len<T>(window: &Window) -> usize {
    let (_, strip) = plan::<T>(window);
    if window.pointwise() { 0 } else { strip * window.depth() }
}

/// Whether there is nothing to sum, or nowhere to write it.
fn is_empty(window: &Window) -> bool {
    window.depth() == 0 || window.positions() * window.target_channels == 0
}

/// The first way that fits; the last always does.
fn way<T: Float>(window: &Window) -> &'static dyn Way<T> {
    let ways: [&dyn Way<T>; 2] = [&Narrow, &Shallow];
    ways.into_iter().find(|way| way.fits(window)).unwrap_or(&Strips)
}

/// Elements of scratch of [`forward`].
pub(super) fn forward_scratch<T: Float>(window: &Window) -> usize {
    if is_empty(window) { 0 } else { way::<T>(window).scratch(window) }
}

/// Computes the target of a convolution.
pub(super) fn forward<T: Float>(call: Call<T>) {
    if is_empty(call.window) {
        call.target.fill(T::ZERO);
    } else {
        way::<T>(call.window).run(call);
    }
}

/// Strips of im2col times the weights.
struct Strips;

impl<T: Float> Way<T> for Strips {
    fn fits(&self, _: &Window) -> bool {
        true
    }

    fn scratch(&self, window: &Window) -> usize {
        plan::<T>(window).0.count * strip_len::<T>(window)
    }

    fn run(&self, call: Call<T>) {
        let Call { path, window, source, weights, target, scratch } = call;
        let depth = window.depth();
        let channels = window.target_channels;
        let (lanes, strip) = plan::<T>(window);
        let parts = lanes.split(target, |positions| positions * channels);
        run(parts, scratch, strip_len::<T>(window), |lane, target, columns| {
            let range = lanes.range(lane);
            for (index, target) in target.chunks_mut(strip * channels).enumerate() {
                let start = range.start + index * strip;
                let positions = start..start + target.len() / channels;
                let rows = positions.len();
                let columns: &[T] = if window.pointwise() {
                    &source[start * depth..][..rows * depth]
                } else {
                    path.run(Gather { window, source, positions, columns });
                    columns
                };
                let sizes = [rows, depth, channels];
                gemm_into(sizes, columns, [depth, 1], weights, [channels, 1], target, [channels, 1], false);
            }
        });
    }
}

/// out = transpose of `matrix`, which has `columns` columns.
pub(super) fn transpose<T: Copy>(matrix: &[T], columns: usize, out: &mut [T]) {
    if matrix.is_empty() {
        return;
    }
    let rows = matrix.len() / columns;
    for (column, out) in out.chunks_exact_mut(rows).enumerate() {
        for (to, from) in out.iter_mut().zip(matrix[column..].iter().step_by(columns)) {
            *to = *from;
        }
    }
}

/// Weights for [`Window::reversed`]: taps turned by half a turn, channels exchanged.
pub(super) fn reverse_weights<T: Copy>(window: &Window, weights: &[T], out: &mut [T]) {
    let size = window.source_channels * window.target_channels;
    if size == 0 {
        return;
    }
    for (tap, out) in weights.chunks_exact(size).rev().zip(out.chunks_exact_mut(size)) {
        transpose(tap, window.target_channels, out);
    }
}

/// Elements of scratch of [`input_gradient`].
pub(super) fn input_gradient_scratch<T: Float>(window: &Window) -> usize {
    let weights = window.depth() * window.target_channels;
    if window.unit_stride() {
        return weights + forward_scratch::<T>(&window.reversed());
    }
    weights + Lanes::new(window.batch, 1).count * image_strip::<T>(window) * window.depth()
}

/// Pixels of a strip within one image.
fn image_strip<T>(window: &Window) -> usize {
    strip_pixels::<T>(window).min(window.target[0] * window.target[1]).max(1)
}

/// The adjoint of [`forward`] in `source`: overwrites `source` with what flows back from `target`.
pub(super) fn input_gradient<T: Float>(
    path: Instructions,
    window: &Window,
    target: &[T],
    weights: &[T],
    source: &mut [T],
    scratch: &mut [T],
) {
    let depth = window.depth();
    let channels = window.target_channels;
    let (transposed, scratch) = scratch.split_at_mut(depth * channels);
    if window.unit_stride() {
        reverse_weights(window, weights, transposed);
        let reversed = &window.reversed();
        forward(Call {
            path,
            window: reversed,
            source: target,
            weights: transposed,
            target: source,
            scratch,
        });
        return;
    }
    if source.is_empty() || transposed.is_empty() || target.is_empty() {
        source.fill(T::ZERO);
        return;
    }
    transpose(weights, channels, transposed);
    let transposed = &*transposed;
    let strip = image_strip::<T>(window);
    let image = window.source[0] * window.source[1] * window.source_channels;
    let pixels = window.target[0] * window.target[1];
    let lanes = Lanes::new(window.batch, 1);
    let parts = lanes.split(source, |images| images * image);
    run(parts, scratch, strip * depth, |lane, source, columns| {
        source.fill(T::ZERO);
        for (n, source) in lanes.range(lane).zip(source.chunks_exact_mut(image)) {
            let target = &target[n * pixels * channels..][..pixels * channels];
            for (index, target) in target.chunks(strip * channels).enumerate() {
                let rows = target.len() / channels;
                let sizes = [rows, channels, depth];
                gemm_into(sizes, target, [channels, 1], transposed, [depth, 1], columns, [depth, 1], false);
                let positions = index * strip..index * strip + rows;
                path.run(Scatter { window, source, positions, columns });
            }
        }
    });
}

/// Whether the weight gradient is cheaper with the images' roles exchanged: im2col costs taps · source
/// channels.
fn exchange(window: &Window) -> bool {
    window.unit_stride() && window.target_channels < window.source_channels && window.kernel != [1, 1]
}

/// Elements of scratch of [`weight_gradient`].
pub(super) fn weight_gradient_scratch<T>(window: &Window) -> usize {
    let weights = window.depth() * window.target_channels;
    let window = if exchange(window) { window.reversed() } else { *window };
    let lanes = plan::<T>(&window).0.count;
    weights + lanes * (weights + strip_len::<T>(&window))
}

/// The adjoint of [`forward`] in `weights`.
pub(super) fn weight_gradient<T: Float>(
    path: Instructions,
    window: &Window,
    source: &[T],
    target: &[T],
    weights: &mut [T],
    scratch: &mut [T],
) {
    if source.is_empty() || target.is_empty() || weights.is_empty() {
        weights.fill(T::ZERO);
        return;
    }
    let (exchanged, scratch) = scratch.split_at_mut(weights.len());
    if exchange(window) {
        let reversed = window.reversed();
        contract(path, &reversed, target, source, exchanged, scratch);
        reverse_weights(&reversed, exchanged, weights);
    } else {
        contract(path, window, source, target, weights, scratch);
    }
}

/// weights\[tap, c, o\] = Σ over target pixels of the source value at the tap · target value.
fn contract<T: Float>(
    path: Instructions,
    window: &Window,
    source: &[T],
    target: &[T],
    weights: &mut [T],
    scratch: &mut [T],
) {
    let depth = window.depth();
    let channels = window.target_channels;
    let (lanes, strip) = plan::<T>(window);
    let (partials, scratch) = scratch.split_at_mut(lanes.count * weights.len());
    let parts = partials.chunks_exact_mut(weights.len()).collect();
    run(parts, scratch, strip_len::<T>(window), |lane, partial, columns| {
        let range = lanes.range(lane);
        for start in range.clone().step_by(strip) {
            let positions = start..range.end.min(start + strip);
            let rows = positions.len();
            let columns: &[T] = if window.pointwise() {
                &source[start * depth..][..rows * depth]
            } else {
                path.run(Gather { window, source, positions, columns });
                columns
            };
            let target = &target[start * channels..][..rows * channels];
            let accumulate = start > range.start;
            let sizes = [depth, rows, channels];
            gemm_into(sizes, columns, [1, depth], target, [channels, 1], partial, [channels, 1], accumulate);
        }
    });
    sum_partials(partials, weights);
}
