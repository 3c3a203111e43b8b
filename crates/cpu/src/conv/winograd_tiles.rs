//! Between images and transformed tiles, kept as 36 matrices `[36][tile][channel]`, `stride` elements apart.

use super::geometry::Window;
use super::winograd_matrices::{
    SIDE, TILE, Vector, WIDTH, a, a_transposed, b_transposed, column, each, load, store,
};
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

/// Tiles across and down an image's target.
pub(super) fn tiles(window: &Window) -> [usize; 2] {
    window.target.map(|size| size.div_ceil(TILE))
}

/// Image, first target row and first target column of a tile.
#[inline(always)]
fn corner(window: &Window, tile: usize) -> [usize; 3] {
    let [down, across] = tiles(window);
    [tile / (down * across), tile / across % down * TILE, tile % across * TILE]
}

/// Elements where the pixels of a tile's `N` rows and columns from `row`, `column` begin in images of `size`.
#[inline(always)]
fn pixels<const N: usize>(
    image: usize,
    [row, column]: [isize; 2],
    size: [usize; 2],
    channels: usize,
) -> [[usize; N]; N] {
    let mut out = [[OUTSIDE; N]; N];
    for (a, out) in out.iter_mut().enumerate() {
        let row = row + a as isize;
        if row < 0 || row >= size[0] as isize {
            continue;
        }
        for (b, out) in out.iter_mut().enumerate() {
            let column = column + b as isize;
            if column >= 0 && column < size[1] as isize {
                *out = ((image * size[0] + row as usize) * size[1] + column as usize) * channels;
            }
        }
    }
    out
}

/// Bᵀ d B of consecutive tiles of the source, beginning with tile `first`.
pub(super) struct TransformSource<'a, T> {
    pub window: &'a Window,
    pub first: usize,
    pub count: usize,
    pub source: &'a [T],
    pub out: &'a mut [T],
    pub stride: usize,
}

impl<T: Float> TransformSource<'_, T> {
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        tile: usize,
        at: &[[usize; SIDE]; SIDE],
        channel: usize,
    ) {
        let channels = self.window.source_channels;
        let count = channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; SIDE]; SIDE];
        for (half, at) in half.iter_mut().zip(at) {
            let mut row = [[T::ZERO; WIDTH]; SIDE];
            for (vector, pixel) in row.iter_mut().zip(at) {
                *vector = load_pixel::<T, FULL>(self.source, *pixel, channel, count);
            }
            *half = b_transposed::<T, FMA>(each(&row));
        }
        for b in 0..SIDE {
            let values = b_transposed::<T, FMA>(column(&half, b));
            for (a, values) in values.iter().enumerate() {
                let to = (a * SIDE + b) * self.stride + tile * channels + channel;
                store::<T, FULL>(self.out, to, count, values);
            }
        }
    }
}

impl<T: Float> Kernel for TransformSource<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let channels = self.window.source_channels;
        let whole = channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let [image, i, j] = corner(self.window, self.first + tile);
            let start = [i as isize - self.window.offset[0], j as isize - self.window.offset[1]];
            let at = pixels(image, start, self.window.source, channels);
            for channel in (0..whole).step_by(WIDTH) {
                self.group::<FMA, true>(tile, &at, channel);
            }
            if whole < channels {
                self.group::<FMA, false>(tile, &at, whole);
            }
        }
    }
}

/// A e Aᵀ of consecutive tiles of the target's gradient, beginning with tile `first`.
pub(super) struct TransformTarget<'a, T> {
    pub window: &'a Window,
    pub first: usize,
    pub count: usize,
    pub target: &'a [T],
    pub out: &'a mut [T],
    pub stride: usize,
}

impl<T: Float> TransformTarget<'_, T> {
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        tile: usize,
        at: &[[usize; TILE]; TILE],
        channel: usize,
    ) {
        let channels = self.window.target_channels;
        let count = channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; SIDE]; TILE];
        for (half, at) in half.iter_mut().zip(at) {
            let mut row = [[T::ZERO; WIDTH]; TILE];
            for (vector, pixel) in row.iter_mut().zip(at) {
                *vector = load_pixel::<T, FULL>(self.target, *pixel, channel, count);
            }
            *half = a::<T, FMA>(each(&row));
        }
        for b in 0..SIDE {
            let values = a::<T, FMA>(column(&half, b));
            for (r, values) in values.iter().enumerate() {
                let to = (r * SIDE + b) * self.stride + tile * channels + channel;
                store::<T, FULL>(self.out, to, count, values);
            }
        }
    }
}

impl<T: Float> Kernel for TransformTarget<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let channels = self.window.target_channels;
        let whole = channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let [image, i, j] = corner(self.window, self.first + tile);
            let at = pixels(image, [i as isize, j as isize], self.window.target, channels);
            for channel in (0..whole).step_by(WIDTH) {
                self.group::<FMA, true>(tile, &at, channel);
            }
            if whole < channels {
                self.group::<FMA, false>(tile, &at, whole);
            }
        }
    }
}

/// Aᵀ m A of consecutive tiles, beginning with tile `first`; `target` begins at target element `origin`.
pub(super) struct StoreTarget<'a, T> {
    pub window: &'a Window,
    pub first: usize,
    pub count: usize,
    pub products: &'a [T],
    pub stride: usize,
    pub target: &'a mut [T],
    pub origin: usize,
}

impl<T: Float> StoreTarget<'_, T> {
    #[inline(always)]
    fn group<const FMA: bool, const FULL: bool>(
        &mut self,
        tile: usize,
        at: &[[usize; TILE]; TILE],
        channel: usize,
    ) {
        let channels = self.window.target_channels;
        let count = channels - channel;
        let mut half = [[[T::ZERO; WIDTH]; TILE]; SIDE];
        for (a, half) in half.iter_mut().enumerate() {
            let mut row = [[T::ZERO; WIDTH]; SIDE];
            for (b, values) in row.iter_mut().enumerate() {
                let from = (a * SIDE + b) * self.stride + tile * channels + channel;
                *values = load::<T, FULL>(self.products, from, count);
            }
            *half = a_transposed::<T, FMA>(each(&row));
        }
        for b in 0..TILE {
            let values = a_transposed::<T, FMA>(column(&half, b));
            for (row, values) in at.iter().zip(&values) {
                if row[b] != OUTSIDE {
                    store::<T, FULL>(self.target, row[b] - self.origin + channel, count, values);
                }
            }
        }
    }
}

impl<T: Float> Kernel for StoreTarget<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let channels = self.window.target_channels;
        let whole = channels / WIDTH * WIDTH;
        for tile in 0..self.count {
            let [image, i, j] = corner(self.window, self.first + tile);
            let at = pixels(image, [i as isize, j as isize], self.window.target, channels);
            for channel in (0..whole).step_by(WIDTH) {
                self.group::<FMA, true>(tile, &at, channel);
            }
            if whole < channels {
                self.group::<FMA, false>(tile, &at, whole);
            }
        }
    }
}
