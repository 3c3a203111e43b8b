//! How rows are mapped before they reach the model of a file: the scale and the whitening of the run that it
//! was exported from, as its description has them.

use std::path::Path;

use serde::Deserialize;

use crate::data::{Dataset, Grey, LikeTraining, Reading, Scale, Subset, TableRecord, Whitening, rows_of};
use crate::error::{Error, Reason, Result};

/// How rows are mapped before they reach a model.
#[derive(Clone, Debug, PartialEq)]
pub struct RowMap {
    scale: Scale,
    range: [f64; 2],
    whitening: Option<Whitening>,
    table: Option<TableRecord>,
    binarise: bool,
    grey: Grey,
    seed: u64,
    log_volume: f64,
}

/// The parts of a description that a row map is read from.
#[derive(Deserialize)]
struct Described {
    seed: u64,
    log_volume: f64,
    data: DescribedData,
    #[serde(default)]
    reading: DescribedReading,
}

#[derive(Default, Deserialize)]
struct DescribedReading {
    #[serde(default)]
    binarise: bool,
    #[serde(default)]
    grey: Option<String>,
}

#[derive(Deserialize)]
struct DescribedData {
    scale: Scale,
    range: [f64; 2],
    #[serde(default)]
    whitening: Option<Whitening>,
    #[serde(default)]
    table: Option<TableRecord>,
}

impl RowMap {
    /// The map that the description at `path` holds.
    ///
    /// # Errors
    /// A file that can't be read or holds none.
    pub fn read(path: &Path) -> Result<RowMap> {
        let failed = |reason| Error::new(reason, "can't read the description of a model").at(path.display());
        let text =
            std::fs::read_to_string(path).map_err(|error| failed(Reason::Unreadable).found_error(error))?;
        let Described { seed, log_volume, data, reading } =
            serde_json::from_str(&text).map_err(|error| failed(Reason::Damaged).found_error(error))?;
        let DescribedData { scale, range, whitening, table } = data;
        let grey = match &reading.grey {
            None => Grey::Refuse,
            Some(word) => {
                let known = [Grey::Refuse, Grey::Probabilities, Grey::Bits].into_iter();
                let found = known.clone().find(|grey| grey.name() == word);
                let expected = known.map(Grey::name).collect::<Vec<_>>().join(" or ");
                found.ok_or_else(|| failed(Reason::Damaged).found(word).expected(expected))?
            }
        };
        Ok(RowMap { scale, range, whitening, table, binarise: reading.binarise, grey, seed, log_volume })
    }

    /// The values of a row that the map keeps.
    fn kept(&self) -> Option<&[usize]> {
        self.whitening.as_ref().map(|whitening| &whitening.kept[..])
    }

    /// What the log density of a mapped row lacks to be that of the row in the data's units, nats.
    pub fn log_volume(&self) -> f64 {
        self.log_volume
    }

    /// How data like those of the run are read: the same columns by name.
    pub fn reading(&self) -> Reading {
        Reading::default().again(self.table.as_ref(), self.kept())
    }

    /// The names of a row's values in the data's units, where the columns of the data have some.
    pub fn value_names(&self) -> Option<Vec<String>> {
        self.table.as_ref()?.names_of(self.kept())
    }

    /// The rows of `data` as the model sees them, whose units are bits or not: `[n, row]`.
    ///
    /// # Errors
    /// Rows that don't fit the map.
    pub fn rows(&self, data: &Dataset, of_bits: bool) -> Result<Vec<f32>> {
        let like_training = LikeTraining {
            scale: self.scale,
            range: self.range,
            named: self.table.as_ref().is_some_and(|table| table.named),
            whitening: self.whitening.as_ref(),
            binarise: self.binarise,
            grey: self.grey,
            of_bits,
            seed: self.seed,
        };
        rows_of(&Subset::all(&like_training.rows(data)?), usize::MAX)
    }

    /// Rows of the model in the units of the data.
    ///
    /// # Errors
    /// Rows of another length than the map's.
    pub fn raw(&self, rows: &[f32], row_len: usize) -> Result<Vec<f32>> {
        let mut raw = Vec::with_capacity(rows.len());
        for row in rows.chunks(row_len.max(1)) {
            let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            let row = match &self.whitening {
                Some(whitening) => whitening.invert(&row)?,
                None => row,
            };
            raw.extend(row.iter().map(|value| self.scale.raw(*value) as f32));
        }
        Ok(raw)
    }
}
