//! Sizes of a two-dimensional convolution and the index map that its kernels share.

use std::ops::Range;

/// A convolution (strictly, a correlation) of images with the channels last.
///
/// y\[n, i, j, o\] = Σ x\[n, i·sh + u·dh − top, j·sw + v·dw − left, c\] · w\[u, v, c, o\] over u, v, c, with
/// x zero outside its borders. x is `[batch, height, width, in_channels]`, w is
/// `[kernel[0], kernel[1], in_channels, out_channels]`, y is
/// `[batch, output_height, output_width, out_channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvGeometry {
    /// Images of the batch.
    pub batch: usize,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Taps, `[rows, columns]`.
    pub kernel: [usize; 2],
    /// Input pixels from one output to the next, `[rows, columns]`, at least 1.
    pub stride: [usize; 2],
    /// Zeros around the input, `[[top, bottom], [left, right]]`.
    pub padding: [[usize; 2]; 2],
    /// Input pixels from one tap to the next, `[rows, columns]`, at least 1.
    pub dilation: [usize; 2],
}

impl ConvGeometry {
    /// Rows of the output: 0 where the padded input is smaller than the kernel's reach.
    pub fn output_height(&self) -> usize {
        self.output(0, self.height)
    }

    /// Columns of the output: 0 where the padded input is smaller than the kernel's reach.
    pub fn output_width(&self) -> usize {
        self.output(1, self.width)
    }

    /// Elements of x.
    pub fn input_len(&self) -> usize {
        self.batch * self.height * self.width * self.in_channels
    }

    /// Elements of w.
    pub fn weight_len(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.in_channels * self.out_channels
    }

    /// Elements of y.
    pub fn output_len(&self) -> usize {
        self.batch * self.output_height() * self.output_width() * self.out_channels
    }

    /// About how many nanoseconds one thread needs for a convolution or one of its gradients.
    pub(crate) fn cost(&self) -> f64 {
        /// For a multiplication with its addition.
        const OPERATION: f64 = 0.02;
        (self.output_len() * (self.weight_len() / self.out_channels.max(1))) as f64 * OPERATION
    }

    fn output(&self, axis: usize, size: usize) -> usize {
        if self.kernel[axis] == 0 || self.stride[axis] == 0 {
            return 0;
        }
        let padded = size + self.padding[axis][0] + self.padding[axis][1];
        let reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
        if padded < reach { 0 } else { (padded - reach) / self.stride[axis] + 1 }
    }
}

/// A sum over taps that reads a source image and writes a target image:
/// source index = target index · stride + tap · dilation − offset, per axis.
///
/// The offset may be negative, so that the input gradient of a convolution of stride 1 is such a sum too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub batch: usize,
    pub source: [usize; 2],
    pub source_channels: usize,
    pub target: [usize; 2],
    pub target_channels: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub offset: [isize; 2],
}

impl Window {
    pub fn new(g: &ConvGeometry) -> Window {
        Window {
            batch: g.batch,
            source: [g.height, g.width],
            source_channels: g.in_channels,
            target: [g.output_height(), g.output_width()],
            target_channels: g.out_channels,
            kernel: g.kernel,
            stride: g.stride,
            dilation: g.dilation,
            offset: [g.padding[0][0] as isize, g.padding[1][0] as isize],
        }
    }

    /// The sum that leads back from target to source, its taps rotated by half a turn. Right for stride 1
    /// only.
    pub fn reversed(&self) -> Window {
        let offset =
            |axis: usize| (self.dilation[axis] * (self.kernel[axis].max(1) - 1)) as isize - self.offset[axis];
        Window {
            source: self.target,
            source_channels: self.target_channels,
            target: self.source,
            target_channels: self.source_channels,
            offset: [offset(0), offset(1)],
            ..*self
        }
    }

    /// Target pixels over the whole batch.
    pub fn positions(&self) -> usize {
        self.batch * self.target[0] * self.target[1]
    }

    /// Source values that one target pixel sums over.
    pub fn depth(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.source_channels
    }

    pub fn unit_stride(&self) -> bool {
        self.stride == [1, 1]
    }

    /// Whether a target pixel reads the source pixel of the same index and no other.
    pub fn pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.unit_stride() && self.offset == [0, 0] && self.source == self.target
    }

    /// Target columns for which tap `v` of a row of taps is inside; empty where there is none.
    #[inline(always)]
    pub fn columns_inside(&self, v: usize) -> Range<usize> {
        let step = self.stride[1] as isize;
        let last = self.source[1] as isize - 1;
        let first = (v * self.dilation[1]) as isize - self.offset[1];
        let clip = |column: isize| column.clamp(0, self.target[1] as isize) as usize;
        let begin = clip((-first).max(0).unsigned_abs().div_ceil(self.stride[1]) as isize);
        let end = if last < first { 0 } else { clip((last - first) / step + 1) };
        begin..end.max(begin)
    }

    /// The source index on `axis` for a target index and a tap, if it lies inside.
    #[inline(always)]
    pub fn source_index(&self, axis: usize, target: usize, tap: usize) -> Option<usize> {
        let index = (target * self.stride[axis] + tap * self.dilation[axis]) as isize - self.offset[axis];
        (index >= 0 && index < self.source[axis] as isize).then_some(index as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_sizes_follow_the_formula() {
        let g = |height, width, kernel, stride, padding, dilation| ConvGeometry {
            batch: 2,
            height,
            width,
            in_channels: 3,
            out_channels: 4,
            kernel,
            stride,
            padding,
            dilation,
        };
        let same = g(28, 13, [3, 3], [1, 1], [[1, 1], [1, 1]], [1, 1]);
        assert_eq!((same.output_height(), same.output_width()), (28, 13));
        assert_eq!((same.input_len(), same.weight_len(), same.output_len()), (2184, 108, 2912));
        let strided = g(28, 13, [4, 3], [2, 2], [[1, 1], [0, 1]], [1, 2]);
        assert_eq!((strided.output_height(), strided.output_width()), (14, 5));
        let too_small = g(2, 3, [4, 3], [1, 1], [[0, 1], [0, 0]], [1, 1]);
        assert_eq!((too_small.output_height(), too_small.output_width()), (0, 1));
    }

    #[test]
    fn reversing_twice_is_the_identity() {
        let g = ConvGeometry {
            batch: 1,
            height: 9,
            width: 8,
            in_channels: 2,
            out_channels: 5,
            kernel: [3, 2],
            stride: [1, 1],
            padding: [[4, 0], [0, 1]],
            dilation: [1, 2],
        };
        let window = Window::new(&g);
        let reversed = window.reversed();
        assert_eq!(reversed.offset, [-2, 2]);
        assert_eq!(reversed.reversed().offset, window.offset);
        assert_eq!(reversed.reversed().source, window.source);
    }
}
