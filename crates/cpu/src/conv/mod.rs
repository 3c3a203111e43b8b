//! Two-dimensional convolution of images with the channels last, and its two adjoints.
//!
//! Every function overwrites its output, takes its scratch from the caller, and gives the same bits on any
//! number of threads: work is cut by shapes alone and partial sums are added in a fixed order.

mod direct;
mod fold;
mod geometry;
mod im2col;
mod lanes;
mod narrow;
mod shallow;
mod winograd;
mod winograd_matrices;
mod winograd_three;
mod winograd_tiles;
mod winograd_two;
mod winograd_weights;

#[cfg(test)]
mod tests;

pub use geometry::ConvGeometry;

use crate::simd::{Float, Path};
use fold::{Tiled, fold_weights, turn_weights, unfold_weights};
use geometry::Window;

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Winograd's F(4×4, 3×3) for 3×3 kernels of stride 1 and F(4×4, 2×2) for 4×4 kernels of stride 2 where
    /// they save work, else [`Algorithm::Direct`]. In f32 their rounding errors are about ten times those of
    /// the direct sum, and a value that isn't finite spoils the 4×4 tiles around it, not the window alone.
    #[default]
    Auto,
    /// Sums of products as they stand in the definition.
    Direct,
}

/// The sum over tiles by which `algorithm` computes [`forward`] and [`weight_gradient`], if it does.
fn tiled(window: &Window, algorithm: Algorithm) -> Option<Tiled> {
    let sum = Tiled::forward(window).filter(|_| algorithm == Algorithm::Auto);
    sum.filter(winograd::pays)
}

/// The same for [`input_gradient`].
fn tiled_backward(window: &Window, algorithm: Algorithm) -> Option<Tiled> {
    let sum = Tiled::backward(window).filter(|_| algorithm == Algorithm::Auto);
    sum.filter(winograd::pays)
}

/// Multiplications and additions of a convolution, or of its gradient in the weights: 2 for every tap, input
/// channel and element of the output, borders included; by tiles, where `algorithm` takes them, 36 / 144 or
/// 25 / 64 of that.
pub fn operations(g: &ConvGeometry, algorithm: Algorithm) -> u64 {
    count(g, tiled(&Window::new(g), algorithm))
}

/// The same of the gradient in the images.
pub fn input_gradient_operations(g: &ConvGeometry, algorithm: Algorithm) -> u64 {
    count(g, tiled_backward(&Window::new(g), algorithm))
}

fn count(g: &ConvGeometry, sum: Option<Tiled>) -> u64 {
    let direct = 2 * (g.output_len() * (g.weight_len() / g.out_channels.max(1))) as u64;
    let side = |sum: &Tiled| (winograd_matrices::TILE * sum.taps) as u64;
    sum.map_or(direct, |sum| direct * winograd::points(&sum) as u64 / (side(&sum) * side(&sum)))
}

/// Elements of the weights in the order in which tiles need them, if that is not their own.
fn folded(sum: &Tiled) -> usize {
    if sum.source.step == 1 { 0 } else { sum.weight_len() }
}

/// Elements of scratch for [`forward`].
pub fn forward_scratch<T: Float>(g: &ConvGeometry, algorithm: Algorithm) -> usize {
    let window = Window::new(g);
    match tiled(&window, algorithm) {
        Some(sum) => folded(&sum) + winograd::forward_scratch::<T>(&sum),
        None => direct::forward_scratch::<T>(&window),
    }
}

/// y = the convolution of x with w. Panics if a slice's length is not that of `g`, or scratch is too short.
pub fn forward<T: Float>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[T],
    w: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    forward_on(Path::current(), g, algorithm, x, w, y, scratch);
}

fn forward_on<T: Float>(
    path: Path,
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[T],
    w: &[T],
    y: &mut [T],
    scratch: &mut [T],
) {
    check(g, x, w, y);
    let scratch = reserve(scratch, forward_scratch::<T>(g, algorithm), g);
    let window = Window::new(g);
    let Some(sum) = tiled(&window, algorithm) else {
        return direct::forward(path, &window, x, w, y, scratch);
    };
    let (weights, scratch) = scratch.split_at_mut(folded(&sum));
    if weights.is_empty() {
        winograd::forward(path, &sum, x, w, y, scratch);
    } else {
        fold_weights(&window, w, weights);
        winograd::forward(path, &sum, x, weights, y, scratch);
    }
}

/// Elements of scratch for [`input_gradient`].
pub fn input_gradient_scratch<T: Float>(g: &ConvGeometry, algorithm: Algorithm) -> usize {
    let window = Window::new(g);
    match tiled_backward(&window, algorithm) {
        Some(sum) => sum.weight_len() + winograd::forward_scratch::<T>(&sum),
        None => direct::input_gradient_scratch::<T>(&window),
    }
}

/// dx = the adjoint of [`forward`] in x, applied to dy: ⟨dy, forward(x, w)⟩ = ⟨dx, x⟩ for every x. Panics if
/// a slice's length is not that of `g`, or scratch is too short.
pub fn input_gradient<T: Float>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    input_gradient_on(Path::current(), g, algorithm, dy, w, dx, scratch);
}

fn input_gradient_on<T: Float>(
    path: Path,
    g: &ConvGeometry,
    algorithm: Algorithm,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut [T],
) {
    check(g, dx, w, dy);
    let scratch = reserve(scratch, input_gradient_scratch::<T>(g, algorithm), g);
    let window = Window::new(g);
    match tiled_backward(&window, algorithm) {
        Some(sum) => {
            let (weights, scratch) = scratch.split_at_mut(w.len());
            turn_weights(&window, w, weights);
            winograd::forward(path, &sum, dy, weights, dx, scratch);
        }
        None => direct::input_gradient(path, &window, dy, w, dx, scratch),
    }
}

/// Elements of scratch for [`weight_gradient`].
pub fn weight_gradient_scratch<T: Float>(g: &ConvGeometry, algorithm: Algorithm) -> usize {
    let window = Window::new(g);
    match tiled(&window, algorithm) {
        Some(sum) => folded(&sum) + winograd::weight_gradient_scratch::<T>(&sum),
        None => direct::weight_gradient_scratch::<T>(&window),
    }
}

/// dw = the adjoint of [`forward`] in w, applied to dy: ⟨dy, forward(x, w)⟩ = ⟨dw, w⟩ for every w. Panics if
/// a slice's length is not that of `g`, or scratch is too short.
pub fn weight_gradient<T: Float>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut [T],
) {
    weight_gradient_on(Path::current(), g, algorithm, x, dy, dw, scratch);
}

fn weight_gradient_on<T: Float>(
    path: Path,
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut [T],
) {
    check(g, x, dw, dy);
    let scratch = reserve(scratch, weight_gradient_scratch::<T>(g, algorithm), g);
    let window = Window::new(g);
    let Some(sum) = tiled(&window, algorithm) else {
        return direct::weight_gradient(path, &window, x, dy, dw, scratch);
    };
    let (weights, scratch) = scratch.split_at_mut(folded(&sum));
    if weights.is_empty() {
        winograd::weight_gradient(path, &sum, x, dy, dw, scratch);
    } else {
        winograd::weight_gradient(path, &sum, x, dy, weights, scratch);
        unfold_weights(&window, weights, dw);
    }
}

fn check<T>(g: &ConvGeometry, x: &[T], w: &[T], y: &[T]) {
    assert_eq!(x.len(), g.input_len(), "convolution: elements of the input for {g:?}");
    assert_eq!(w.len(), g.weight_len(), "convolution: elements of the weights for {g:?}");
    assert_eq!(y.len(), g.output_len(), "convolution: elements of the output for {g:?}");
}

fn reserve<'a, T>(scratch: &'a mut [T], needed: usize, g: &ConvGeometry) -> &'a mut [T] {
    assert!(
        scratch.len() >= needed,
        "convolution: {} of {needed} elements of scratch for {g:?}",
        scratch.len()
    );
    &mut scratch[..needed]
}
