//! Cuts a data set into training, validation and test rows as the settings say, and maps them as the training
//! rows want it.

use super::settings::{DataSettings, Grey, Preprocess};
use super::whiten::{Whitening, WhiteningSettings};
use super::{Dataset, Parts, Subset, split};
use crate::error::{Error, Result};
use crate::streams;

/// The rows of a data set by use, as a model sees them.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Training, validation and test rows.
    pub parts: Parts,
    /// The map from the data set's rows to these, where the settings ask for one.
    pub whitening: Option<Whitening>,
    /// The training rows as probabilities, of which every batch draws its bits; the parts are then bits drawn
    /// once.
    pub grey: Option<Subset>,
}

/// Splits `dataset` by `settings` under `seed`, and maps all of its rows by `known`, or by what fits the
/// training rows.
///
/// # Errors
/// Too few rows to split, or whatever [`Whitening::fit`] refuses.
pub fn prepare(
    dataset: &Dataset,
    settings: &DataSettings,
    seed: u64,
    known: Option<&Whitening>,
) -> Result<Prepared> {
    let parts = split(dataset, settings.validation, settings.test_fraction, seed)?;
    let asked = WhiteningSettings {
        preprocess: settings.preprocess,
        drop_correlated: settings.drop_correlated,
        noise: settings.dequantise,
        // Runs of older versions keep the columns that are left out, and leave them out here.
        leave_out: if dataset.table().is_some() {
            Vec::new()
        } else {
            positions(dataset, &settings.reading.leave_out)?
        },
    };
    let whitening = match (known, settings.preprocess) {
        (_, Preprocess::None) if settings.grey == Grey::Bits => {
            let grey = Some(parts.training.clone());
            let bits = dataset.drawn_bits(seed, streams::GREY_OWN)?;
            return Ok(Prepared { parts: of_dataset(&parts, &bits)?, whitening: None, grey });
        }
        (_, Preprocess::None) => return Ok(Prepared { parts, whitening: None, grey: None }),
        (Some(known), _) => known.clone(),
        (None, _) => Whitening::fit(&parts.training, asked, seed, streams::WHITENING_OWN)?,
    };
    let mapped = whitening.transformed(dataset, seed, streams::WHITENING_OWN)?;
    Ok(Prepared { parts: of_dataset(&parts, &mapped)?, whitening: Some(whitening), grey: None })
}

/// The same rows of `other`, which has as many.
fn of_dataset(parts: &Parts, other: &Dataset) -> Result<Parts> {
    let part = |subset: &Subset| Subset::new(other, subset.rows().to_vec());
    Ok(Parts {
        training: part(&parts.training)?,
        validation: parts.validation.as_ref().map(part).transpose()?,
        test: parts.test.as_ref().map(part).transpose()?,
    })
}

/// Where the columns of these names stand.
fn positions(dataset: &Dataset, names: &[String]) -> Result<Vec<usize>> {
    let columns = dataset.columns().unwrap_or_default();
    let position = |name: &String| {
        columns.iter().position(|column| column == name).ok_or_else(|| {
            let known = if columns.is_empty() { "a table with a header".into() } else { columns.join(", ") };
            Error::input("no such column")
                .at(format!("data.leave_out, {}", dataset.source()))
                .found(format!("{name:?}"))
                .expected(known)
        })
    };
    names.iter().map(position).collect()
}

/// Rows from elsewhere, mapped as the run's own; as they are where there is no map.
///
/// # Errors
/// Rows that don't fit the map.
pub fn prepare_other(dataset: &Dataset, seed: u64, whitening: Option<&Whitening>) -> Result<Dataset> {
    match whitening {
        Some(whitening) => whitening.transformed(dataset, seed, streams::WHITENING_OTHER),
        None => Ok(dataset.clone()),
    }
}
