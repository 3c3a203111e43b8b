//! Sheets of images beside each other, each under its title.

use super::glyphs;
use super::image::Image;
use crate::error::{Error, Result};

/// White around sheets, and the height that the two lines of text take.
const GAP: usize = 14;
const TEXT: usize = 30;
const SCALE: usize = 2;
const INK: [u8; 3] = [40; 3];
const FAINT: [u8; 3] = [110; 3];

/// A sheet with what stands above it. Text that doesn't fit is cut, with dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TitledSheet {
    /// The first line.
    pub title: String,
    /// The second line, fainter.
    pub subtitle: String,
    /// The sheet, grey or in colours.
    pub image: Image,
}

/// All sheets in one picture, `columns` in a row.
///
/// # Errors
/// No sheet, no column, an image whose pixels don't fill it, or a picture above
/// [`MAX_BYTES`](super::MAX_BYTES).
pub fn sheets_beside(sheets: &[TitledSheet], columns: usize) -> Result<Image> {
    if sheets.is_empty() || columns == 0 {
        return Err(Error::input("a picture without sheets")
            .found(format_args!("{} sheets, {columns} columns", sheets.len()))
            .expected("at least one of each"));
    }
    sheets.iter().try_for_each(|sheet| sheet.image.check())?;
    let columns = columns.min(sheets.len());
    let greatest = |of: fn(&Image) -> usize| sheets.iter().map(|sheet| of(&sheet.image)).max().unwrap_or(0);
    let (wide, high) = (greatest(|image| image.width), greatest(|image| image.height));
    let across = wide.saturating_add(GAP);
    let down = high.saturating_add(TEXT + GAP);
    let rows = sheets.len().div_ceil(columns);
    let side = |count: usize, step: usize| count.saturating_mul(step).saturating_add(GAP);
    let mut picture = Image::filled(side(columns, across), side(rows, down), 3, 255)?;
    for (index, sheet) in sheets.iter().enumerate() {
        let (left, top) = (GAP + index % columns * across, GAP + index / columns * down);
        for (text, line, colour) in [(&sheet.title, 0, INK), (&sheet.subtitle, GAP, FAINT)] {
            let text = glyphs::fitted(text, SCALE, wide);
            glyphs::draw(&mut picture, &text, [left, top + line], SCALE, &colour);
        }
        paste(&mut picture, &sheet.image, [left, top + TEXT]);
    }
    Ok(picture)
}

/// Copies `image`, whose grey becomes three channels, to where it fits.
fn paste(picture: &mut Image, image: &Image, [left, top]: [usize; 2]) {
    for (at, pixel) in image.pixels.chunks_exact(image.channels).enumerate() {
        let place = [left + at % image.width, top + at / image.width];
        match pixel {
            [level] => picture.fill(place, [1, 1], &[*level; 3]),
            colour => picture.fill(place, [1, 1], colour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(level: u8, channels: usize) -> TitledSheet {
        let image = Image::filled(40, 20, channels, level).unwrap();
        TitledSheet { title: "A".into(), subtitle: String::new(), image }
    }

    #[test]
    fn sheets_lie_in_rows_under_their_titles() {
        let picture = sheets_beside(&[sheet(10, 1), sheet(20, 3), sheet(30, 1)], 2).unwrap();
        assert_eq!((picture.width, picture.height, picture.channels), (2 * 54 + 14, 2 * 64 + 14, 3));
        let at = |x: usize, y: usize| picture.pixels[(y * picture.width + x) * 3..][..3].to_vec();
        for (x, y, level) in
            [(14, 44, 10), (68, 44, 20), (14, 108, 30), (53, 63, 10), (54, 44, 255), (68, 108, 255)]
        {
            assert_eq!(at(x, y), [level; 3], "{x}, {y}");
        }
        assert_eq!(at(14, 14), [40; 3], "the title is drawn");
    }

    #[test]
    fn what_fills_no_picture_is_refused() {
        assert!(sheets_beside(&[], 1).is_err() && sheets_beside(&[sheet(1, 1)], 0).is_err());
        let mut odd = sheet(1, 1);
        odd.image.pixels.pop();
        assert!(sheets_beside(&[odd], 1).is_err());
    }
}
