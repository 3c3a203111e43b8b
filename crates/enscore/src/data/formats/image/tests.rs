//! Pictures of every kind, and damaged ones.

use ::png::{BitDepth, ColorType};

use super::*;
use crate::data::Values;

/// A PNG file of these samples.
pub(crate) fn file(size: [u32; 2], color: ColorType, depth: BitDepth, samples: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, size[0], size[1]);
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
    read("t", Input::bytes("t.png", file)?, &Reading::default())
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
fn transparency_is_dropped_and_said_or_kept() {
    let image = file([1, 2], ColorType::GrayscaleAlpha, BitDepth::Eight, &[1, 255, 2, 254]);
    let data = parse(&image).unwrap();
    assert_eq!(data.values(), &Values::U8(vec![1, 2]));
    assert!(data.notes()[0].contains("transparency is dropped"), "{:?}", data.notes());
    let opaque = file([1, 2], ColorType::GrayscaleAlpha, BitDepth::Eight, &[1, 255, 2, 255]);
    assert!(parse(&opaque).unwrap().notes().is_empty());
    let kept = with(&image, Colour::Rgba, None).unwrap();
    assert_eq!(kept.values(), &Values::U8(vec![1, 1, 1, 255, 2, 2, 2, 254]));
}

fn with(file: &[u8], colour: Colour, size: Option<[usize; 2]>) -> Result<Dataset> {
    read("t", Input::bytes("t.png", file)?, &Reading { colour, size, ..Reading::default() })
}

#[test]
fn colours_and_sizes_are_changed_on_request() {
    let colour = file([2, 1], ColorType::Rgb, BitDepth::Eight, &[255, 0, 0, 0, 0, 200]);
    assert_eq!(with(&colour, Colour::Grey, None).unwrap().values(), &Values::U8(vec![76, 23]));
    let grey = file([4, 2], ColorType::Grayscale, BitDepth::Eight, &[9, 100, 100, 9, 9, 100, 100, 9]);
    assert_eq!(with(&grey, Colour::Rgb, None).unwrap().row_shape(), [2, 4, 3]);
    // The middle of the picture, as it is.
    assert_eq!(with(&grey, Colour::AsIs, Some([2, 2])).unwrap().values(), &Values::U8(vec![100; 4]));
    assert_eq!(with(&grey, Colour::AsIs, Some([1, 1])).unwrap().values(), &Values::U8(vec![100]));
    let bright = file([2, 2], ColorType::Grayscale, BitDepth::Eight, &[255, 255, 0, 0]);
    let large = with(&bright, Colour::AsIs, Some([8, 8])).unwrap();
    let (low, high) = large.values().range();
    assert_eq!((low, high, large.row_shape()), (0.0, 255.0, &[8, 8, 1][..]));
}

#[test]
fn palettes_of_greys_are_grey() {
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, 2, 1);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(vec![10, 10, 10, 40, 40, 40]);
    encoder.write_header().unwrap().write_image_data(&[1, 0]).unwrap();
    let data = parse(&out).unwrap();
    assert_eq!((data.row_shape(), data.values()), (&[1, 2, 1][..], &Values::U8(vec![40, 10])));
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
