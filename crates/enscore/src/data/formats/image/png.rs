//! Decodes PNG images, grey or colour, of 8 or 16 bits; palettes and fewer than 8 bits become 8 bits.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, DecodingError, Transformations};

use super::kind::{Kind, MOST_VALUES, Picture, too_large};
use crate::data::formats::element::Element;
use crate::data::formats::failure::no_memory;
use crate::data::formats::input::DEFLATE_RATIO;
use crate::error::{Error, Reason, Result};

/// Whether a file that starts so is PNG.
pub(super) fn recognises(prefix: &[u8]) -> bool {
    prefix.starts_with(b"\x89PNG\r\n\x1a\n")
}

/// The kind of an image, from its header and palette.
pub(super) fn probe(file: &[u8], place: &str) -> Result<Kind> {
    let mut cursor = Cursor::new(file);
    let info = open(&mut cursor, file.len() as u64, place).map(|reader| reader.info().clone());
    let position = cursor.position();
    let info = info.map_err(|failure| explained(failure, place, position))?;
    let depth = if info.bit_depth == BitDepth::Sixteen { Element::U16 } else { Element::U8 };
    let grey_palette = info.palette.as_ref().is_none_or(|palette| is_grey(palette));
    let is_grey = match info.color_type {
        ColorType::Grayscale | ColorType::GrayscaleAlpha => true,
        ColorType::Indexed => grey_palette,
        ColorType::Rgb | ColorType::Rgba => false,
    };
    let channels = if is_grey { 1 } else { 3 };
    Ok(Kind { height: info.height as usize, width: info.width as usize, channels, depth })
}

/// Decodes a PNG file. Alpha becomes a channel of its own beside the colours.
pub(super) fn decode(file: &[u8], place: &str) -> Result<Picture> {
    let kind = probe(file, place)?;
    let mut cursor = Cursor::new(file);
    let decoded = pixels(&mut cursor, file.len() as u64, place);
    let position = cursor.position();
    let (info, bytes) = decoded.map_err(|failure| explained(failure, place, position))?;
    let (colours, has_alpha) = match info.color_type {
        ColorType::Grayscale | ColorType::Indexed => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb => (3, false),
        ColorType::Rgba => (3, true),
    };
    let size = kind.depth.size();
    let stride = (colours + usize::from(has_alpha)) * size;
    let [mut samples, mut alpha] = [const { Vec::new() }; 2];
    let count = bytes.len() / stride;
    samples
        .try_reserve_exact(count * kind.channels * size)
        .map_err(|_| no_memory(place, bytes.len() as u64))?;
    for pixel in bytes.chunks_exact(stride) {
        // Of a grey palette, which comes as three equal samples, one is kept.
        samples.extend_from_slice(&pixel[..kind.channels * size]);
        if has_alpha {
            alpha.extend_from_slice(&pixel[colours * size..]);
        }
    }
    Ok(Picture { kind, samples, alpha })
}

fn is_grey(palette: &[u8]) -> bool {
    palette.chunks_exact(3).all(|colour| colour[0] == colour[1] && colour[1] == colour[2])
}

fn explained(failure: Failure, place: &str, position: u64) -> Error {
    match failure {
        Failure::Refused(e) => e,
        Failure::Png(e) => {
            let truncated =
                matches!(&e, DecodingError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof);
            let what =
                if truncated { "a truncated PNG file".into() } else { format!("a damaged PNG file ({e})") };
            Error::new(Reason::Damaged, what)
                .at(format!("{place}, byte {position}"))
                .remedy("get a fresh copy of the file")
                .caused_by(e)
        }
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

/// Reads up to the pixels, after checking that the file can hold them.
fn open<'a, 'b>(
    cursor: &'b mut Cursor<&'a [u8]>,
    length: u64,
    place: &str,
) -> std::result::Result<png::Reader<&'b mut Cursor<&'a [u8]>>, Failure> {
    let mut decoder = Decoder::new(cursor);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let info = decoder.read_header_info()?;
    let pixels = u64::from(info.width) * u64::from(info.height);
    let bits = pixels.saturating_mul(info.bits_per_pixel() as u64);
    if pixels.saturating_mul(4) > MOST_VALUES {
        return Err(Failure::Refused(too_large(place, info.width, info.height)));
    }
    if bits / 8 > length.saturating_mul(DEFLATE_RATIO) {
        let error = Error::input("the header claims more data than the file can hold")
            .at(format!("{place}, byte 16"))
            .found(format!("{} x {} pixels", info.width, info.height));
        return Err(Failure::Refused(error.expected(format!("at most what {length} bytes can hold"))));
    }
    Ok(decoder.read_info()?)
}

fn pixels(
    cursor: &mut Cursor<&[u8]>,
    length: u64,
    place: &str,
) -> std::result::Result<(png::OutputInfo, Vec<u8>), Failure> {
    let mut reader = open(cursor, length, place)?;
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
