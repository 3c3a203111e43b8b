//! Between images and transformed tiles, kept as one matrix `[tile][phase, channel]` for each point, `stride` elements
//! apart.

use std::marker::PhantomData;

use super::fold::{Grid, Tiled};
use super::winograd_matrices::{Matrices, TILE, Vector, WIDTH, column, each, load, store};
use crate::simd::{Float, Kernel};

/// Marks a pixel of a tile outside the image.
const OUTSIDE: usize = usize::MAX;

/// [`load`] at `channel` of the pixel at `pixel`: zeros outside.
#[inline(always)]
fn load_pixel<T: Float, const FULL: bool>(
    data: &[T],
    pixel: usize,
    channel: usize,
    count: usize,
) -> Vector<T> {
    if pixel == OUTSIDE { [T::ZERO; WIDTH] } else { load::<T, FULL>(data, pixel + channel, count) }
}

/// Elements where the pixels of a tile's `N` rows and columns from `corner` on begin, in one phase of the image.
#[inline(always)]
fn pixels<const N: usize>(
    grid: &Grid,
    image: usize,
    corner: [isize; 2],
    phase: [usize; 2],
) -> [[usize; N]; N] {
    let mut out = [[OUTSIDE; N]; N];
    for (a, out) in out.iter_mut().enumerate() {
        let Some(row) = grid.pixel(0, corner[0] + a as isize, phase[0]) else { continue };
        for (b, out) in out.iter_mut().enumerate() {
            if let Some(column) = grid.pixel(1, corner[1] + b as isize, phase[1]) {
                *out = ((image * grid.size[0] + row) * grid.size[1] + column) * grid.channels;
            }
        }
    }
    out
}

/// Bᵀ d B of consecutive tiles of the source, beginning with tile `first`.
pub(super) struct TransformSource<'a, T, F, const SIDE: usize, const TAPS: usize> {
    pub sum: &'a Tiled,
    pub matrices: PhantomData<F>,
    pub first: usize,
    pub count: usize,
    pub source: &'a [T],
    pub out: &'a mut [T],
    pub stride: usize,
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize>
    TransformSource<'_, T, F, SIDE, TAPS>
{
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        to: usize,
        at: &[[usize; SIDE]; SIDE],
        channel: usize,
    ) {
        let grid = &self.sum.source;
        let count = grid.channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; SIDE]; SIDE];
        for (half, at) in half.iter_mut().zip(at) {
            let mut row = [[T::ZERO; WIDTH]; SIDE];
            for (vector, pixel) in row.iter_mut().zip(at) {
                *vector = load_pixel::<T, FULL>(self.source, *pixel, channel, count);
            }
            *half = F::b_transposed::<T, FMA>(each(&row));
        }
        for b in 0..SIDE {
            let values = F::b_transposed::<T, FMA>(column(&half, b));
            for (a, values) in values.iter().enumerate() {
                let to = (a * SIDE + b) * self.stride + to + channel;
                store::<T, FULL>(self.out, to, count, values);
            }
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> Kernel
    for TransformSource<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let (sum, grid) = (self.sum, self.sum.source);
        let whole = grid.channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let (image, corner) = sum.corner(self.first + tile);
            let corner = [corner[0] - sum.offset[0], corner[1] - sum.offset[1]];
            for phase in 0..grid.step * grid.step {
                let at = pixels(&grid, image, corner, [phase / grid.step, phase % grid.step]);
                let to = tile * grid.depth() + phase * grid.channels;
                for channel in (0..whole).step_by(WIDTH) {
                    self.group::<FMA, true>(to, &at, channel);
                }
                if whole < grid.channels {
                    self.group::<FMA, false>(to, &at, whole);
                }
            }
        }
    }
}

/// A e Aᵀ of consecutive tiles of the target's gradient, beginning with tile `first`.
pub(super) struct TransformTarget<'a, T, F, const SIDE: usize, const TAPS: usize> {
    pub sum: &'a Tiled,
    pub matrices: PhantomData<F>,
    pub first: usize,
    pub count: usize,
    pub target: &'a [T],
    pub out: &'a mut [T],
    pub stride: usize,
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize>
    TransformTarget<'_, T, F, SIDE, TAPS>
{
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        to: usize,
        at: &[[usize; TILE]; TILE],
        channel: usize,
    ) {
        let grid = &self.sum.target;
        let count = grid.channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; SIDE]; TILE];
        for (half, at) in half.iter_mut().zip(at) {
            let mut row = [[T::ZERO; WIDTH]; TILE];
            for (vector, pixel) in row.iter_mut().zip(at) {
                *vector = load_pixel::<T, FULL>(self.target, *pixel, channel, count);
            }
            *half = F::a::<T, FMA>(each(&row));
        }
        for b in 0..SIDE {
            let values = F::a::<T, FMA>(column(&half, b));
            for (r, values) in values.iter().enumerate() {
                let to = (r * SIDE + b) * self.stride + to + channel;
                store::<T, FULL>(self.out, to, count, values);
            }
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> Kernel
    for TransformTarget<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let (sum, grid) = (self.sum, self.sum.target);
        let whole = grid.channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let (image, corner) = sum.corner(self.first + tile);
            for phase in 0..grid.step * grid.step {
                let at = pixels(&grid, image, corner, [phase / grid.step, phase % grid.step]);
                let to = tile * grid.depth() + phase * grid.channels;
                for channel in (0..whole).step_by(WIDTH) {
                    self.group::<FMA, true>(to, &at, channel);
                }
                if whole < grid.channels {
                    self.group::<FMA, false>(to, &at, whole);
                }
            }
        }
    }
}

/// Aᵀ m A of consecutive tiles, beginning with tile `first`; `target` begins at target element `origin`.
pub(super) struct StoreTarget<'a, T, F, const SIDE: usize, const TAPS: usize> {
    pub sum: &'a Tiled,
    pub matrices: PhantomData<F>,
    pub first: usize,
    pub count: usize,
    pub products: &'a [T],
    pub stride: usize,
    pub target: &'a mut [T],
    pub origin: usize,
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize>
    StoreTarget<'_, T, F, SIDE, TAPS>
{
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        to: usize,
        at: &[[usize; TILE]; TILE],
        channel: usize,
    ) {
        let grid = &self.sum.target;
        let count = grid.channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; TILE]; SIDE];
        for (a, half) in half.iter_mut().enumerate() {
            let mut row = [[T::ZERO; WIDTH]; SIDE];
            for (b, values) in row.iter_mut().enumerate() {
                let from = (a * SIDE + b) * self.stride + to + channel;
                *values = load::<T, FULL>(self.products, from, count);
            }
            *half = F::a_transposed::<T, FMA>(each(&row));
        }
        for b in 0..TILE {
            let values = F::a_transposed::<T, FMA>(column(&half, b));
            for (row, values) in at.iter().zip(&values) {
                if row[b] != OUTSIDE {
                    store::<T, FULL>(self.target, row[b] - self.origin + channel, count, values);
                }
            }
        }
    }
}

impl<T: Float, F: Matrices<SIDE, TAPS>, const SIDE: usize, const TAPS: usize> Kernel
    for StoreTarget<'_, T, F, SIDE, TAPS>
{
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let (sum, grid) = (self.sum, self.sum.target);
        let whole = grid.channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let (image, corner) = sum.corner(self.first + tile);
            for phase in 0..grid.step * grid.step {
                let at = pixels(&grid, image, corner, [phase / grid.step, phase % grid.step]);
                let to = tile * grid.depth() + phase * grid.channels;
                for channel in (0..whole).step_by(WIDTH) {
                    self.group::<FMA, true>(to, &at, channel);
                }
                if whole < grid.channels {
                    self.group::<FMA, false>(to, &at, whole);
                }
            }
        }
    }
}
