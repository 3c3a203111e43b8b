//! Pictures as PNG files (ISO/IEC 15948): 8-bit grey or RGB, best compression.

use std::path::Path;

use super::image::Image;
use crate::error::{Error, Result};
use crate::files::write_bytes_atomically;

/// Up to this size both ways of filtering are tried; above it that would take seconds.
const TRY_BOTH_BYTES: usize = 8 << 20;

/// The PNG file of a picture. The same picture gives the same bytes.
///
/// # Errors
/// A picture whose fields disagree ([`Image::check`]).
pub fn encode(image: &Image) -> Result<Vec<u8>> {
    image.check()?;
    // Pictures scaled up by whole factors are best left to deflate alone; photographs gain from row filters.
    let filtered = encode_with(image, png::Filter::Adaptive)?;
    if image.pixels.len() > TRY_BOTH_BYTES {
        return Ok(filtered);
    }
    let plain = encode_with(image, png::Filter::NoFilter)?;
    Ok(if filtered.len() < plain.len() { filtered } else { plain })
}

/// Writes a picture as a PNG file, whole or not at all.
///
/// # Errors
/// As [`encode`], or a file that can't be written.
pub fn write(path: &Path, image: &Image) -> Result<()> {
    write_bytes_atomically(path, &encode(image)?)
}

fn encode_with(image: &Image, filter: png::Filter) -> Result<Vec<u8>> {
    let failed = |error: png::EncodingError| Error::run("can't encode a PNG").found_error(error);
    let side = |pixels: usize| {
        u32::try_from(pixels).map_err(|_| Error::input("the picture is too large").found(pixels))
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(image.width)?, side(image.height)?);
    encoder.set_color(if image.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(filter);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&image.pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// The pixels of a PNG file that [`encode`] wrote.
#[cfg(test)]
pub(in crate::report) fn decode(bytes: &[u8]) -> Image {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let channels = info.color_type.samples();
    Image { width: info.width as usize, height: info.height as usize, channels, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_to_the_same_pixels() {
        for channels in [1, 3] {
            let pixels = (0..7 * 5 * channels).map(|i| (i * 37 % 256) as u8).collect();
            let image = Image { width: 7, height: 5, channels, pixels };
            assert_eq!(decode(&encode(&image).unwrap()), image);
        }
    }

    #[test]
    fn values_reach_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write(&path, &Image::from_unit(&[0.0, 0.2, 0.6, 2.0], [2, 2, 1]).unwrap()).unwrap();
        assert_eq!(decode(&std::fs::read(&path).unwrap()).pixels, [0, 51, 153, 255]);
        assert!(write(&path, &Image { width: 0, height: 0, channels: 1, pixels: Vec::new() }).is_err());
        assert_eq!(decode(&std::fs::read(&path).unwrap()).pixels, [0, 51, 153, 255], "the old file stays");
    }

    #[test]
    fn an_even_picture_is_compressed() {
        let image = Image::filled(400, 300, 3, 200).unwrap();
        assert!(encode(&image).unwrap().len() < 1500);
    }

    #[test]
    fn a_picture_whose_fields_disagree_is_refused() {
        let wrong = Image { width: 2, height: 2, channels: 3, pixels: vec![0; 4] };
        assert!(encode(&wrong).is_err());
    }
}
