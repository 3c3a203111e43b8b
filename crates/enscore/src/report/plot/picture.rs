//! A finished drawing, and its files: SVG, PNG at twice its size, PDF. All three are the same SVG, with the
//! same font.

use std::convert::Infallible;
use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use plotters::drawing::{DrawingAreaErrorKind, IntoDrawingArea};
use resvg::{tiny_skia, usvg};

use super::backend::{Area, Svg, units};
use super::font::{database, register};
use crate::error::{Error, Result};
use crate::files::write_bytes_atomically;
use crate::report::draw::{Image, MAX_BYTES, png};
use crate::report::markup::escape;

/// Pixels of a PNG in a unit of a drawing.
const RESOLUTION: f64 = 2.0;

/// The kinds of files that a picture can be written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PictureFormat {
    /// Pixels, at twice the size of a drawing.
    #[default]
    Png,
    /// Lines and letters, for pages and further editing.
    Svg,
    /// One page, for papers.
    Pdf,
}

impl PictureFormat {
    /// The ending of its files' names, without a dot.
    pub fn ending(self) -> &'static str {
        match self {
            PictureFormat::Png => "png",
            PictureFormat::Svg => "svg",
            PictureFormat::Pdf => "pdf",
        }
    }
}

/// A drawing, or pixels that stay what they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    svg: String,
    size: [f64; 2],
    pixels: Option<Image>,
}

/// What drawing gives: plotters' errors are those of the font alone.
pub(in crate::report) type Drawn = std::result::Result<(), DrawingAreaErrorKind<Infallible>>;

/// A drawing of this size, on white. `label` is what it says to who can't see it.
pub(in crate::report) fn draw(
    label: &str,
    [wide, high]: [f64; 2],
    fill: impl FnOnce(&Area) -> Drawn,
) -> Result<Picture> {
    register()?;
    // Four bytes a pixel while it is rasterised.
    let bytes = 4.0 * RESOLUTION * RESOLUTION * wide * high;
    if !(wide >= 1.0 && high >= 1.0 && bytes <= MAX_BYTES as f64) {
        return Err(Error::input("can't draw a picture of this size")
            .found(format_args!("{wide:.0} x {high:.0}"))
            .expected(format_args!("at least 1 x 1, {} MiB of pixels at most", MAX_BYTES >> 20))
            .remedy("draw fewer parts"));
    }
    let mut body = String::new();
    {
        let size = (units(wide).unsigned_abs(), units(high).unsigned_abs());
        let area = Svg::new(&mut body, size).into_drawing_area();
        let drawn = fill(&area).and_then(|()| area.present());
        drawn.map_err(|error| Error::run("can't draw a picture").at(label).found_error(error))?;
    }
    Ok(Picture { svg: page(label, [wide, high], &body), size: [wide, high], pixels: None })
}

/// The outer element of a drawing. Readers without the font have another without serifs.
fn page(label: &str, [wide, high]: [f64; 2], body: &str) -> String {
    let label = escape(label);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img" aria-label="{label}" font-family="Inter, system-ui, sans-serif" stroke-linejoin="round"><rect width="{wide}" height="{high}" fill="#ffffff"/>{body}</svg>"##
    )
}

impl Picture {
    /// A picture of pixels, such as a sheet of images: its PNG has these pixels, no others.
    ///
    /// # Errors
    /// As [`png::encode`].
    pub fn of_pixels(label: &str, image: Image) -> Result<Picture> {
        let data = STANDARD.encode(png::encode(&image)?);
        let size = [image.width as f64, image.height as f64];
        let [wide, high] = size;
        let body = format!(
            r#"<image width="{wide}" height="{high}" image-rendering="optimizeSpeed" href="data:image/png;base64,{data}"/>"#
        );
        Ok(Picture { svg: page(label, size, &body), size, pixels: Some(image) })
    }

    /// The picture as one SVG element.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// Width and height, in pixels of a screen.
    pub fn size(&self) -> [f64; 2] {
        self.size
    }

    /// The picture as a PNG file: a drawing at twice its size, pixels as they are.
    ///
    /// # Errors
    /// A picture too large for the memory.
    pub fn png(&self) -> Result<Vec<u8>> {
        match &self.pixels {
            Some(image) => png::encode(image),
            None => png::encode(&self.rasterised()?),
        }
    }

    /// The picture as a PDF file of one page, an inch for 96 units.
    ///
    /// # Errors
    /// A picture that can't be converted.
    pub fn pdf(&self) -> Result<Vec<u8>> {
        let page = svg2pdf::PageOptions { dpi: 96.0 };
        svg2pdf::to_pdf(&self.tree()?, svg2pdf::ConversionOptions::default(), page)
            .map_err(|error| Error::run("can't write a picture as PDF").found(error))
    }

    /// Writes the picture, whole or not at all.
    ///
    /// # Errors
    /// As [`Picture::png`] and [`Picture::pdf`], or a file that can't be written.
    pub fn write(&self, path: &Path, format: PictureFormat) -> Result<()> {
        match format {
            PictureFormat::Png => write_bytes_atomically(path, &self.png()?),
            PictureFormat::Svg => write_bytes_atomically(path, self.svg.as_bytes()),
            PictureFormat::Pdf => write_bytes_atomically(path, &self.pdf()?),
        }
    }

    /// The pixels of a drawing, at twice its size.
    fn rasterised(&self) -> Result<Image> {
        let tree = self.tree()?;
        let [width, height] = self.size.map(|side| (side * RESOLUTION).ceil() as u32);
        let mut pixels = tiny_skia::Pixmap::new(width, height).ok_or_else(|| {
            Error::input("the picture is too large").found(format_args!("{width} x {height} pixels"))
        })?;
        let scale = tiny_skia::Transform::from_scale(RESOLUTION as f32, RESOLUTION as f32);
        resvg::render(&tree, scale, &mut pixels.as_mut());
        // A drawing lies on white, so that every pixel is opaque.
        let levels = pixels.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Ok(Image { width: width as usize, height: height as usize, channels: 3, pixels: levels })
    }

    fn tree(&self) -> Result<usvg::Tree> {
        let options = usvg::Options {
            fontdb: database(),
            font_family: super::font::FAMILY.into(),
            ..usvg::Options::default()
        };
        usvg::Tree::from_str(&self.svg, &options)
            .map_err(|error| Error::run("can't read a drawing").found_error(error))
    }
}

#[cfg(test)]
mod tests;
