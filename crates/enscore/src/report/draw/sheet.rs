//! Many small images in one picture: sheets, samples beside their nearest training images, annealing strips.
//!
//! Images are f32 values in [0, 1], clamped for display only; each is enlarged by a whole factor without
//! smoothing.

use super::image::{Image, byte_count, level, not_a_number};
use crate::error::{Error, Result};

/// Images in a row of a sheet of samples.
pub const COLUMNS: usize = 8;
/// Pixels between the images of a sheet of samples.
pub const GAP: usize = 2;
/// Small images are enlarged to about this many pixels a side.
const IMAGE_SIDE: usize = 56;
/// What lies between images, and between those of black and white alone.
const GAP_LEVEL: u8 = 255;
/// A level of grey that neither is.
pub const GREY: u8 = 128;

/// The whole factor that images `[h, w, c]` are enlarged by, at least 2: small ones come to about 56 pixels a
/// side.
pub fn enlargement([height, width, _]: [usize; 3]) -> usize {
    (IMAGE_SIDE / height.max(width).max(1)).max(2)
}

/// A grid of images `[n, h, w, c]`, row by row, with `gap` pixels between and around them. Fewer images than
/// `columns` make a narrower sheet; cells after the last image stay blank.
///
/// # Errors
/// No image, a number of values that isn't a multiple of h·w·c, zero `columns` or `scale`, NaN, or a picture
/// above [`MAX_BYTES`](super::MAX_BYTES).
pub fn sheet(
    images: &[f32],
    row_shape: [usize; 3],
    columns: usize,
    scale: usize,
    gap: usize,
) -> Result<Image> {
    sheet_between(images, row_shape, columns, scale, gap, GAP_LEVEL)
}

/// The same with a level of grey between the images, 0 to 255: images of black and white alone end where grey
/// begins.
///
/// # Errors
/// As [`sheet`].
pub fn sheet_between(
    images: &[f32],
    row_shape: [usize; 3],
    columns: usize,
    scale: usize,
    gap: usize,
    level: u8,
) -> Result<Image> {
    let tiles = Tiles { level, ..Tiles::new(images, row_shape, scale)? };
    let columns = at_least_one("columns", columns)?.min(tiles.count);
    let rows = tiles.count.div_ceil(columns);
    let mut canvas = tiles.canvas([columns, rows], [1, 1], [gap, gap])?;
    for index in 0..tiles.count {
        let left = gap + (index % columns) * (tiles.wide + gap);
        let top = gap + (index / columns) * (tiles.high + gap);
        tiles.paint(index, &mut canvas, [left, top])?;
    }
    Ok(canvas)
}

/// Each sample with its nearest training image to its right; `columns` pairs a row. Both are `[n, h, w, c]`.
/// Pairs lie three gaps apart, the two of a pair one.
///
/// # Errors
/// As [`sheet`], or different numbers of samples and neighbours.
pub fn pairs(
    samples: &[f32],
    nearest: &[f32],
    row_shape: [usize; 3],
    columns: usize,
    scale: usize,
    gap: usize,
) -> Result<Image> {
    let left_tiles = Tiles::new(samples, row_shape, scale)?;
    let right_tiles = Tiles::new(nearest, row_shape, scale)?;
    if left_tiles.count != right_tiles.count {
        return Err(Error::input("samples and nearest images don't match in number")
            .found(format!("{} and {}", left_tiles.count, right_tiles.count))
            .expected("equally many"));
    }
    let columns = at_least_one("columns", columns)?.min(left_tiles.count);
    let rows = left_tiles.count.div_ceil(columns);
    let outer = gap.saturating_mul(3);
    let mut canvas = left_tiles.canvas([columns, rows], [2, 1], [gap, outer])?;
    for index in 0..left_tiles.count {
        let left = outer + (index % columns) * (2 * left_tiles.wide + gap + outer);
        let top = outer + (index / columns) * (left_tiles.high + outer);
        left_tiles.paint(index, &mut canvas, [left, top])?;
        right_tiles.paint(index, &mut canvas, [left + left_tiles.wide + gap, top])?;
    }
    Ok(canvas)
}

/// An annealing strip: a row a chain, a column a stage, from the first noise level at the left to the sample
/// at the right. `states` is `[stages, chains, h, w, c]`, as a sampler records them.
///
/// # Errors
/// As [`sheet`], or a number of images that isn't a multiple of `chains`.
pub fn trajectory(
    states: &[f32],
    chains: usize,
    row_shape: [usize; 3],
    scale: usize,
    gap: usize,
) -> Result<Image> {
    let tiles = Tiles::new(states, row_shape, scale)?;
    let chains = at_least_one("chains", chains)?;
    if !tiles.count.is_multiple_of(chains) {
        return Err(Error::input("wrong number of images for a strip")
            .found(tiles.count)
            .expected(format!("a multiple of {chains} chains")));
    }
    let mut canvas = tiles.canvas([tiles.count / chains, chains], [1, 1], [gap, gap])?;
    for index in 0..tiles.count {
        let (stage, chain) = (index / chains, index % chains);
        let corner = [gap + stage * (tiles.wide + gap), gap + chain * (tiles.high + gap)];
        tiles.paint(index, &mut canvas, corner)?;
    }
    Ok(canvas)
}

/// Images of one shape, checked, with their enlarged size.
struct Tiles<'a> {
    values: &'a [f32],
    shape: [usize; 3],
    count: usize,
    scale: usize,
    wide: usize,
    high: usize,
    /// What lies between the images.
    level: u8,
}

impl<'a> Tiles<'a> {
    fn new(values: &'a [f32], shape: [usize; 3], scale: usize) -> Result<Self> {
        let [height, width, channels] = shape;
        let size = byte_count(width, height, channels)?;
        let scale = at_least_one("scale", scale)?;
        if values.is_empty() || !values.len().is_multiple_of(size) {
            return Err(Error::input("wrong number of values for images").found(values.len()).expected(
                format!("a multiple of {height} x {width} x {channels} = {size}, at least one image"),
            ));
        }
        // Also checks the enlarged size against overflow, so that the products below are safe.
        let wide = width.saturating_mul(scale);
        let high = height.saturating_mul(scale);
        byte_count(wide, high, channels)?;
        Ok(Tiles { values, shape, count: values.len() / size, scale, wide, high, level: GAP_LEVEL })
    }

    /// A blank picture of `[across, down]` cells, each of `per_cell` `[across, down]` images `inner` apart,
    /// with `outer` between and around the cells.
    fn canvas(&self, cells: [usize; 2], per_cell: [usize; 2], gaps: [usize; 2]) -> Result<Image> {
        let [inner, outer] = gaps;
        let side = |axis: usize, tile: usize| {
            let between = inner.saturating_mul(per_cell[axis] - 1);
            let cell = per_cell[axis].saturating_mul(tile).saturating_add(between);
            cells[axis].saturating_mul(cell.saturating_add(outer)).saturating_add(outer)
        };
        // A saturated side is refused as too large.
        Image::filled(side(0, self.wide), side(1, self.high), self.shape[2], self.level)
    }

    fn paint(&self, index: usize, canvas: &mut Image, [left, top]: [usize; 2]) -> Result<()> {
        let [height, width, channels] = self.shape;
        let size = height * width * channels;
        let values = &self.values[index * size..][..size];
        let mut colour = [0; 3];
        for (pixel, value) in values.chunks_exact(channels).enumerate() {
            for (channel, (slot, &value)) in colour.iter_mut().zip(value).enumerate() {
                let place =
                    || not_a_number(&format!("image {index}"), pixel * channels + channel, self.shape);
                *slot = level(value).ok_or_else(place)?;
            }
            let corner = [left + pixel % width * self.scale, top + pixel / width * self.scale];
            canvas.fill(corner, [self.scale; 2], &colour);
        }
        Ok(())
    }
}

fn at_least_one(name: &str, value: usize) -> Result<usize> {
    if value == 0 { Err(Error::input(name).found(0).expected("at least 1")) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [usize; 3] = [1, 1, 1];

    #[test]
    fn a_sheet_pixel_by_pixel() {
        // Three images of 1x2 in two columns, enlarged twice, one pixel apart.
        let picture = sheet(&[0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [1, 2, 1], 2, 2, 1).unwrap();
        assert_eq!((picture.width, picture.height), (11, 7));
        let g = 255;
        let row = [g, 0, 0, 51, 51, g, 102, 102, 153, 153, g];
        let last = [g, 204, 204, g, g, g, g, g, g, g, g];
        let rows: Vec<&[u8]> = picture.pixels.chunks(11).collect();
        assert_eq!(rows, [&[g; 11][..], &row, &row, &[g; 11], &last, &last, &[g; 11]]);
    }

    #[test]
    fn white_images_end_where_grey_begins() {
        let picture = sheet_between(&[1.0, 1.0], ONE, 2, 1, 1, GREY).unwrap();
        let g = GREY;
        assert_eq!(picture.pixels, [g, g, g, g, g, g, 255, g, 255, g, g, g, g, g, g]);
    }

    #[test]
    fn colours_keep_their_channels() {
        let picture = sheet(&[1.0, 0.0, 0.2], [1, 1, 3], 5, 1, 0).unwrap();
        assert_eq!(picture.pixels, [255, 0, 51]);
    }

    #[test]
    fn a_pair_lies_closer_than_two_pairs() {
        let picture = pairs(&[0.0, 0.2], &[0.4, 0.6], ONE, 2, 1, 1).unwrap();
        assert_eq!((picture.width, picture.height), (15, 7));
        let middle = &picture.pixels[3 * 15..4 * 15];
        assert_eq!(middle, [255, 255, 255, 0, 255, 102, 255, 255, 255, 51, 255, 153, 255, 255, 255]);
        assert!(pairs(&[0.0, 0.2], &[0.4], ONE, 2, 1, 1).is_err());
    }

    #[test]
    fn a_strip_has_chains_down_and_stages_across() {
        // [stages 3, chains 2]
        let picture = trajectory(&[0.0, 1.0, 0.2, 0.8, 0.4, 0.6], 2, ONE, 1, 0).unwrap();
        assert_eq!((picture.width, picture.height), (3, 2));
        assert_eq!(picture.pixels, [0, 51, 102, 255, 204, 153]);
        assert!(trajectory(&[0.0; 5], 2, ONE, 1, 0).is_err());
    }

    #[test]
    fn wrong_sizes_are_refused() {
        assert!(sheet(&[], ONE, 1, 1, 0).is_err());
        assert!(sheet(&[0.0; 3], [1, 2, 1], 1, 1, 0).is_err());
        assert!(sheet(&[0.0], ONE, 0, 1, 0).is_err());
        assert!(sheet(&[0.0], ONE, 1, 0, 0).is_err());
        assert!(sheet(&[0.0], ONE, 1, usize::MAX, 0).is_err());
        assert!(sheet(&[0.0], ONE, 1, 1, usize::MAX).is_err());
        assert!(sheet(&[0.0], [usize::MAX, 2, 1], 1, 1, 0).is_err());
        let error = sheet(&[0.0; 2], [1, 1, 2], 1, 1, 0).unwrap_err();
        assert!(error.remedy.contains(".npy"), "{error}");
    }

    #[test]
    fn nan_is_refused_with_the_image_it_is_in() {
        let error = sheet(&[0.0, 0.1, 0.2, f32::NAN], [1, 2, 1], 2, 1, 0).unwrap_err();
        assert_eq!(error.place, "image 1, row 0, column 1, channel 0");
    }
}
