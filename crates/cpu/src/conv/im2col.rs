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

/// What one target pixel reads from one row of the source: `count` stretches of `length` elements, the first
/// at source element `start` and from tap `tap` on. `count` is 0 where the row is outside.
#[derive(Clone, Copy)]
pub(super) struct Stretches {
    pub count: usize,
    pub length: usize,
    tap: usize,
    start: usize,
    step: usize,
    channels: usize,
}

impl Stretches {
    /// Where stretch `index` begins: in the source, and in a row of taps and channels.
    #[inline(always)]
    pub fn begin(&self, index: usize) -> (usize, usize) {
        (self.start + index * self.step, (self.tap + index) * self.channels)
    }
}

impl Window {
    /// The first tap on the columns' axis that is inside for target column `j`, and the one after the last.
    #[inline(always)]
    fn taps_inside(&self, j: usize) -> (usize, usize) {
        let first = (j * self.stride[1]) as isize - self.offset[1];
        let step = self.dilation[1] as isize;
        let taps = self.kernel[1];
        let size = self.source[1] as isize;
        if first >= 0 && first + (taps as isize - 1) * step < size {
            return (0, taps);
        }
        let mut begin = 0;
        let mut end = taps;
        while begin < taps && first + begin as isize * step < 0 {
            begin += 1;
        }
        while end > begin && first + (end as isize - 1) * step >= size {
            end -= 1;
        }
        (begin, end)
    }

    /// What the target pixel at `place` reads through row `u` of taps.
    #[inline(always)]
    pub fn stretches(&self, [image, i, j]: [usize; 3], u: usize) -> Stretches {
        let channels = self.source_channels;
        let outside = Stretches { count: 0, length: 0, tap: 0, start: 0, step: 0, channels };
        let Some(row) = self.source_index(0, i, u) else { return outside };
        let (begin, end) = self.taps_inside(j);
        let Some(column) = self.source_index(1, j, begin) else { return outside };
        if begin == end {
            return outside;
        }
        let start = ((image * self.source[0] + row) * self.source[1] + column) * channels;
        let tap = u * self.kernel[1] + begin;
        if self.dilation[1] == 1 {
            Stretches { count: 1, length: (end - begin) * channels, tap, start, step: 0, channels }
        } else {
            let step = self.dilation[1] * channels;
            Stretches { count: end - begin, length: channels, tap, start, step, channels }
        }
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
        let depth = window.depth();
        let mut place = window.locate(self.positions.start);
        for row in self.columns.chunks_exact_mut(depth).take(self.positions.len()) {
            let mut filled = 0;
            for u in 0..window.kernel[0] {
                let stretches = window.stretches(place, u);
                for index in 0..stretches.count {
                    let (from, to) = stretches.begin(index);
                    row[filled..to].fill(T::ZERO);
                    filled = to + stretches.length;
                    copy(&self.source[from..from + stretches.length], &mut row[to..filled]);
                }
            }
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
        let depth = window.depth();
        let mut place = window.locate(self.positions.start);
        for row in self.columns.chunks_exact(depth).take(self.positions.len()) {
            for u in 0..window.kernel[0] {
                let stretches = window.stretches(place, u);
                for index in 0..stretches.count {
                    let (to, from) = stretches.begin(index);
                    let values = &row[from..from + stretches.length];
                    for (total, value) in self.source[to..to + stretches.length].iter_mut().zip(values) {
                        *total += *value;
                    }
                }
            }
            place = window.advance(place);
        }
    }
}
