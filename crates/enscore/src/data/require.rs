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
        let scale = self.scale();
        let values = self.values();
        let grey = |i: &usize| !matches!(scale.scaled(values.get(*i)), 0.0 | 1.0);
        match (0..values.len()).find(grey) {
            None => Ok(()),
            Some(i) => Err(Error::input("binary units need data of zeros and ones")
                .at(format!("{}, row {}, element {}", self.source(), i / self.row_len(), i % self.row_len()))
                .found(scale.scaled(values.get(i)))
                .expected("0 or 1, after scaling")
                .remedy(
                    "binarise the data (data.binarise = true), take greys as probabilities (data.grey = \"bits\" or \
                     \"probabilities\"), or use Gaussian visible units",
                )),
        }
    }

    /// Refuses data with a model value below 0 or above 1, naming the first.
    ///
    /// # Errors
    /// Such a value.
    pub fn require_fractions(&self) -> Result<()> {
        let scale = self.scale();
        let values = self.values();
        let beyond = |i: &usize| !(0.0..=1.0).contains(&scale.scaled(values.get(*i)));
        match (0..values.len()).find(beyond) {
            None => Ok(()),
            Some(i) => Err(Error::input("grey values are outside 0 to 1")
                .at(format!("{}, row {}, element {}", self.source(), i / self.row_len(), i % self.row_len()))
                .found(scale.scaled(values.get(i)))
                .expected("0 to 1, after scaling")
                .remedy("scale the values first")),
        }
    }
}
