//! Reads pictures: PNG and JPEG, grey or colour, of 8 or 16 bits; in the colours and the size that are
//! asked for.
//!
//! By themselves pictures keep their size. Those of one data set share their colours and depth: if any is
//! in colour all are, if any has 16 bits all have. Transparency is dropped, leaving the colours as they are
//! stored, unless alpha is asked for as a channel.

mod change;
mod jpeg;
mod png;

use std::path::Path;

use super::element::{Bytes, Element};
use super::input::Input;
use crate::data::reading::{Colour, Reading};
use crate::data::{Dataset, Scale};
use crate::error::{Error, Result};

/// The most values in one image, and so the most that its decoder allocates.
const MOST_VALUES: u64 = 1 << 28;

/// Whether a file that starts so is a picture of a known kind.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    png::recognises(prefix) || jpeg::recognises(prefix)
}

/// Reads one picture as a data set of one row.
///
/// # Errors
/// When it can't be read, is damaged, or has more than 2^28 values.
pub fn read_image(path: &Path) -> Result<Dataset> {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let input = Input::open(path)?;
    read(&name, input, &Reading::default())
}

/// Reads one picture as a data set of one row.
pub(in crate::data) fn read(name: &str, mut input: Input, reading: &Reading) -> Result<Dataset> {
    let bytes = input.unclaimed_rest()?;
    let place = input.place().to_string();
    let kind = Kind::probe(&bytes, &place)?.wanted(reading);
    let (samples, transparent) = Picture::decode(&bytes, &place)?.samples(kind, reading, &place)?;
    let data = kind.dataset(name, &place, samples)?.with_row_names(vec![name.to_string()])?;
    Ok(if transparent { data.noted(dropped_alpha(1)) } else { data })
}

/// The note on pictures whose transparency is dropped.
pub(in crate::data) fn dropped_alpha(count: usize) -> String {
    let pictures = if count == 1 { "1 picture".to_string() } else { format!("{count} pictures") };
    format!("transparency is dropped from {pictures} (data.colour = {:?} keeps it)", Colour::Rgba.name())
}

/// What pictures of one data set share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) struct Kind {
    pub(in crate::data) height: usize,
    pub(in crate::data) width: usize,
    channels: usize,
    depth: Element,
}

impl Kind {
    /// The kind of a picture, from its header.
    pub(in crate::data) fn probe(file: &[u8], place: &str) -> Result<Kind> {
        if png::recognises(file) {
            return png::probe(file, place);
        }
        if jpeg::recognises(file) {
            return jpeg::probe(file, place);
        }
        Err(super::foreign::refusal(file)
            .unwrap_or_else(|| Error::input("not a picture").expected("PNG or JPEG"))
            .at(place))
    }

    /// The kind that holds both.
    pub(in crate::data) fn with(self, other: Kind) -> Kind {
        let depth = if other.depth == Element::U16 { other.depth } else { self.depth };
        Kind { channels: self.channels.max(other.channels), depth, ..self }
    }

    /// The kind that the reading makes of this.
    pub(in crate::data) fn wanted(self, reading: &Reading) -> Kind {
        let channels = match reading.colour {
            Colour::AsIs => self.channels,
            Colour::Grey => 1,
            Colour::Rgb => 3,
            Colour::Rgba => 4,
        };
        let [height, width] = reading.size.unwrap_or([self.height, self.width]);
        Kind { height, width, channels, ..self }
    }

    /// Bytes of one picture.
    pub(in crate::data) fn bytes(self) -> u64 {
        (self.height as u64 * self.width as u64).saturating_mul((self.channels * self.depth.size()) as u64)
    }

    /// The data set of one or more pictures of this kind, in `bytes`.
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

/// A decoded picture: samples in rows, pixels, channels; 16-bit ones big-endian.
pub(in crate::data) struct Picture {
    kind: Kind,
    samples: Vec<u8>,
    /// Alpha of each pixel, in the samples' depth; empty where all are opaque.
    alpha: Vec<u8>,
}

impl Picture {
    /// Decodes a file.
    pub(in crate::data) fn decode(file: &[u8], place: &str) -> Result<Picture> {
        if png::recognises(file) { png::decode(file, place) } else { jpeg::decode(file, place) }
    }
}

fn too_large(place: &str, width: u32, height: u32) -> Error {
    Error::input("the image is too large")
        .at(place)
        .found(format!("{width} x {height} pixels"))
        .expected(format!("at most {} pixels", MOST_VALUES / 4))
}

#[cfg(test)]
pub(crate) mod tests;
