//! Decodes JPEG images, baseline and progressive, turned as their EXIF orientation says.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError};

use super::kind::{Kind, MOST_VALUES, Picture, too_large};
use crate::data::formats::element::Element;
use crate::error::{Error, Reason, Result};

/// Whether a file that starts so is JPEG.
pub(super) fn recognises(prefix: &[u8]) -> bool {
    prefix.starts_with(&[0xff, 0xd8, 0xff])
}

/// The kind of an image, from its header.
pub(super) fn probe(file: &[u8], place: &str) -> Result<Kind> {
    let mut decoder = open(file, place)?;
    let (width, height) = decoder.dimensions();
    let turned = matches!(decoder.orientation().map(|orientation| orientation.to_exif()), Ok(5..=8));
    let [width, height] = if turned { [height, width] } else { [width, height] };
    let channels = if decoder.color_type() == ColorType::L8 { 1 } else { 3 };
    Ok(Kind { height: height as usize, width: width as usize, channels, depth: Element::U8 })
}

/// Decodes a JPEG file; CMYK becomes RGB.
pub(super) fn decode(file: &[u8], place: &str) -> Result<Picture> {
    let kind = probe(file, place)?;
    let mut decoder = open(file, place)?;
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| damaged(place, error))?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    let samples =
        if kind.channels == 1 { image.into_luma8().into_raw() } else { image.into_rgb8().into_raw() };
    Ok(Picture { kind, samples, alpha: Vec::new() })
}

fn open<'a>(file: &'a [u8], place: &str) -> Result<JpegDecoder<Cursor<&'a [u8]>>> {
    let decoder = JpegDecoder::new(Cursor::new(file)).map_err(|error| damaged(place, error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) * 4 > MOST_VALUES {
        return Err(too_large(place, width, height));
    }
    Ok(decoder)
}

fn damaged(place: &str, error: ImageError) -> Error {
    Error::new(Reason::Damaged, format!("a damaged JPEG file ({error})"))
        .at(place)
        .remedy("get a fresh copy of the file")
        .caused_by(error)
}
