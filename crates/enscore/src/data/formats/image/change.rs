//! Brings a picture to the kind that its data set has.

use image::imageops::{FilterType, crop_imm, resize};
use image::{ImageBuffer, Luma, LumaA, Pixel, Primitive, Rgb, Rgba};

use super::kind::{Kind, Picture};
use crate::data::formats::element::Element;
use crate::data::formats::failure::no_memory;
use crate::data::reading::Reading;
use crate::error::{Error, Result};

impl Picture {
    /// The samples as the data set has them, big-endian, and whether transparency was dropped. A picture of
    /// another size is cropped around its middle to the wanted proportions, then resized (bicubic).
    pub(in crate::data) fn samples(
        self,
        wanted: Kind,
        reading: &Reading,
        place: &str,
    ) -> Result<(Vec<u8>, bool)> {
        let Picture { kind, samples, alpha } = self;
        let opaque = alpha.iter().all(|part| *part == 255);
        let transparent = !opaque && wanted.channels < 4;
        let with_alpha = wanted.channels == 4;
        let same_size = [kind.height, kind.width] == [wanted.height, wanted.width];
        if kind == wanted && !with_alpha {
            return Ok((samples, transparent));
        }
        if !same_size && reading.size.is_none() {
            return Err(Error::input("a picture of another size").at(place).found(kind).expected(wanted));
        }
        let numbers = numbers(&samples, kind.depth, wanted.depth);
        let alpha = alpha_of(&alpha, kind, wanted);
        let channels = |pixel: usize, channel: usize| {
            let colours = &numbers[pixel * kind.channels..(pixel + 1) * kind.channels];
            match (channel, kind.channels, wanted.channels) {
                (3, _, _) => alpha.get(pixel).copied().unwrap_or(u16::MAX),
                (_, 3, 1) => luma(colours),
                (_, 1, _) => colours[0],
                (at, _, _) => colours[at],
            }
        };
        let mut out = Vec::new();
        let pixels = kind.height * kind.width;
        out.try_reserve_exact(pixels * wanted.channels).map_err(|_| no_memory(place, wanted.bytes()))?;
        out.extend(
            (0..pixels * wanted.channels).map(|at| channels(at / wanted.channels, at % wanted.channels)),
        );
        let out = if same_size { out } else { resized(out, kind, wanted)? };
        Ok((bytes(&out, wanted.depth), transparent))
    }
}

/// Samples as numbers of the wanted depth: a byte b is 257 b of 16 bits.
fn numbers(samples: &[u8], depth: Element, wanted: Element) -> Vec<u16> {
    let factor = if wanted == Element::U16 { 257 } else { 1 };
    if depth == Element::U16 {
        return samples.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    }
    samples.iter().map(|sample| u16::from(*sample) * factor).collect()
}

fn alpha_of(alpha: &[u8], kind: Kind, wanted: Kind) -> Vec<u16> {
    let full = if wanted.depth == Element::U16 { u16::MAX } else { 255 };
    if alpha.is_empty() {
        vec![full; kind.height * kind.width]
    } else {
        numbers(alpha, kind.depth, wanted.depth)
    }
}

fn bytes(numbers: &[u16], depth: Element) -> Vec<u8> {
    if depth == Element::U16 {
        return numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
    }
    numbers.iter().map(|number| *number as u8).collect()
}

/// 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded.
fn luma(colours: &[u16]) -> u16 {
    let [red, green, blue] = [0, 1, 2].map(|at| u64::from(colours[at]));
    ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u16
}

fn resized(numbers: Vec<u16>, kind: Kind, wanted: Kind) -> Result<Vec<u16>> {
    match wanted.channels {
        1 => scaled::<Luma<u16>>(numbers, kind, wanted),
        2 => scaled::<LumaA<u16>>(numbers, kind, wanted),
        3 => scaled::<Rgb<u16>>(numbers, kind, wanted),
        _ => scaled::<Rgba<u16>>(numbers, kind, wanted),
    }
}

fn scaled<P>(numbers: Vec<u16>, kind: Kind, wanted: Kind) -> Result<Vec<u16>>
where
    P: Pixel<Subpixel = u16> + 'static,
    u16: Primitive,
{
    let [width, height] = [kind.width, kind.height];
    let image = ImageBuffer::<P, Vec<u16>>::from_raw(width as u32, height as u32, numbers);
    let Some(image) = image else { return Err(Error::run("a picture's samples don't fill it")) };
    // The largest part of the wanted proportions.
    let cut_width = width.min((height * wanted.width).div_ceil(wanted.height)).max(1);
    let cut_height = height.min((width * wanted.height).div_ceil(wanted.width)).max(1);
    let [left, top] = [(width - cut_width) / 2, (height - cut_height) / 2].map(|at| at as u32);
    let part = crop_imm(&image, left, top, cut_width as u32, cut_height as u32).to_image();
    let limit = if wanted.depth == Element::U16 { u16::MAX } else { 255 };
    let scaled = resize(&part, wanted.width as u32, wanted.height as u32, FilterType::CatmullRom);
    // Bicubic weights overshoot at edges.
    Ok(scaled.into_raw().into_iter().map(|sample| sample.min(limit)).collect())
}
