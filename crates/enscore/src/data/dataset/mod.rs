//! Holds rows of one shape: raw values as the source had them, and the scale that maps them to model values.

mod fingerprint;
mod rows;

use std::sync::{Arc, OnceLock};

use super::scale::{Scale, Values};
use super::table::TableRecord;
use crate::error::{Error, Result};
use crate::executor::row_count;

/// The most values of a row: statistics keep several numbers for each.
const LONGEST_ROW: usize = 1 << 24;

/// A class for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The class of each row.
    pub codes: Arc<[u32]>,
    /// The name of each class; empty where the numbers are all that the source has.
    pub names: Arc<[String]>,
}

impl Labels {
    /// How many classes occur.
    pub fn classes(&self) -> usize {
        self.codes.iter().collect::<std::collections::BTreeSet<_>>().len()
    }
}

#[derive(Debug)]
struct Inner {
    name: String,
    source: String,
    shape: Vec<usize>,
    row_len: usize,
    rows: usize,
    values: Arc<Values>,
    scale: Scale,
    /// The model value of each byte, used when the raw values are bytes.
    bytes_scaled: [f32; 256],
    labels: Option<Labels>,
    columns: Option<Arc<[String]>>,
    row_names: Option<Arc<[String]>>,
    table: Option<Arc<TableRecord>>,
    notes: Arc<[String]>,
    fingerprint: OnceLock<String>,
}

/// An immutable data set; a clone shares the values.
#[derive(Clone, Debug)]
pub struct Dataset(Arc<Inner>);

impl Dataset {
    /// Rows of `row_shape` ([height, width, channels] for images, `[d]` for vectors) from raw values,
    /// unscaled.
    ///
    /// `source` says where they come from: a path, or a description; errors name it.
    ///
    /// # Errors
    /// When there is no row or no value in a row, the values don't fill whole rows, there are 2^32 rows or
    /// more, or a value is NaN or infinite.
    pub fn new(name: &str, source: &str, row_shape: &[usize], values: Values) -> Result<Dataset> {
        let row_len = row_shape.iter().try_fold(1usize, |product, &d| product.checked_mul(d)).unwrap_or(0);
        if row_len == 0 || row_shape.is_empty() {
            return Err(Error::input("rows without values")
                .at(source)
                .found(format!("row shape {row_shape:?}")));
        }
        if row_len > LONGEST_ROW {
            return Err(Error::input("rows of too many values")
                .at(source)
                .found(format!("{row_len} values per row"))
                .expected(format!("at most {LONGEST_ROW}")));
        }
        let rows = row_count(values.len(), row_len).map_err(|error| error.at(source))?;
        if rows == 0 {
            return Err(Error::input("no rows").at(source).expected("at least one row"));
        }
        if u32::try_from(rows).is_err() {
            return Err(Error::input("too many rows").at(source).found(rows).expected("at most 4294967295"));
        }
        check_finite(&values, row_len, source)?;
        let inner = Inner {
            name: name.to_string(),
            source: source.to_string(),
            shape: row_shape.to_vec(),
            row_len,
            rows,
            values: Arc::new(values),
            scale: Scale::NONE,
            bytes_scaled: byte_table(Scale::NONE),
            labels: None,
            columns: None,
            row_names: None,
            table: None,
            notes: Arc::default(),
            fingerprint: OnceLock::new(),
        };
        Ok(Dataset(Arc::new(inner)))
    }

    /// A copy of everything but the values, which are shared, for one part to be changed.
    fn shallow(&self) -> Inner {
        let Inner { name, source, shape, values, labels, columns, row_names, table, notes, .. } = &*self.0;
        Inner {
            name: name.clone(),
            source: source.clone(),
            shape: shape.clone(),
            values: values.clone(),
            labels: labels.clone(),
            columns: columns.clone(),
            row_names: row_names.clone(),
            table: table.clone(),
            notes: notes.clone(),
            fingerprint: OnceLock::new(),
            ..*self.0
        }
    }

    /// The same raw values under another scale: a test split under its training split's, for example.
    ///
    /// # Errors
    /// When the scale can't be inverted, or has levels on which some value does not lie.
    pub fn with_scale(&self, scale: Scale) -> Result<Dataset> {
        scale.check().map_err(|e| e.at(self.source()))?;
        if let Some(levels) = scale.levels {
            self.check_levels(scale, levels)?;
        }
        let bytes_scaled = byte_table(scale);
        Ok(Dataset(Arc::new(Inner { scale, bytes_scaled, ..self.shallow() })))
    }

    /// The same data with one label per row.
    ///
    /// # Errors
    /// When there is not exactly one label per row.
    pub fn with_labels(&self, codes: Vec<u32>) -> Result<Dataset> {
        self.with_classes(codes, Vec::new())
    }

    /// The same data with one label per row, and the name of each class.
    ///
    /// # Errors
    /// When there is not exactly one label per row, or a label has no name.
    pub fn with_classes(&self, codes: Vec<u32>, names: Vec<String>) -> Result<Dataset> {
        let refused = |what: &str, found: String| Error::input(what).at(self.source()).found(found);
        if codes.len() != self.rows() {
            let error = refused("labels do not match the rows", format!("{} labels", codes.len()));
            return Err(error.expected(format!("{}, one per row", self.rows())));
        }
        let nameless = codes.iter().find(|code| !names.is_empty() && **code as usize >= names.len());
        if let Some(code) = nameless {
            let error = refused("a label without a name", format!("label {code}"));
            return Err(error.expected(format!("0 to {}", names.len() - 1)));
        }
        let labels = Some(Labels { codes: codes.into(), names: names.into() });
        Ok(Dataset(Arc::new(Inner { labels, ..self.shallow() })))
    }

    /// The same data with a name for each row, such as that of its file.
    ///
    /// # Errors
    /// When there is not exactly one name per row.
    pub fn with_row_names(&self, names: Vec<String>) -> Result<Dataset> {
        if names.len() != self.rows() {
            return Err(Error::input("row names do not match the rows")
                .at(self.source())
                .found(format!("{} names", names.len()))
                .expected(format!("{}, one per row", self.rows())));
        }
        Ok(Dataset(Arc::new(Inner { row_names: Some(names.into()), ..self.shallow() })))
    }

    /// The same data under another short name.
    pub(in crate::data) fn named(&self, name: &str) -> Dataset {
        Dataset(Arc::new(Inner { name: name.to_string(), ..self.shallow() }))
    }

    /// The same data with one more remark on how it was read.
    pub(in crate::data) fn noted(&self, note: String) -> Dataset {
        let notes = self.notes().iter().cloned().chain([note]).collect();
        Dataset(Arc::new(Inner { notes, ..self.shallow() }))
    }

    /// The same data, which came from columns of a table by this record.
    pub(in crate::data) fn of_table(&self, record: TableRecord) -> Dataset {
        Dataset(Arc::new(Inner { table: Some(Arc::new(record)), ..self.shallow() }))
    }

    /// The same rows in another shape of as many values: [height, width] of grey images,
    /// [height, width, channels], or `[d]`.
    ///
    /// # Errors
    /// When the shape has another number of values, or is none of these.
    pub fn with_row_shape(&self, shape: &[usize]) -> Result<Dataset> {
        let shape = match *shape {
            [height, width] => vec![height, width, 1],
            _ => shape.to_vec(),
        };
        let values = shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent));
        if values != Some(self.row_len()) || !matches!(shape.len(), 1 | 3) {
            return Err(Error::input("rows of another size than the shape")
                .at(self.source())
                .found(format!("{} values per row", self.row_len()))
                .expected(format!("the shape {shape:?}")));
        }
        Ok(Dataset(Arc::new(Inner { shape, ..self.shallow() })))
    }

    /// The same data with a name for each value of a row.
    ///
    /// # Errors
    /// When there is not exactly one name per value of a row.
    pub fn with_columns(&self, columns: Vec<String>) -> Result<Dataset> {
        if columns.len() != self.row_len() {
            return Err(Error::input("column names do not match the columns")
                .at(self.source())
                .found(format!("{} names", columns.len()))
                .expected(self.row_len()));
        }
        Ok(Dataset(Arc::new(Inner { columns: Some(columns.into()), ..self.shallow() })))
    }

    /// The data scaled so that its least value maps to 0 and its greatest to 1; quantised data, which lies in
    /// [0, 1] by its levels, stays as it is.
    ///
    /// # Errors
    /// When all values are equal.
    pub fn rescaled_to_unit(&self) -> Result<Dataset> {
        if self.scale().levels.is_some() {
            return Ok(self.clone());
        }
        let (low, high) = self.0.values.range();
        if low == high {
            return Err(Error::input("all values are equal, so they cannot be scaled to [0, 1]")
                .at(self.source())
                .found(low));
        }
        self.with_scale(Scale::range(low, high))
    }

    /// The same rows with other raw values, as many of them.
    pub(in crate::data) fn with_values(&self, values: Values) -> Dataset {
        Dataset(Arc::new(Inner { values: Arc::new(values), ..self.shallow() }))
    }

    /// Its short name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it comes from: a path, or a description.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// How many rows there are; at least one.
    pub fn rows(&self) -> usize {
        self.0.rows
    }

    /// [height, width, channels] for images, `[d]` for vectors.
    pub fn row_shape(&self) -> &[usize] {
        &self.0.shape
    }

    /// How many values a row has; at least one.
    pub fn row_len(&self) -> usize {
        self.0.row_len
    }

    /// Whether rows are images.
    pub fn is_image(&self) -> bool {
        self.0.shape.len() == 3
    }

    /// How raw values map to model values.
    pub fn scale(&self) -> Scale {
        self.0.scale
    }

    /// One label per row, where the source has them.
    pub fn labels(&self) -> Option<&[u32]> {
        self.0.labels.as_ref().map(|labels| &labels.codes[..])
    }

    /// The labels with the names of their classes, where the source has them.
    pub fn classes(&self) -> Option<&Labels> {
        self.0.labels.as_ref()
    }

    /// A name for each row, where the source has them: the files of a folder.
    pub fn row_names(&self) -> Option<&[String]> {
        self.0.row_names.as_deref()
    }

    /// How a table's columns became the values of a row; none for other data.
    pub fn table(&self) -> Option<&TableRecord> {
        self.0.table.as_deref()
    }

    /// What the reader noticed and decided, a line each: a header of numbers, a column left out.
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// The names of a table's columns: one per value of a row.
    pub fn columns(&self) -> Option<&[String]> {
        self.0.columns.as_deref()
    }

    /// The raw values, row after row.
    pub fn values(&self) -> &Values {
        &self.0.values
    }

    fn check_levels(&self, scale: Scale, levels: u32) -> Result<()> {
        let steps = f64::from(levels - 1);
        let on_level = |value: f64| {
            let level = scale.scaled(value) * steps;
            (level - level.round()).abs() < 1e-3 && (0.0..=steps).contains(&level.round())
        };
        let off = match self.values() {
            Values::U8(v) => {
                let bad: [bool; 256] = std::array::from_fn(|byte| !on_level(byte as f64));
                v.iter().position(|&byte| bad[usize::from(byte)])
            }
            values => (0..values.len()).find(|&i| !on_level(values.get(i))),
        };
        match off {
            None => Ok(()),
            Some(i) => Err(Error::input("a value between the levels of the scale")
                .at(format!("{}, row {}, value {}", self.source(), i / self.row_len(), i % self.row_len()))
                .found(self.values().get(i))
                .expected(format!("one of {levels} levels from {} to {}", scale.low, scale.high))),
        }
    }
}

/// The model value of each byte.
fn byte_table(scale: Scale) -> [f32; 256] {
    std::array::from_fn(|byte| scale.scaled(byte as f64) as f32)
}

fn check_finite(values: &Values, row_len: usize, source: &str) -> Result<()> {
    let bad = match values {
        Values::U8(_) => None,
        Values::F32(v) => v.iter().position(|x| !x.is_finite()),
        // A model computes in single precision, so what overflows there is as bad as infinity.
        Values::F64(v) => v.iter().position(|x| !(*x as f32).is_finite()),
    };
    match bad {
        None => Ok(()),
        Some(i) => Err(Error::input("a value is not a finite number")
            .at(format!("{source}, row {}, value {} (counted from 0)", i / row_len, i % row_len))
            .found(values.get(i))
            .expected("a finite number in the range of single precision")
            .remedy("remove the row, or fill in the value")),
    }
}

#[cfg(test)]
mod tests;
