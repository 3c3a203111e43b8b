//! Between images and transformed tiles, kept as one matrix `[tile][phase, channel]` for each point, `stride`
//! elements apart.

use std::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::matrices::{Matrices, column};
use crate::conv::fold::{Grid, TILE, Tiled};
use crate::simd::{Float, Packed};

/// Marks a row or column of a tile outside the image.
const OUTSIDE: usize = usize::MAX;

/// Elements at which a tile's rows begin, and its columns within a row.
struct Pixels<const N: usize> {
    rows: [usize; N],
    columns: [usize; N],
    /// Whether all of them are inside.
    inside: bool,
}

impl<const N: usize> Pixels<N> {
    /// Those of `N` rows and columns from `corner` on, in one phase of the image.
    #[inline(always)]
    fn new(grid: &Grid, image: usize, corner: [isize; 2], phase: usize) -> Self {
        let mut pixels = Pixels { rows: [OUTSIDE; N], columns: [OUTSIDE; N], inside: true };
        for n in 0..N {
            if let Some(row) = grid.pixel(0, corner[0] + n as isize, phase / grid.step) {
                pixels.rows[n] = (image * grid.size[0] + row) * grid.size[1] * grid.channels;
            }
            if let Some(column) = grid.pixel(1, corner[1] + n as isize, phase % grid.step) {
                pixels.columns[n] = column * grid.channels;
            }
        }
        for n in 0..N {
            pixels.inside &= pixels.rows[n] != OUTSIDE && pixels.columns[n] != OUTSIDE;
        }
        pixels
    }

    /// Row `a` of the tile, `count` channels from `channel` on; zeros outside.
    #[inline(always)]
    fn load<S: Simd, T: Float, const FULL: bool>(
        &self,
        simd: S,
        image: &[T],
        a: usize,
        channel: usize,
        count: usize,
    ) -> [Packed<S, T>; N] {
        let mut out = [Packed::splat(simd, T::ZERO); N];
        let row = self.rows[a];
        if self.inside {
            for (out, column) in out.iter_mut().zip(&self.columns) {
                *out = Packed::load::<FULL>(simd, &image[row + column + channel..][..count]);
            }
        } else if row != OUTSIDE {
            for (out, column) in out.iter_mut().zip(&self.columns) {
                if *column != OUTSIDE {
                    *out = Packed::load::<FULL>(simd, &image[row + column + channel..][..count]);
                }
            }
        }
        out
    }
}

/// Which tiles a kernel works on, and where it keeps their transforms.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    pub sum: &'a Tiled,
    /// The first tile, and how many.
    pub first: usize,
    pub count: usize,
    pub stride: usize,
}

/// A transform of one tile's channels: `count` of them, all of a vector if `FULL`, from `channel` on; their
/// place in the matrices is `to`.
trait Transform<const N: usize> {
    fn group<S: Simd, const FULL: bool>(&mut self, simd: S, pixels: &Pixels<N>, at: At);
}

#[derive(Clone, Copy)]
struct At {
    channel: usize,
    count: usize,
    to: usize,
}

impl Block<'_> {
    /// Calls `transform` for all tiles, phases and channels; tiles begin at their corner minus `offset`.
    #[inline(always)]
    fn each<S: Simd, const N: usize>(
        self,
        simd: S,
        lanes: usize,
        grid: &Grid,
        offset: [isize; 2],
        transform: &mut impl Transform<N>,
    ) {
        let whole = grid.channels / lanes * lanes;
        for tile in 0..self.count {
            let (image, corner) = self.sum.corner(self.first + tile);
            let corner = [corner[0] - offset[0], corner[1] - offset[1]];
            for phase in 0..grid.step * grid.step {
                let pixels = Pixels::new(grid, image, corner, phase);
                let to = tile * grid.depth() + phase * grid.channels;
                for channel in (0..whole).step_by(lanes) {
                    let at = At { channel, count: lanes, to: to + channel };
                    transform.group::<S, true>(simd, &pixels, at);
                }
                if whole < grid.channels {
                    let at = At { channel: whole, count: grid.channels - whole, to: to + whole };
                    transform.group::<S, false>(simd, &pixels, at);
                }
            }
        }
    }
}

/// Bᵀ d B of tiles of the source.
pub(super) struct TransformSource<'a, T, F, const SIDE: usize, const TAPS: usize> {
    pub block: Block<'a>,
    pub source: &'a [T],
    pub out: &'a mut [T],
    pub matrices: PhantomData<F>,
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> Transform<SIDE>
    for TransformSource<'_, T, F, SIDE, TAPS>
{
    #[inline(always)]
    fn group<S: Simd, const FULL: bool>(&mut self, simd: S, pixels: &Pixels<SIDE>, at: At) {
        let At { channel, count, to } = at;
        let mut half = [[Packed::splat(simd, T::ZERO); SIDE]; SIDE];
        for (a, half) in half.iter_mut().enumerate() {
            *half = F::b_transposed(pixels.load::<S, T, FULL>(simd, self.source, a, channel, count));
        }
        for b in 0..SIDE {
            for (a, values) in F::b_transposed(column(&half, b)).iter().enumerate() {
                values.store::<FULL>(&mut self.out[(a * SIDE + b) * self.block.stride + to..][..count]);
            }
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> WithSimd
    for TransformSource<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let block = self.block;
        let sum = self.block.sum;
        block.each(simd, Packed::<S, T>::LANES, &sum.source, sum.offset, &mut self);
    }
}

/// A e Aᵀ of tiles of the target's gradient.
pub(super) struct TransformTarget<'a, T, F, const SIDE: usize, const TAPS: usize> {
    pub block: Block<'a>,
    pub target: &'a [T],
    pub out: &'a mut [T],
    pub matrices: PhantomData<F>,
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> Transform<TILE>
    for TransformTarget<'_, T, F, SIDE, TAPS>
{
    #[inline(always)]
    fn group<S: Simd, const FULL: bool>(&mut self, simd: S, pixels: &Pixels<TILE>, at: At) {
        let At { channel, count, to } = at;
        let mut half = [[Packed::splat(simd, T::ZERO); SIDE]; TILE];
        for (a, half) in half.iter_mut().enumerate() {
            *half = F::a(pixels.load::<S, T, FULL>(simd, self.target, a, channel, count));
        }
        for b in 0..SIDE {
            for (a, values) in F::a(column(&half, b)).iter().enumerate() {
                values.store::<FULL>(&mut self.out[(a * SIDE + b) * self.block.stride + to..][..count]);
            }
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> WithSimd
    for TransformTarget<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let block = self.block;
        let sum = self.block.sum;
        block.each(simd, Packed::<S, T>::LANES, &sum.target, [0, 0], &mut self);
    }
}

/// Aᵀ m A of tiles; `target` begins at target element `origin`.
pub(super) struct StoreTarget<'a, T, F, const SIDE: usize, const TAPS: usize> {
    pub block: Block<'a>,
    pub products: &'a [T],
    pub target: &'a mut [T],
    pub origin: usize,
    pub matrices: PhantomData<F>,
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> Transform<TILE>
    for StoreTarget<'_, T, F, SIDE, TAPS>
{
    #[inline(always)]
    fn group<S: Simd, const FULL: bool>(&mut self, simd: S, pixels: &Pixels<TILE>, at: At) {
        let At { channel, count, to } = at;
        let mut half = [[Packed::splat(simd, T::ZERO); TILE]; SIDE];
        for (a, half) in half.iter_mut().enumerate() {
            let mut row = [Packed::splat(simd, T::ZERO); SIDE];
            for (b, values) in row.iter_mut().enumerate() {
                let from = (a * SIDE + b) * self.block.stride + to;
                *values = Packed::load::<FULL>(simd, &self.products[from..][..count]);
            }
            *half = F::a_transposed(row);
        }
        for b in 0..TILE {
            let values = F::a_transposed(column(&half, b));
            if pixels.columns[b] == OUTSIDE {
                continue;
            }
            for (row, values) in pixels.rows.iter().zip(&values) {
                if *row != OUTSIDE {
                    let at = row + pixels.columns[b] - self.origin + channel;
                    values.store::<FULL>(&mut self.target[at..][..count]);
                }
            }
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> WithSimd
    for StoreTarget<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let block = self.block;
        let sum = self.block.sum;
        block.each(simd, Packed::<S, T>::LANES, &sum.target, [0, 0], &mut self);
    }
}
