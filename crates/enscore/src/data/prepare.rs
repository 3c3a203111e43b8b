//! Cuts a data set into training, validation and test rows as the settings say, and maps them as the training
//! rows want it.

use super::settings::{DataSettings, Grey, Preprocess};
use super::whiten::{Whitening, WhiteningSettings};
use super::{Dataset, Encoding, Parts, Scale, Subset, split};
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

/// What a model's training rows went through, to bring rows from elsewhere to the same: scale, map and bits,
/// whatever usual encoding they are in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LikeTraining<'a> {
    pub(crate) scale: Scale,
    /// The least and the greatest value of the training rows, scaled.
    pub(crate) range: [f64; 2],
    /// Whether columns of a table have names, and so no encoding.
    pub(crate) named: bool,
    pub(crate) whitening: Option<&'a Whitening>,
    pub(crate) binarise: bool,
    pub(crate) grey: Grey,
    /// Whether the model's units are bits.
    pub(crate) of_bits: bool,
    pub(crate) seed: u64,
}

impl LikeTraining<'_> {
    /// `dataset` under the scale and the map. Data without levels of its own, as samples that were written to
    /// a file, need not lie on the levels of the training rows.
    ///
    /// # Errors
    /// Rows that don't fit, values that the model can't have.
    pub(crate) fn rows(&self, dataset: &Dataset) -> Result<Dataset> {
        match self.grey {
            Grey::Refuse => {}
            Grey::Bits => return self.scaled(dataset)?.drawn_bits(self.seed, streams::GREY_OTHER),
            Grey::Probabilities => {
                let scaled = self.scaled(dataset)?;
                scaled.require_fractions()?;
                return Ok(scaled);
            }
        }
        let dataset = &if self.binarise { dataset.binarised()? } else { dataset.clone() };
        if self.of_bits && self.scale != Scale::quantised(2) && Encoding::of(dataset) == Encoding::Binary {
            return dataset.of_bits();
        }
        if self.of_bits {
            dataset.with_scale(Scale { levels: None, ..self.scale })?.require_binary()?;
        }
        prepare_other(&self.scaled(dataset)?, self.seed, self.whitening)
    }

    fn scaled(&self, dataset: &Dataset) -> Result<Dataset> {
        if self.named || self.whitening.is_some() || self.binarise {
            let levels = dataset.scale().levels.and(self.scale.levels);
            return dataset.with_scale(Scale { levels, ..self.scale });
        }
        dataset.in_encoding(self.scale, self.range)
    }
}
