//! How pixels are written as numbers, told from the numbers: the same picture as bytes, as fractions, or
//! around zero.

use enscore_program::random::Key;

use super::rows::uniform_row;
use super::{Dataset, Scale, Values};
use crate::error::{Error, Result};

/// A usual way to write values between black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// 0 and 1.
    Binary,
    /// Numbers from 0 to 1.
    Unit,
    /// Numbers from -1 to 1.
    Symmetric,
    /// Numbers from 0 to 255.
    Bytes,
    /// Whole numbers from 0 to 65535.
    Words,
    /// None of these.
    Other,
}

impl Encoding {
    /// The encoding of a data set's raw values.
    pub fn of(data: &Dataset) -> Encoding {
        if let Some(levels) = data.scale().levels {
            return match levels {
                2 => Encoding::Binary,
                256 => Encoding::Bytes,
                65536 => Encoding::Words,
                _ => Encoding::Other,
            };
        }
        let values = data.values();
        let (low, high) = values.range();
        Encoding::of_range(low, high, (0..values.len()).all(|at| values.get(at).fract() == 0.0))
    }

    /// The encoding of values from `low` to `high`, which are whole or not.
    fn of_range(low: f64, high: f64, whole: bool) -> Encoding {
        if low >= 0.0 && high <= 1.0 {
            return if whole { Encoding::Binary } else { Encoding::Unit };
        }
        if low >= -1.0 && high <= 1.0 {
            return Encoding::Symmetric;
        }
        // Resized pictures have fractions of grey levels, up to the brightest.
        let like_bytes = low >= 0.0 && high <= 255.0 && (whole || high > 127.0);
        if like_bytes {
            return Encoding::Bytes;
        }
        if low >= 0.0 && high <= 65535.0 && whole { Encoding::Words } else { Encoding::Other }
    }

    /// The encoding of data that was scaled by `scale` to values from `low` to `high`.
    pub fn recorded(scale: Scale, low: f64, high: f64) -> Encoding {
        match scale.levels {
            Some(2) => Encoding::Binary,
            Some(256) => Encoding::Bytes,
            Some(65536) => Encoding::Words,
            Some(_) => Encoding::Other,
            None => Encoding::of_range(scale.raw(low), scale.raw(high), false),
        }
    }

    /// The map from black and white to 0 and 1; none of other data.
    fn scale(self) -> Option<Scale> {
        match self {
            Encoding::Binary | Encoding::Unit => Some(Scale::range(0.0, 1.0)),
            Encoding::Symmetric => Some(Scale::range(-1.0, 1.0)),
            Encoding::Bytes => Some(Scale::range(0.0, 255.0)),
            Encoding::Words => Some(Scale::range(0.0, 65535.0)),
            Encoding::Other => None,
        }
    }

    /// What it is, in words.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Binary => "0 and 1",
            Encoding::Unit => "0 to 1",
            Encoding::Symmetric => "-1 to 1",
            Encoding::Bytes => "0 to 255",
            Encoding::Words => "0 to 65535",
            Encoding::Other => "another range",
        }
    }
}

impl Dataset {
    /// The same data with values 0 and 1: 1 where a value is at least half of its scale. The scale is that
    /// of the data's levels (128 of 0 to 255), or the usual one that its values fill: 0 to 1, -1 to 1, 0 to
    /// 255 or 0 to 65535, whatever type they have. Data of 0 and 1 stays as it is.
    ///
    /// # Errors
    /// Values that fill no usual scale.
    pub fn binarised(&self) -> Result<Dataset> {
        let binary = Scale::quantised(2);
        if self.scale() == binary && matches!(self.values(), Values::U8(_)) {
            return Ok(self.clone());
        }
        let own = self.scale().levels.map(|_| self.scale());
        let of_range = || (!self.scale().is_none()).then(|| self.scale());
        let Some(scale) = own.or_else(|| Encoding::of(self).scale()).or_else(of_range) else {
            let (low, high) = self.values().range();
            return Err(Error::input("the scale of these values isn't known, so they can't be binarised")
                .at(self.source())
                .found(format!("values from {low} to {high}"))
                .expected("values from 0 to 1, -1 to 1, 0 to 255, or whole numbers from 0 to 65535")
                .remedy("scale them to 0 to 1 first"));
        };
        let values = self.values();
        let bit = |i: usize| u8::from(scale.scaled(values.get(i)) >= 0.5);
        let bits = Values::U8((0..values.len()).map(bit).collect());
        self.with_values(bits).with_scale(binary)
    }

    /// A bit for each value, 1 with that probability, as a function of (seed, stream, row): values of 0 and 1
    /// stay what they are.
    ///
    /// # Errors
    /// Values outside 0 to 1, after scaling.
    pub(crate) fn drawn_bits(&self, seed: u64, stream: u32) -> Result<Dataset> {
        self.require_fractions()?;
        let row_len = self.row_len();
        let scale = self.scale();
        let values = self.values();
        let mut bits = Vec::with_capacity(values.len());
        let mut noise = vec![0.0; row_len];
        for row in 0..self.rows() {
            uniform_row(Key::new(seed, 0), stream, row as u64, &mut noise);
            let of_row = noise.iter().zip(row * row_len..);
            bits.extend(of_row.map(|(u, at)| u8::from(f64::from(*u) < scale.scaled(values.get(at)))));
        }
        self.with_values(Values::U8(bits)).with_scale(Scale::quantised(2))
    }

    /// Data of 0 and 1 for binary units that learnt other numbers for black and white, with a note.
    pub(crate) fn of_bits(&self) -> Result<Dataset> {
        let note = "values of 0 and 1 are read as black and white";
        Ok(self.with_scale(Scale::range(0.0, 1.0))?.noted(note.to_string()))
    }

    /// The data under `scale`, which maps the values of the data that a model was trained on to what the
    /// model sees, `range[0]` to `range[1]`. The same pictures in another usual encoding are mapped to the
    /// same values, with a note; values that are neither are refused.
    ///
    /// # Errors
    /// Pictures in an unknown encoding.
    pub(crate) fn in_encoding(&self, scale: Scale, range: [f64; 2]) -> Result<Dataset> {
        let known = Encoding::recorded(scale, range[0], range[1]);
        let levels = self.scale().levels.and(scale.levels);
        let as_known = || self.with_scale(Scale { levels, ..scale });
        let found = Encoding::of(self);
        self.refuse_other_range(scale, range, found, known)?;
        let (Some(own), Some(of_known)) = (found.scale(), known.scale()) else { return as_known() };
        if found == known || !self.is_another_encoding(found, known) {
            return as_known();
        }
        // raw -> [0, 1] -> the raw values that the model knows -> its own.
        let to_model = |raw: f64| scale.scaled(of_known.raw(own.scaled(raw)));
        let offset = to_model(0.0);
        let slope = to_model(1.0) - offset;
        let mapped = Scale::range(-offset / slope, (1.0 - offset) / slope);
        let note = format!(
            "values of {} are read as those of {} that the model was trained on",
            found.name(),
            known.name()
        );
        let exact = if mapped.is_close_to(Scale::range(own.low, own.high)) {
            Scale::range(own.low, own.high)
        } else {
            mapped
        };
        let levels = self.scale().levels.filter(|_| exact.low == own.low && exact.high == own.high);
        Ok(self.with_scale(Scale { levels, ..exact })?.noted(note))
    }

    /// Refuses pictures in no usual encoding whose values can't be those of the training data in kind: far
    /// outside their range, or in a fiftieth of it.
    fn refuse_other_range(
        &self,
        scale: Scale,
        range: [f64; 2],
        found: Encoding,
        known: Encoding,
    ) -> Result<()> {
        if !self.is_image() || (found.scale().is_some() && known.scale().is_some()) {
            return Ok(());
        }
        let (low, high) = self.values().range();
        let [known_low, known_high] = range.map(|value| scale.raw(value));
        let width = known_high - known_low;
        let fits = low >= known_low - width && high <= known_high + width && (high - low) * 50.0 >= width;
        if fits {
            return Ok(());
        }
        Err(Error::input("pictures in another encoding than the model was trained on")
            .at(self.source())
            .found(format!("values from {low} to {high}"))
            .expected(format!("about {known_low} to {known_high}"))
            .remedy("convert the values first"))
    }

    /// Whether values that look like `found` are another encoding of `known` rather than a part of its
    /// range. Pictures fill their range; of other rows only bytes and fractions of 1 are told apart for
    /// sure.
    fn is_another_encoding(&self, found: Encoding, known: Encoding) -> bool {
        use Encoding::{Binary, Bytes, Symmetric, Unit, Words};
        match (found, known) {
            (Bytes, Binary | Unit) | (Unit, Bytes | Words) => true,
            (Binary, Bytes | Words) => self.is_image(),
            (Words, Bytes | Unit | Binary | Symmetric) | (Bytes, Words | Symmetric) => self.is_image(),
            (Unit | Binary, Symmetric) | (Symmetric, _) => self.is_image(),
            _ => false,
        }
    }
}

impl Scale {
    fn is_close_to(self, other: Scale) -> bool {
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
        close(self.low, other.low) && close(self.high, other.high)
    }
}
