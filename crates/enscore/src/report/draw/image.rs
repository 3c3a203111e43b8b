//! A picture in memory: 8-bit grey or RGB, row by row from the top.

use crate::error::{Error, Result};

/// The largest picture that is drawn, in bytes: larger ones are refused rather than exhausting the memory.
pub const MAX_BYTES: usize = 1 << 30;

/// A picture: `pixels` is `[height, width, channels]`, with 1 channel (grey) or 3 (RGB).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// 1 for grey, 3 for RGB.
    pub channels: usize,
    /// `[height, width, channels]`, 0 black to 255 full.
    pub pixels: Vec<u8>,
}

impl Image {
    /// A picture of one colour: `level` in every channel.
    ///
    /// # Errors
    /// A side of zero, channels other than 1 and 3, or more than [`MAX_BYTES`].
    pub fn filled(width: usize, height: usize, channels: usize, level: u8) -> Result<Image> {
        let bytes = byte_count(width, height, channels)?;
        Ok(Image { width, height, channels, pixels: vec![level; bytes] })
    }

    /// A picture from values `[height, width, channels]` in [0, 1]. Values outside are clamped, for display
    /// only.
    ///
    /// # Errors
    /// As [`Image::filled`]; a number of values that doesn't match; NaN.
    pub fn from_unit(values: &[f32], [height, width, channels]: [usize; 3]) -> Result<Image> {
        let bytes = byte_count(width, height, channels)?;
        if values.len() != bytes {
            return Err(Error::input("wrong number of values for a picture")
                .found(values.len())
                .expected(format!("{height} x {width} x {channels} = {bytes}")));
        }
        let mut pixels = Vec::with_capacity(bytes);
        for (index, &value) in values.iter().enumerate() {
            let shape = [height, width, channels];
            pixels.push(level(value).ok_or_else(|| not_a_number("picture", index, shape))?);
        }
        Ok(Image { width, height, channels, pixels })
    }

    /// Whether sides, channels and pixels agree: the fields are public.
    ///
    /// # Errors
    /// As [`Image::filled`], or a number of pixels that doesn't match.
    pub fn check(&self) -> Result<()> {
        let bytes = byte_count(self.width, self.height, self.channels)?;
        if self.pixels.len() == bytes {
            return Ok(());
        }
        Err(Error::input("wrong number of pixels for a picture").found(self.pixels.len()).expected(bytes))
    }

    /// Fills a rectangle, cut to the picture, with `colour` (one value a channel).
    pub(crate) fn fill(&mut self, [left, top]: [usize; 2], [wide, high]: [usize; 2], colour: &[u8]) {
        let right = left.saturating_add(wide).min(self.width);
        let bottom = top.saturating_add(high).min(self.height);
        for y in top..bottom {
            for x in left..right {
                let start = (y * self.width + x) * self.channels;
                self.pixels[start..start + self.channels].copy_from_slice(&colour[..self.channels]);
            }
        }
    }
}

/// The 8-bit level of a value in [0, 1], clamped; none for NaN.
pub(super) fn level(value: f32) -> Option<u8> {
    // Rounded half up; a cast from float saturates, so infinities are full or black.
    (!value.is_nan()).then(|| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
}

/// The error for a NaN at flat `index` of an array of rows of `shape` `[height, width, channels]`.
pub(super) fn not_a_number(what: &str, index: usize, [_, width, channels]: [usize; 3]) -> Error {
    let (row, column) = (index / channels / width, index / channels % width);
    Error::input("can't draw this value")
        .at(format!("{what}, row {row}, column {column}, channel {}", index % channels))
        .found("NaN")
        .expected("a number")
        .remedy("drop the non-finite rows")
}

/// Bytes of a picture, with every product checked.
pub(super) fn byte_count(width: usize, height: usize, channels: usize) -> Result<usize> {
    let size = format!("{width} x {height} x {channels}");
    if channels != 1 && channels != 3 {
        return Err(Error::input("can't draw these values as a picture")
            .found(format!("{channels} channels"))
            .expected("1 (grey) or 3 (RGB)")
            .remedy("write them as .npy or .csv instead"));
    }
    if width == 0 || height == 0 {
        return Err(Error::input("the picture is empty").found(size).expected("at least one pixel"));
    }
    let bytes = width.checked_mul(height).and_then(|area| area.checked_mul(channels));
    bytes.filter(|&bytes| bytes <= MAX_BYTES).ok_or_else(|| {
        Error::input("the picture is too large")
            .found(size)
            .expected(format!("at most {MAX_BYTES} bytes"))
            .remedy("draw fewer images, or at a smaller scale")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_levels() {
        let values = [0.0, 1.0, 0.01, -3.0, 7.0, f32::INFINITY];
        let image = Image::from_unit(&values, [2, 3, 1]).unwrap();
        assert_eq!(image.pixels, [0, 255, 3, 0, 255, 255]);
        assert_eq!((image.width, image.height), (3, 2));
    }

    #[test]
    fn nan_is_refused_with_its_place() {
        let mut values = [0.5; 2 * 3 * 3];
        values[(3 + 2) * 3 + 1] = f32::NAN;
        let error = Image::from_unit(&values, [2, 3, 3]).unwrap_err();
        assert!(error.place.ends_with("row 1, column 2, channel 1"), "{error}");
    }

    #[test]
    fn sizes_that_overflow_or_disagree_are_refused() {
        assert!(Image::filled(usize::MAX, 2, 3, 0).is_err());
        assert!(Image::filled(1 << 20, 1 << 20, 1, 0).is_err());
        assert!(Image::filled(4, 0, 1, 0).is_err());
        assert!(Image::filled(4, 4, 2, 0).is_err());
        assert!(Image::from_unit(&[0.0; 5], [2, 3, 1]).is_err());
        let wrong = Image { width: 2, height: 2, channels: 1, pixels: vec![0; 3] };
        assert!(wrong.check().is_err());
    }

    #[test]
    fn fill_is_cut_to_the_picture() {
        let mut image = Image::filled(3, 2, 1, 0).unwrap();
        image.fill([2, 1], [9, usize::MAX], &[7]);
        assert_eq!(image.pixels, [0, 0, 0, 0, 0, 7]);
    }
}
