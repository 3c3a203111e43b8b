//! Raw values in the width that their source had, and the scale that maps them to model values.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Raw values, row after row, in the width that the source had.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Bytes: pixels, binary data.
    U8(Vec<u8>),
    /// Single precision, and integers of up to 16 bits.
    F32(Vec<f32>),
    /// Double precision, text, and wider integers (those beyond 2^53 are rounded).
    F64(Vec<f64>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Values::U8(v) => v.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `index`, which must be in range.
    pub(super) fn get(&self, index: usize) -> f64 {
        match self {
            Values::U8(v) => f64::from(v[index]),
            Values::F32(v) => f64::from(v[index]),
            Values::F64(v) => v[index],
        }
    }

    /// Whether all are whole numbers from 0, as classes are.
    pub(super) fn are_labels(&self) -> bool {
        let is_label = |value: f64| value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
        (0..self.len()).all(|i| is_label(self.get(i)))
    }

    /// The values as classes.
    pub(super) fn labels(&self) -> Vec<u32> {
        (0..self.len()).map(|i| self.get(i) as u32).collect()
    }

    /// The least and the greatest value; (inf, -inf) when empty.
    pub(crate) fn range(&self) -> (f64, f64) {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        (0..self.len()).map(|i| self.get(i)).fold(start, |(low, high), v| (low.min(v), high.max(v)))
    }
}

/// How raw values relate to the values that a model sees; kept in the model's manifest.
///
/// raw = low + (high - low) scaled, so that low maps to 0 and high to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The raw value that maps to 0.
    pub low: f64,
    /// The raw value that maps to 1.
    pub high: f64,
    /// For quantised data, how many evenly spaced levels lie from low to high, both included.
    pub levels: Option<u32>,
}

impl Scale {
    /// Raw values as they are.
    pub const NONE: Scale = Scale { low: 0.0, high: 1.0, levels: None };

    /// Whole numbers 0 to levels - 1, mapped to [0, 1]: 256 for bytes, 2 for binary data.
    pub fn quantised(levels: u32) -> Scale {
        Scale { low: 0.0, high: f64::from(levels) - 1.0, levels: Some(levels) }
    }

    /// Real values from low to high, mapped to [0, 1].
    pub fn range(low: f64, high: f64) -> Scale {
        Scale { low, high, levels: None }
    }

    /// Checks that the map can be inverted.
    ///
    /// # Errors
    /// When low or high is not finite, high is not above low, their difference overflows, or there are fewer
    /// than two levels.
    pub fn check(&self) -> Result<()> {
        let width = self.high - self.low;
        if !(self.low.is_finite() && width.is_finite() && width > 0.0) {
            return Err(Error::input("the scale cannot be inverted")
                .found(format!("low = {}, high = {}", self.low, self.high))
                .expected("finite numbers with high above low"));
        }
        match self.levels {
            Some(levels) if levels < 2 => Err(Error::input("the scale has too few levels")
                .found(levels)
                .expected("at least 2, or none for data that is not quantised")),
            _ => Ok(()),
        }
    }

    /// The model's value of a raw one.
    pub fn scaled(&self, raw: f64) -> f64 {
        (raw - self.low) / (self.high - self.low)
    }

    /// The raw value of a model's one.
    pub fn raw(&self, scaled: f64) -> f64 {
        self.low + (self.high - self.low) * scaled
    }

    /// Whether model values are the raw ones.
    pub fn is_none(&self) -> bool {
        self.low == 0.0 && self.high == 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_scaled_are_inverse() {
        let scale = Scale::range(-3.0, 5.0);
        for raw in [-3.0, 0.25, 5.0, 9.0] {
            assert_eq!(scale.raw(scale.scaled(raw)), raw);
        }
        assert_eq!(Scale::quantised(17).scaled(16.0), 1.0);
        assert_eq!(Scale::quantised(256).scaled(51.0), 0.2);
    }

    #[test]
    fn scales_that_cannot_be_inverted_are_refused() {
        for (low, high) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (-1e308, 1e308)] {
            assert!(Scale::range(low, high).check().is_err(), "{low} {high}");
        }
        assert!(Scale::quantised(1).check().is_err());
        assert!(Scale::quantised(2).check().is_ok());
        assert!(Scale::NONE.check().is_ok());
    }

    #[test]
    fn unknown_fields_of_a_stored_scale_are_refused() {
        let scale = Scale::quantised(17);
        let text = serde_json::to_string(&scale).unwrap();
        assert_eq!(serde_json::from_str::<Scale>(&text).unwrap(), scale);
        assert!(serde_json::from_str::<Scale>(r#"{"low":0,"high":1,"levels":null,"mid":2}"#).is_err());
    }
}
