//! What each way to compute a convolution forward says of itself.

use super::geometry::Window;
use crate::simd::Instructions;

/// A convolution to be computed: target = Σ over taps of source · weights, weights
/// `[taps, source channel, target channel]`.
pub(super) struct Call<'a, T> {
    pub path: Instructions,
    pub window: &'a Window,
    pub source: &'a [T],
    pub weights: &'a [T],
    /// Overwritten.
    pub target: &'a mut [T],
    /// As long as [`Way::scratch`] says, with whatever was left there.
    pub scratch: &'a mut [T],
}

/// A way to compute a convolution of which the window is not empty.
pub(super) trait Way<T> {
    /// Whether it is the fastest way for this window.
    fn fits(&self, window: &Window) -> bool;
    /// Elements of scratch.
    fn scratch(&self, window: &Window) -> usize;
    /// Computes the target.
    fn run(&self, call: Call<T>);
}
