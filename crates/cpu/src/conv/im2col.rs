//! Between images and the matrix whose rows are the windows of target pixels, taps and channels in order.

use std::ops::Range;

use super::geometry::Window;
use crate::simd::{Float, Kernel};

/// Copies `source` to `out`; short runs without a call.
#[inline(always)]
fn copy<T: Copy>(source: &[T], out: &mut [T]) {
    if out.len() < 32 {
        for (to, from) in out.iter_mut().zip(source) {
            *to = *from;
        }
    } else {
        out.copy_from_slice(source);
    }
}

/// Where one row of taps of one target pixel lies: taps `taps` are inside, the first of them at element `start`
/// of the source.
struct TapRow {
    taps: Range<usize>,
    start: usize,
}

impl Window {
    /// Taps on the columns' axis that are inside for target column `j`.
    #[inline(always)]
    fn taps_inside(&self, j: usize) -> Range<usize> {
        let first = (j * self.stride[1]) as isize - self.offset[1];
        let (step, taps, size) = (self.dilation[1] as isize, self.kernel[1], self.source[1] as isize);
        if first >= 0 && first + (taps as isize - 1) * step < size {
            return 0..taps;
        }
        let inside = |tap: &usize| (0..size).contains(&(first + *tap as isize * step));
        let start = (0..taps).find(inside).unwrap_or(taps);
        start..(start..taps).find(|tap| !inside(tap)).unwrap_or(taps)
    }

    #[inline(always)]
    fn tap_row(&self, [image, i, j]: [usize; 3], u: usize) -> TapRow {
        let outside = TapRow { taps: 0..0, start: 0 };
        let Some(row) = self.source_index(0, i, u) else { return outside };
        let taps = self.taps_inside(j);
        let Some(column) = self.source_index(1, j, taps.start) else { return outside };
        let pixel = (image * self.source[0] + row) * self.source[1] + column;
        TapRow { taps, start: pixel * self.source_channels }
    }

    /// Image, row and column of a target pixel.
    #[inline(always)]
    pub fn locate(&self, position: usize) -> [usize; 3] {
        let [height, width] = self.target;
        [position / (height * width), position / width % height, position % width]
    }

    /// The next target pixel.
    #[inline(always)]
    pub fn advance(&self, [image, i, j]: [usize; 3]) -> [usize; 3] {
        if j + 1 < self.target[1] {
            [image, i, j + 1]
        } else if i + 1 < self.target[0] {
            [image, i + 1, 0]
        } else {
            [image + 1, 0, 0]
        }
    }

    /// Source elements from one tap to the next in a row.
    #[inline(always)]
    fn tap_step(&self) -> usize {
        self.dilation[1] * self.source_channels
    }

    /// Calls `visit(tap index, start, length)` for the stretches of consecutive source elements that a target
    /// pixel reads; the tap index counts rows first and is that of the stretch's first tap.
    #[inline(always)]
    pub fn stretches(&self, place: [usize; 3], mut visit: impl FnMut(usize, usize, usize)) {
        let channels = self.source_channels;
        for u in 0..self.kernel[0] {
            let TapRow { taps, start } = self.tap_row(place, u);
            if taps.is_empty() {
                continue;
            }
            let first = u * self.kernel[1] + taps.start;
            if self.dilation[1] == 1 {
                visit(first, start, taps.len() * channels);
            } else {
                for tap in 0..taps.len() {
                    visit(first + tap, start + tap * self.tap_step(), channels);
                }
            }
        }
    }
}

/// Fills `columns`, one row of [`Window::depth`] elements per target pixel in `positions`; outside is zero.
pub(super) struct Gather<'a, T> {
    pub window: &'a Window,
    pub source: &'a [T],
    pub positions: Range<usize>,
    pub columns: &'a mut [T],
}

impl<T: Float> Kernel for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let window = self.window;
        let (depth, channels) = (window.depth(), window.source_channels);
        let mut place = window.locate(self.positions.start);
        for row in self.columns.chunks_exact_mut(depth).take(self.positions.len()) {
            let mut filled = 0;
            window.stretches(place, |tap, start, length| {
                let begin = tap * channels;
                row[filled..begin].fill(T::ZERO);
                filled = begin + length;
                copy(&self.source[start..start + length], &mut row[begin..filled]);
            });
            row[filled..].fill(T::ZERO);
            place = window.advance(place);
        }
    }
}

/// Adds the rows of `columns` to the source pixels that they were read from; `source` is one image, and
/// `positions` counts the target pixels of one image.
pub(super) struct Scatter<'a, T> {
    pub window: &'a Window,
    pub source: &'a mut [T],
    pub positions: Range<usize>,
    pub columns: &'a [T],
}

impl<T: Float> Kernel for Scatter<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let window = self.window;
        let (depth, channels) = (window.depth(), window.source_channels);
        let mut place = window.locate(self.positions.start);
        for row in self.columns.chunks_exact(depth).take(self.positions.len()) {
            window.stretches(place, |tap, start, length| {
                let values = &row[tap * channels..][..length];
                for (total, value) in self.source[start..start + length].iter_mut().zip(values) {
                    *total += *value;
                }
            });
            place = window.advance(place);
        }
    }
}
