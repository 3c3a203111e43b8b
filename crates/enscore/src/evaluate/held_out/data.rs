//! The rows that a run learnt from, and rows to evaluate it on: the test split of its source, its own
//! validation rows, or other data.

use crate::data::{self, DataSettings, Dataset, LikeTraining, Parts, Reading, Scale, Split, Subset, rows_of};
use crate::error::{Error, Reason, Result};
use crate::model::Support;
use crate::sample::WeightedBipartite;
use crate::trained::Trained;

/// Where rows to evaluate on come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldOut {
    /// The test split of the data that the run learnt from, or the rows that its settings hold out for
    /// testing.
    Test,
    /// The rows that the run held out of its training data.
    Validation,
    /// Data that was named.
    Other,
    /// None: the run held no rows out, and its source has no test split. The training rows stand for them
    /// where samples are compared.
    Training,
}

/// The rows of a run.
#[derive(Clone, Debug)]
pub struct RunData {
    /// The rows that it learnt from.
    pub training: Subset,
    /// The rows to evaluate it on, under the scale of its training data; the training rows where there are
    /// none ([`HeldOut::Training`]).
    pub held_out: Subset,
    /// Where the latter come from.
    pub origin: HeldOut,
}

impl RunData {
    /// Rows that the run did not learn from.
    ///
    /// # Errors
    /// A run without held-out rows.
    pub fn require_held_out(&self) -> Result<&Subset> {
        match self.origin {
            HeldOut::Test | HeldOut::Validation | HeldOut::Other => Ok(&self.held_out),
            HeldOut::Training => Err(Error::input("the run has no held-out rows")
                .at(self.training.dataset().source())
                .expected("a test split, or data.test_fraction or data.validation above 0")
                .remedy("name other data to evaluate on")),
        }
    }
}

/// The rows that `trained` learnt from, as its settings name them, and rows to evaluate it on: those of
/// `other` (its test split where it has one), else the test split of the run's own source, else the run's
/// validation rows, else its training rows.
///
/// # Errors
/// Data that can't be read, training data that is no longer what the run learnt from, values that don't lie
/// on the levels of the run's data.
pub fn run_data(trained: &Trained, other: Option<&str>) -> Result<RunData> {
    let settings = &trained.settings;
    let source = settings.data().source.to_string();
    let recorded = &trained.model.data;
    let reading = reading_of(trained);
    let own = DataSettings { reading: reading.clone(), ..settings.data().clone() };
    let dataset = data::load_as(&own, Split::Train).map_err(not_found)?;
    if dataset.fingerprint() != recorded.fingerprint {
        return Err(Error::input("the training data has changed since training")
            .at(dataset.source())
            .found(format!("fingerprint {}", dataset.fingerprint()))
            .expected(&recorded.fingerprint)
            .remedy("restore the data that the run was trained on"));
    }
    let known = recorded.whitening.as_ref();
    let prepared = data::prepare(&dataset, settings.data(), settings.train().seed, known)?;
    let Parts { training, validation, test: own_test } = prepared.parts;
    let test = match (other, &own_test) {
        (Some(other), _) => Some((data::load_held_out(other, &reading)?, HeldOut::Other)),
        (None, Some(_)) => None,
        (None, None) => data::load_test(&source, &reading)?.map(|test| (test, HeldOut::Test)),
    };
    let (held_out, origin) = match (test, own_test, validation) {
        (Some((test, origin)), _, _) => (Subset::all(&as_trained(trained, &test)?), origin),
        (None, Some(test), _) => (test, HeldOut::Test),
        (None, None, Some(validation)) => (validation, HeldOut::Validation),
        (None, None, None) => (training.clone(), HeldOut::Training),
    };
    Ok(RunData { training, held_out, origin })
}

/// The rows of `source` (its test split where it has one), scaled as the data that `trained` learnt from.
///
/// # Errors
/// Data that can't be read, of another shape than the model's rows, or off the levels of the run's data.
pub fn rows_for(trained: &Trained, source: &str) -> Result<Subset> {
    of_its_shape(trained, &data::load_held_out(source, &reading_of(trained))?)
}

/// The rows of `source` to learn from (its training split where it has several), scaled as the data that
/// `trained` learnt from.
///
/// # Errors
/// As [`rows_for`].
pub fn learning_rows_for(trained: &Trained, source: &str) -> Result<Subset> {
    of_its_shape(trained, &data::load_with(source, Split::Train, &reading_of(trained))?)
}

/// How data like that of the run is read: the same columns by name, shape, size and colours. Runs of older
/// versions recorded no columns and left those out later.
fn reading_of(trained: &Trained) -> Reading {
    let reading = &trained.settings.data().reading;
    let record = trained.model.data.table.as_ref();
    if record.is_none() && trained.model.data.whitening.is_some() {
        return Reading { leave_out: Vec::new(), ..reading.clone() };
    }
    reading.again(record, trained.model.data.kept())
}

/// The refusal of training data that isn't where the settings say.
fn not_found(error: Error) -> Error {
    if error.reason != Reason::Unreadable {
        return error;
    }
    Error::new(Reason::Unreadable, "can't find the training data")
        .at(&error.place)
        .expected("the path that the run was trained with, relative to the working folder")
        .remedy(
            "run the command in the folder where training was started, or say where it is: data.path = FILE",
        )
}

/// Flat rows of as many values are the run's pictures, as its samples are written to tables.
fn of_its_shape(trained: &Trained, data: &Dataset) -> Result<Subset> {
    let shape = &trained.model.data.row_shape;
    let is_flat = data.row_shape().len() == 1 && shape.len() > 1;
    let len: usize = shape.iter().product();
    let shaped = if is_flat && data.row_len() == len { data.with_row_shape(shape)? } else { data.clone() };
    let mapped = as_trained(trained, &shaped)?;
    mapped.require_row_shape(&trained.model.data.row_shape)?;
    Ok(Subset::all(&mapped))
}

/// The rows of `source` as units of a model file take them, `[n, row]`: those to learn from, or its test
/// split where it has one. Real units see values in the data's own units.
///
/// # Errors
/// Data that can't be read, of another width than the model's rows, or with values that its units can't have
/// (the row is named).
pub fn unit_rows(target: &WeightedBipartite, source: &str, split: Split) -> Result<Vec<f32>> {
    let reading = Reading::default();
    let data = if split == Split::Test {
        data::load_held_out(source, &reading)?
    } else {
        data::load(source, Split::Train)?
    };
    data.require_row_len(target.model.row_shape().iter().product())?;
    if target.is_binary() {
        data.require_binary()?;
        return rows_of(&Subset::all(&data), usize::MAX);
    }
    rows_of(&Subset::all(&data.with_scale(Scale::NONE)?), usize::MAX)
}

/// `dataset` as the run's rows are.
fn as_trained(trained: &Trained, dataset: &Dataset) -> Result<Dataset> {
    let record = &trained.model.data;
    let asked = trained.settings.data();
    let like_training = LikeTraining {
        scale: trained.model.scale()?,
        range: record.range,
        named: record.table.as_ref().is_some_and(|table| table.named),
        whitening: record.whitening.as_ref(),
        binarise: asked.binarise,
        grey: asked.grey,
        of_bits: trained.model.model.support() == Support::Bits,
        seed: trained.settings.train().seed,
    };
    let rows = like_training.rows(dataset)?;
    if let Support::Levels(levels) = trained.model.model.support() {
        rows.require_levels(levels)?;
    }
    Ok(rows)
}
