//! Reads PNG images, grey or colour, of 8 or 16 bits.

use std::io::Cursor;
use std::path::Path;

use png::{BitDepth, ColorType, Decoder, DecodingError, Transformations};

use super::element::{Bytes, Element};
use super::input::{DEFLATE_RATIO, Input, no_memory};
use crate::data::{Dataset, Scale};
use crate::error::{Error, Reason, Result};

/// The most values in one image, and so the most that its decoder allocates.
const MOST_VALUES: u64 = 1 << 28;

/// Whether a file that starts so is PNG.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    prefix.starts_with(b"\x89PNG\r\n\x1a\n")
}

/// Reads one PNG image as a data set of one row.
///
/// # Errors
/// When it can't be read, is damaged, has more than 2^28 values, or has pixels that are not opaque.
pub fn read_image(path: &Path) -> Result<Dataset> {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let input = Input::open(path)?;
    read(&name, input)
}

/// Reads one image as a data set of one row.
pub(in crate::data) fn read(name: &str, mut input: Input) -> Result<Dataset> {
    let bytes = input.unclaimed_rest()?;
    let place = input.place().to_string();
    let picture = Picture::decode(&bytes, &place)?;
    picture.kind.dataset(name, &place, picture.bytes)
}

/// What images of one data set share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) struct Kind {
    height: usize,
    width: usize,
    channels: usize,
    depth: Element,
}

impl Kind {
    /// The data set of one or more images of this kind, in `bytes`.
    pub(in crate::data) fn dataset(self, name: &str, place: &str, bytes: Vec<u8>) -> Result<Dataset> {
        let levels = if self.depth == Element::U16 { 65536 } else { 256 };
        let values = self.depth.decode(bytes, Bytes::Big, place)?;
        Dataset::new(name, place, &[self.height, self.width, self.channels], values)?
            .with_scale(Scale::quantised(levels))
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let colour = if self.channels == 1 { "grey" } else { "colour" };
        write!(f, "{}x{} {colour} of {} bits", self.width, self.height, 8 * self.depth.size())
    }
}

/// A decoded image: samples in rows, pixels, channels; 16-bit ones big-endian.
pub(in crate::data) struct Picture {
    pub(in crate::data) kind: Kind,
    pub(in crate::data) bytes: Vec<u8>,
}

impl Picture {
    /// Decodes a PNG file; palettes and fewer than 8 bits become 8 bits, opaque alpha is dropped.
    pub(in crate::data) fn decode(file: &[u8], place: &str) -> Result<Picture> {
        let mut cursor = Cursor::new(file);
        let decoded = decode(&mut cursor, file.len() as u64, place);
        let position = cursor.position();
        let (info, bytes) = decoded.map_err(|failure| match failure {
            Failure::Refused(e) => e,
            Failure::Png(e) => {
                let truncated =
                    matches!(&e, DecodingError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof);
                let what = if truncated {
                    "a truncated PNG file".into()
                } else {
                    format!("a damaged PNG file ({e})")
                };
                Error::new(Reason::Damaged, what)
                    .at(format!("{place}, byte {position}"))
                    .remedy("get a fresh copy of the file")
                    .caused_by(e)
            }
        })?;
        let depth = if info.bit_depth == BitDepth::Sixteen { Element::U16 } else { Element::U8 };
        let (channels, has_alpha) = match info.color_type {
            ColorType::Grayscale | ColorType::Indexed => (1, false),
            ColorType::GrayscaleAlpha => (1, true),
            ColorType::Rgb => (3, false),
            ColorType::Rgba => (3, true),
        };
        let kind = Kind { height: info.height as usize, width: info.width as usize, channels, depth };
        let bytes = if has_alpha { without_alpha(&bytes, kind, place)? } else { bytes };
        Ok(Picture { kind, bytes })
    }
}

enum Failure {
    Png(DecodingError),
    Refused(Error),
}

impl From<DecodingError> for Failure {
    fn from(error: DecodingError) -> Self {
        Failure::Png(error)
    }
}

fn decode(
    cursor: &mut Cursor<&[u8]>,
    length: u64,
    place: &str,
) -> std::result::Result<(png::OutputInfo, Vec<u8>), Failure> {
    let mut decoder = Decoder::new(cursor);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info()?;
    let pixels = u64::from(info.width) * u64::from(info.height);
    let bits = pixels.saturating_mul(info.bits_per_pixel() as u64);
    let refused = |what: &str, expected: String| {
        let error = Error::input(what).at(format!("{place}, byte 16"));
        Failure::Refused(error.found(format!("{} x {} pixels", info.width, info.height)).expected(expected))
    };
    if pixels.saturating_mul(4) > MOST_VALUES {
        return Err(refused("the image is too large", format!("at most {} pixels", MOST_VALUES / 4)));
    }
    if bits / 8 > length.saturating_mul(DEFLATE_RATIO) {
        return Err(refused(
            "the header claims more data than the file can hold",
            format!("at most what {length} bytes can hold"),
        ));
    }
    let mut reader = decoder.read_info()?;
    let size = reader.output_buffer_size().ok_or(DecodingError::LimitsExceeded)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| Failure::Refused(no_memory(place, size as u64)))?;
    bytes.resize(size, 0);
    let (width, height) = reader.info().size();
    let frame = reader.next_frame(&mut bytes)?;
    if (frame.width, frame.height) != (width, height) {
        let error = Error::input("an animated image whose first frame is partial").at(place);
        return Err(Failure::Refused(error.remedy("save it as a still image")));
    }
    // The end is read too, so that a file cut after its pixels doesn't pass for whole.
    reader.finish()?;
    bytes.truncate(frame.buffer_size());
    Ok((frame, bytes))
}

/// The colour samples of pixels that are all opaque.
fn without_alpha(bytes: &[u8], kind: Kind, place: &str) -> Result<Vec<u8>> {
    let size = kind.depth.size();
    let colour = kind.channels * kind.depth.size();
    let mut out = Vec::with_capacity(bytes.len() / (colour + size) * colour);
    for (i, pixel) in bytes.chunks_exact(colour + size).enumerate() {
        let (samples, alpha) = pixel.split_at(colour);
        if alpha.iter().any(|&a| a != 255) {
            return Err(Error::input("an image with transparent pixels")
                .at(format!("{place}, pixel column {}, row {}", i % kind.width, i / kind.width))
                .expected("opaque pixels")
                .remedy("flatten the image onto a background first"));
        }
        out.extend_from_slice(samples);
    }
    Ok(out)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::data::Values;

    /// A PNG file of these samples.
    pub(crate) fn file(size: [u32; 2], color: ColorType, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, size[0], size[1]);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![10, 20, 30, 40, 50, 60]);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(samples).unwrap();
        writer.finish().unwrap();
        out
    }

    fn parse(file: &[u8]) -> Result<Dataset> {
        read("t", Input::bytes("t.png", file)?)
    }

    #[test]
    fn every_kind_of_image_becomes_grey_or_colour() {
        use BitDepth::*;
        let cases: [(u32, ColorType, BitDepth, &[u8], Values); 6] = [
            (2, ColorType::Grayscale, Eight, &[7, 9], Values::U8(vec![7, 9])),
            (2, ColorType::Grayscale, One, &[0b1000_0000], Values::U8(vec![255, 0])),
            (2, ColorType::Grayscale, Sixteen, &[1, 0, 0, 2], Values::F32(vec![256.0, 2.0])),
            (1, ColorType::Rgb, Eight, &[1, 2, 3], Values::U8(vec![1, 2, 3])),
            (1, ColorType::Rgba, Eight, &[1, 2, 3, 255], Values::U8(vec![1, 2, 3])),
            (2, ColorType::Indexed, Eight, &[1, 0], Values::U8(vec![40, 50, 60, 10, 20, 30])),
        ];
        for (width, color, depth, samples, expected) in cases {
            let data = parse(&file([width, 1], color, depth, samples)).unwrap();
            let channels = expected.len() / width as usize;
            assert_eq!(data.row_shape(), [1, width as usize, channels], "{color:?} {depth:?}");
            assert_eq!(data.values(), &expected, "{color:?} {depth:?}");
            assert_eq!(data.scale().levels, Some(if depth == Sixteen { 65536 } else { 256 }));
        }
    }

    #[test]
    fn transparent_pixels_are_refused() {
        let image = file([1, 2], ColorType::GrayscaleAlpha, BitDepth::Eight, &[1, 255, 2, 254]);
        let error = parse(&image).unwrap_err().to_string();
        assert!(error.contains("column 0, row 1") && error.contains("flatten"), "{error}");
    }

    #[test]
    fn truncated_images_are_refused_with_the_byte() {
        let image = file([8, 8], ColorType::Grayscale, BitDepth::Eight, &(0..64).collect::<Vec<u8>>());
        for length in 8..image.len() {
            assert!(parse(&image[..length]).is_err(), "cut at {length}");
        }
        let error = parse(&image[..60]).unwrap_err().to_string();
        assert!(error.contains("truncated") && error.contains("t.png, byte 60"), "{error}");
    }

    #[test]
    fn a_header_that_claims_too_much_is_refused_before_allocation() {
        let mut image = file([8, 8], ColorType::Grayscale, BitDepth::Eight, &[0; 64]);
        for (size, message) in [(0x7fff_ffffu32, "too large"), (6000, "claims more")] {
            image[16..20].copy_from_slice(&size.to_be_bytes());
            image[20..24].copy_from_slice(&size.to_be_bytes());
            let mut crc = flate2::Crc::new();
            crc.update(&image[12..29]);
            image[29..33].copy_from_slice(&crc.sum().to_be_bytes());
            let error = parse(&image).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
