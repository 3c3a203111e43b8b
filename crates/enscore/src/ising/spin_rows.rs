//! Rows of data as spins.

use super::IsingModel;
use crate::data::{Reading, Scale, Subset, load_held_out, rows_of};
use crate::error::{Error, Result};

/// The rows of `source` (its test split where it has one) as spins of an Ising model, `[n, sites]`: values -1
/// and 1 as the data holds them.
///
/// # Errors
/// Data that can't be read, of another width than the model's sites, or with another value (the row is
/// named).
pub fn spin_rows(model: &IsingModel, source: &str) -> Result<Vec<i8>> {
    let data = load_held_out(source, &Reading::default())?.with_scale(Scale::NONE)?;
    data.require_row_len(model.sites())?;
    let values = rows_of(&Subset::all(&data), usize::MAX)?;
    if let Some(at) = values.iter().position(|value| value.abs() != 1.0) {
        let bits = values.iter().all(|value| *value == 0.0 || *value == 1.0);
        let remedy = if bits { "these are bits: save 2 x - 1, which are spins" } else { "" };
        return Err(Error::input("the data are not spins")
            .at(format!("{}, row {}, value {}", data.source(), at / model.sites(), at % model.sites()))
            .found(values[at])
            .expected("-1 or 1")
            .remedy(remedy));
    }
    Ok(values.iter().map(|value| *value as i8).collect())
}
