//! What a decoded picture is.

use crate::data::formats::element::{Bytes, Element};
use crate::data::reading::{Colour, Reading};
use crate::data::{Dataset, Scale};
use crate::error::{Error, Result};

/// The most values in one image, and so the most that its decoder allocates.
pub(super) const MOST_VALUES: u64 = 1 << 28;

/// What pictures of one data set share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) struct Kind {
    pub(in crate::data) height: usize,
    pub(in crate::data) width: usize,
    pub(super) channels: usize,
    pub(super) depth: Element,
}

impl Kind {
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
    pub(super) kind: Kind,
    pub(super) samples: Vec<u8>,
    /// Alpha of each pixel, in the samples' depth; empty where all are opaque.
    pub(super) alpha: Vec<u8>,
}

/// The refusal of a picture of too many pixels.
pub(super) fn too_large(place: &str, width: u32, height: u32) -> Error {
    Error::input("the image is too large")
        .at(place)
        .found(format!("{width} x {height} pixels"))
        .expected(format!("at most {} pixels", MOST_VALUES / 4))
}
