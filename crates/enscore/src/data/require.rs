//! What a model asks of the data that it is given.

use super::Dataset;
use crate::error::{Error, Result};

impl Dataset {
    /// Refuses rows of another shape than the model's, `row_shape`.
    ///
    /// # Errors
    /// Such rows, with both shapes.
    pub fn require_row_shape(&self, row_shape: &[usize]) -> Result<()> {
        if self.row_shape() == row_shape {
            return Ok(());
        }
        Err(self.other_shape(format!("{:?}", self.row_shape())).expected(format!("{row_shape:?}")))
    }

    /// Refuses rows of another length than the model's, `row_len`, whatever their shape.
    ///
    /// # Errors
    /// Such rows, with both lengths.
    pub fn require_row_len(&self, row_len: usize) -> Result<()> {
        if self.row_len() == row_len {
            return Ok(());
        }
        Err(self.other_shape(format!("{} values per row", self.row_len())).expected(row_len))
    }

    fn other_shape(&self, found: String) -> Error {
        Error::input("the data's shape does not match the model").at(self.source()).found(found)
    }

    /// Refuses data with a model value other than 0 and 1, naming the first.
    ///
    /// # Errors
    /// Such a value.
    pub fn require_binary(&self) -> Result<()> {
        self.require_values("binary units need data of zeros and ones", "0 or 1", |value| {
            matches!(value, 0.0 | 1.0)
        })
        .map_err(|error| {
            error.remedy(
                "binarise the data (data.binarise = true), take greys as probabilities (data.grey = \"bits\" or \
                 \"probabilities\"), or use a model of real values",
            )
        })
    }

    /// Refuses data with a model value below 0 or above 1, naming the first.
    ///
    /// # Errors
    /// Such a value.
    pub fn require_fractions(&self) -> Result<()> {
        self.require_values("grey values are outside 0 to 1", "0 to 1", |value| (0.0..=1.0).contains(&value))
            .map_err(|error| error.remedy("scale the values first"))
    }

    /// Refuses data with a model value that is none of this many levels from 0 to 1, naming the first.
    ///
    /// # Errors
    /// Such a value.
    pub fn require_levels(&self, levels: u32) -> Result<()> {
        let steps = f64::from(levels.max(2) - 1);
        // Samples that were written as text are levels up to rounding.
        let is_level = |value: f64| {
            let level = value * steps;
            (0.0..=1.0).contains(&value) && (level - level.round()).abs() < 1e-3
        };
        let expected = format!("one of {levels} levels from 0 to 1");
        self.require_values("a model of levels needs values on them", &expected, is_level)
            .map_err(|error| error.remedy("use data like those that the model learnt from"))
    }

    fn require_values(&self, what: &str, expected: &str, fits: impl Fn(f64) -> bool) -> Result<()> {
        let scale = self.scale();
        let values = self.values();
        let scaled = |i: usize| scale.scaled(values.get(i));
        match (0..values.len()).find(|i| !fits(scaled(*i))) {
            None => Ok(()),
            Some(i) => Err(Error::input(what)
                .at(format!("{}, row {}, element {}", self.source(), i / self.row_len(), i % self.row_len()))
                .found(scaled(i))
                .expected(format!("{expected}, after scaling"))),
        }
    }
}
