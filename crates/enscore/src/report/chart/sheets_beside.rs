//! Several sheets of images in one picture, side by side, each with a title.

use plotters::style::FontStyle;

use crate::error::{Error, Result};
use crate::report::draw::{Image, png};
use crate::report::plot::{BODY, FAINT, Heat, Picture, TITLE, draw, fitted, text, title, units};

/// White around sheets, and the height that the two lines of text take.
const GAP: f64 = 14.0;
const HEAD: f64 = 40.0;
/// Where the second line begins.
const SECOND: f64 = 20.0;

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
/// No sheet, no column, an image whose pixels don't fill it, or a picture too large to draw.
pub fn sheets_beside(sheets: &[TitledSheet], columns: usize) -> Result<Picture> {
    if sheets.is_empty() || columns == 0 {
        return Err(Error::input("a picture without sheets")
            .found(format_args!("{} sheets, {columns} columns", sheets.len()))
            .expected("at least one of each"));
    }
    let pngs = sheets.iter().map(|sheet| png::encode(&sheet.image)).collect::<Result<Vec<Vec<u8>>>>()?;
    let columns = columns.min(sheets.len());
    let greatest = |of: fn(&Image) -> usize| sheets.iter().map(|sheet| of(&sheet.image)).max().unwrap_or(0);
    let wide = greatest(|image| image.width) as f64;
    let high = greatest(|image| image.height) as f64;
    let rows = sheets.len().div_ceil(columns);
    let size = [GAP + columns as f64 * (wide + GAP), GAP + rows as f64 * (high + HEAD + GAP)];
    let titles: Vec<&str> = sheets.iter().map(|sheet| sheet.title.as_str()).collect();
    draw(&titles.join(", "), size, |area| {
        for (index, (sheet, png)) in sheets.iter().zip(&pngs).enumerate() {
            let left = GAP + (index % columns) as f64 * (wide + GAP);
            let top = GAP + (index / columns) as f64 * (high + HEAD + GAP);
            let place = |x: f64, y: f64| (units(left + x), units(top + y));
            let name = fitted(&sheet.title, TITLE, FontStyle::Bold, wide);
            area.draw_text(&name, &title(), place(0.0, 0.0))?;
            let below = fitted(&sheet.subtitle, BODY, FontStyle::Normal, wide);
            area.draw_text(&below, &text(BODY, FAINT), place(0.0, SECOND))?;
            let end = [sheet.image.width as f64, HEAD + sheet.image.height as f64];
            let corners = [place(0.0, HEAD), place(end[0], end[1])];
            area.draw(&Heat { corners, png: png.clone() })?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(level: u8, channels: usize) -> TitledSheet {
        let image = Image::filled(40, 20, channels, level).unwrap();
        TitledSheet { title: format!("Sheet {level}"), subtitle: String::new(), image }
    }

    #[test]
    fn sheets_lie_in_rows_under_their_titles() {
        let picture = sheets_beside(&[sheet(10, 1), sheet(20, 3), sheet(30, 1)], 2).unwrap();
        assert_eq!(picture.size(), [2.0 * 54.0 + 14.0, 2.0 * 74.0 + 14.0]);
        let decoded = image::load_from_memory(&picture.png().unwrap()).unwrap().to_rgb8();
        assert_eq!((decoded.width(), decoded.height()), (2 * 122, 2 * 162));
        for (x, y, level) in [(16, 56, 10), (70, 56, 20), (16, 130, 30), (52, 72, 10), (60, 60, 255)] {
            assert_eq!(decoded.get_pixel(2 * x, 2 * y).0, [level; 3], "{x}, {y}");
        }
        assert!(["Sheet 10", "Sheet 20", "Sheet 30"].iter().all(|name| picture.svg().contains(name)));
    }

    #[test]
    fn what_fills_no_picture_is_refused() {
        assert!(sheets_beside(&[], 1).is_err() && sheets_beside(&[sheet(1, 1)], 0).is_err());
        let mut odd = sheet(1, 1);
        odd.image.pixels.pop();
        assert!(sheets_beside(&[odd], 1).is_err());
    }
}
