//! Reads one npy array of any number of axes as it is, in double precision: the weights and biases of a
//! model.

use std::path::Path;

use super::npy;
use crate::data::Values;
use crate::data::formats::input::Input;
use crate::error::{Error, Reason, Result};

/// An array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents, the slowest axis first; empty of a single number.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f64>,
}

/// The array of an npy file (also gzipped).
///
/// # Errors
/// No such file, another format, a damaged header, an array of something else than numbers, a value that is
/// not finite (by its position).
pub fn read_array(path: &Path) -> Result<Array> {
    let input = Input::open(path)?;
    if !npy::recognises(input.prefix()) {
        return Err(Error::new(Reason::Damaged, "not an npy file")
            .at(path.display())
            .remedy("save the array with numpy.save(path, array)"));
    }
    let (shape, values) = npy::read_values(input)?;
    let values: Vec<f64> = match values {
        Values::U8(values) => values.into_iter().map(f64::from).collect(),
        Values::F32(values) => values.into_iter().map(f64::from).collect(),
        Values::F64(values) => values,
    };
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::input("a non-finite value in an array")
            .at(format!("{}, value {at}", path.display()))
            .found(values[at])
            .expected("finite numbers")),
        None => Ok(Array { shape, values }),
    }
}
