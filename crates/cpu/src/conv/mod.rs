//! Two-dimensional convolution of images with the channels last, and its two adjoints.
//!
//! [`Convolution::run`] overwrites its output, takes its scratch from the caller, and gives the same bits on
//! any number of threads: work is cut by shapes alone and partial sums are added in a fixed order.

mod direct;
mod fold;
mod geometry;
mod im2col;
mod lanes;
mod narrow;
mod shallow;
mod way;
mod winograd;

#[cfg(test)]
mod tests;

pub use geometry::ConvGeometry;

use crate::simd::{Float, Instructions};
use fold::{TILE, Tiled, fold_weights, turn_weights, unfold_weights};
use geometry::Window;
use way::Call;

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

/// Which of the three functions of images x, weights w and their convolution y.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// y from x and w.
    Forward,
    /// The adjoint in x: dx from dy and w, with ⟨dy, y(x, w)⟩ = ⟨dx, x⟩ for every x.
    InputGradient,
    /// The adjoint in w: dw from x and dy, with ⟨dy, y(x, w)⟩ = ⟨dw, w⟩ for every w.
    WeightGradient,
}

/// A convolution or one of its adjoints, as it is to be computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convolution {
    /// Which of the three functions.
    pub direction: Direction,
    /// The shapes of images and window.
    pub geometry: ConvGeometry,
    /// The way to compute it.
    pub algorithm: Algorithm,
}

impl Convolution {
    /// The sum over tiles by which the algorithm computes it, if it does.
    fn tiled(&self, window: &Window) -> Option<Tiled> {
        if self.algorithm == Algorithm::Direct {
            return None;
        }
        let sum = match self.direction {
            Direction::Forward | Direction::WeightGradient => Tiled::forward(window),
            Direction::InputGradient => Tiled::backward(window),
        };
        sum.filter(winograd::pays)
    }

    /// Multiplications and additions: 2 for every tap, input channel and element of the output, borders
    /// included; by tiles, where the algorithm takes them, 36 / 144 or 25 / 64 of that.
    pub fn operations(&self) -> u64 {
        let g = &self.geometry;
        let direct = 2 * (g.output_len() * (g.weight_len() / g.out_channels.max(1))) as u64;
        let side = |sum: &Tiled| (TILE * sum.taps) as u64;
        let by_tiles = |sum: Tiled| direct * winograd::points(&sum) as u64 / (side(&sum) * side(&sum));
        self.tiled(&Window::new(g)).map_or(direct, by_tiles)
    }

    /// Elements of scratch that [`Convolution::run`] needs.
    pub fn scratch<T: Float>(&self) -> usize {
        let window = Window::new(&self.geometry);
        match (self.direction, self.tiled(&window)) {
            (Direction::Forward, Some(sum)) => folded(&sum) + winograd::forward_scratch::<T>(&sum),
            (Direction::Forward, None) => direct::forward_scratch::<T>(&window),
            (Direction::InputGradient, Some(sum)) => sum.weight_len() + winograd::forward_scratch::<T>(&sum),
            (Direction::InputGradient, None) => direct::input_gradient_scratch::<T>(&window),
            (Direction::WeightGradient, Some(sum)) => {
                folded(&sum) + winograd::weight_gradient_scratch::<T>(&sum)
            }
            (Direction::WeightGradient, None) => direct::weight_gradient_scratch::<T>(&window),
        }
    }

    /// Computes `out` from the operands `a` and `b`, in the order in which [`Direction`] names them. Panics
    /// if a slice's length is not that of the geometry, or scratch is too short.
    pub fn run<T: Float>(&self, a: &[T], b: &[T], out: &mut [T], scratch: &mut [T]) {
        self.run_on(Instructions::current(), a, b, out, scratch);
    }

    fn run_on<T: Float>(&self, path: Instructions, a: &[T], b: &[T], out: &mut [T], scratch: &mut [T]) {
        let needed = self.scratch::<T>();
        self.check([a.len(), b.len(), out.len()], scratch.len(), needed);
        let scratch = &mut scratch[..needed];
        let window = Window::new(&self.geometry);
        match (self.direction, self.tiled(&window)) {
            (Direction::Forward, Some(sum)) => {
                let (weights, scratch) = scratch.split_at_mut(folded(&sum));
                if weights.is_empty() {
                    return winograd::forward(path, &sum, a, b, out, scratch);
                }
                fold_weights(&window, b, weights);
                winograd::forward(path, &sum, a, weights, out, scratch);
            }
            (Direction::Forward, None) => {
                let window = &window;
                direct::forward(Call { path, window, source: a, weights: b, target: out, scratch });
            }
            (Direction::InputGradient, Some(sum)) => {
                let (weights, scratch) = scratch.split_at_mut(b.len());
                turn_weights(&window, b, weights);
                winograd::forward(path, &sum, a, weights, out, scratch);
            }
            (Direction::InputGradient, None) => {
                direct::input_gradient(path, &window, a, b, out, scratch);
            }
            (Direction::WeightGradient, Some(sum)) => {
                let (weights, scratch) = scratch.split_at_mut(folded(&sum));
                if weights.is_empty() {
                    return winograd::weight_gradient(path, &sum, a, b, out, scratch);
                }
                winograd::weight_gradient(path, &sum, a, b, weights, scratch);
                unfold_weights(&window, weights, out);
            }
            (Direction::WeightGradient, None) => {
                direct::weight_gradient(path, &window, a, b, out, scratch);
            }
        }
    }

    /// Panics where the lengths of `a`, `b` and out, or of scratch, are wrong.
    fn check(&self, lengths: [usize; 3], scratch: usize, needed: usize) {
        let g = &self.geometry;
        let [x, w, y] = [g.input_len(), g.weight_len(), g.output_len()];
        let expected = match self.direction {
            Direction::Forward => [x, w, y],
            Direction::InputGradient => [y, w, x],
            Direction::WeightGradient => [x, y, w],
        };
        assert_eq!(lengths, expected, "convolution: elements of the operands and the output for {self:?}");
        assert!(scratch >= needed, "convolution: {scratch} of {needed} elements of scratch for {self:?}");
    }
}

/// Elements of the weights in the order in which tiles need them, if that is not their own.
fn folded(sum: &Tiled) -> usize {
    if sum.source.step == 1 { 0 } else { sum.weight_len() }
}
