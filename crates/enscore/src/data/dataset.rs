//! Holds rows of one shape: raw values as the source had them, and the scale that maps them to model values.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::scale::{Scale, Values};
use crate::error::{Error, Result};
use crate::executor::row_count;
use crate::files::Sha256Hex;

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
    labels: Option<Arc<[u8]>>,
    columns: Option<Arc<[String]>>,
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
            fingerprint: OnceLock::new(),
        };
        Ok(Dataset(Arc::new(inner)))
    }

    /// A copy of everything but the values, which are shared, for one part to be changed.
    fn shallow(&self) -> Inner {
        let Inner { name, source, shape, values, labels, columns, .. } = &*self.0;
        Inner {
            name: name.clone(),
            source: source.clone(),
            shape: shape.clone(),
            values: values.clone(),
            labels: labels.clone(),
            columns: columns.clone(),
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
    pub fn with_labels(&self, labels: Vec<u8>) -> Result<Dataset> {
        if labels.len() != self.rows() {
            return Err(Error::input("labels do not match the rows")
                .at(self.source())
                .found(format!("{} labels", labels.len()))
                .expected(format!("{}, one per row", self.rows())));
        }
        Ok(Dataset(Arc::new(Inner { labels: Some(labels.into()), ..self.shallow() })))
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

    /// The same data with values 0 and 1: 1 where a value is at least half of its scale (128 of 0 to 255).
    /// Data of 0 and 1 stays as it is.
    ///
    /// # Errors
    /// None for data that can be read.
    pub fn binarised(&self) -> Result<Dataset> {
        let binary = Scale::quantised(2);
        if self.scale() == binary && matches!(self.values(), Values::U8(_)) {
            return Ok(self.clone());
        }
        let scale = self.scale();
        let values = self.values();
        let bit = |i: usize| u8::from(scale.scaled(values.get(i)) >= 0.5);
        let bits = Values::U8((0..values.len()).map(bit).collect());
        Dataset(Arc::new(Inner { values: Arc::new(bits), ..self.shallow() })).with_scale(binary)
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
    pub fn labels(&self) -> Option<&[u8]> {
        self.0.labels.as_deref()
    }

    /// The header of a CSV file: one name per value of a row.
    pub fn columns(&self) -> Option<&[String]> {
        self.0.columns.as_deref()
    }

    /// The raw values, row after row.
    pub fn values(&self) -> &Values {
        &self.0.values
    }

    /// The SHA-256, in hex, of the shape, the scale and the raw values: the same for the same numbers in
    /// another file format.
    ///
    /// Bytes are hashed as bytes and every other number as a little-endian f64, so bytes and floats differ.
    /// Computed once.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint.get_or_init(|| self.compute_fingerprint()).clone()
    }

    fn compute_fingerprint(&self) -> String {
        let mut hash = Sha256Hex::new();
        hash.update(b"enscore data 1\0");
        let Scale { low, high, levels } = self.scale();
        for n in [self.row_shape().len(), self.rows()].iter().chain(self.row_shape()) {
            hash.update((*n as u64).to_le_bytes());
        }
        hash.update(low.to_le_bytes());
        hash.update(high.to_le_bytes());
        hash.update(levels.unwrap_or(0).to_le_bytes());
        match self.values() {
            Values::U8(v) => {
                hash.update(b"u8");
                hash.update(v);
            }
            floats => {
                hash.update(b"f64");
                let mut buffer = Vec::with_capacity(8 * 1024);
                for start in (0..floats.len()).step_by(1024) {
                    buffer.clear();
                    let end = floats.len().min(start + 1024);
                    (start..end).for_each(|i| buffer.extend_from_slice(&floats.get(i).to_le_bytes()));
                    hash.update(&buffer);
                }
            }
        }
        hash.digits()
    }

    /// Where row `row` lies among the values, after checking it and the length of the row's buffer.
    fn row_range(&self, row: usize, buffer: usize) -> Result<Range<usize>> {
        if row >= self.rows() {
            return Err(Error::input("no such row")
                .at(self.source())
                .found(format!("row {row}"))
                .expected(format!("0 to {}", self.rows() - 1)));
        }
        if buffer != self.row_len() {
            return Err(Error::input("a buffer of the wrong size for a row")
                .at(self.source())
                .found(format!("{buffer} values"))
                .expected(self.row_len()));
        }
        let start = row * self.row_len();
        Ok(start..start + buffer)
    }

    /// Writes the model values of row `row` to `out`, of `row_len()` numbers.
    ///
    /// # Errors
    /// When there is no such row, or `out` has another length.
    pub fn copy_row(&self, row: usize, out: &mut [f32]) -> Result<()> {
        let range = self.row_range(row, out.len())?;
        let scale = self.scale();
        match self.values() {
            Values::U8(v) => {
                out.iter_mut().zip(&v[range]).for_each(|(o, &x)| *o = self.0.bytes_scaled[usize::from(x)])
            }
            Values::F32(v) if scale.is_none() => out.copy_from_slice(&v[range]),
            Values::F32(v) => {
                out.iter_mut().zip(&v[range]).for_each(|(o, &x)| *o = scale.scaled(f64::from(x)) as f32)
            }
            Values::F64(v) => out.iter_mut().zip(&v[range]).for_each(|(o, &x)| *o = scale.scaled(x) as f32),
        }
        Ok(())
    }

    /// Writes the model values of row `row` to `out` in double precision, for statistics and closed forms.
    ///
    /// # Errors
    /// As [`Dataset::copy_row`].
    pub fn copy_row_f64(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let range = self.row_range(row, out.len())?;
        let scale = self.scale();
        let values = self.values();
        out.iter_mut().zip(range).for_each(|(o, i)| *o = scale.scaled(values.get(i)));
        Ok(())
    }

    /// Writes row `row` with uniform noise that fills the gaps between levels: (level + noise) / levels, in
    /// [0, 1].
    ///
    /// A density of such values, in nats per row, is compared with bits per dimension by adding d ln(levels)
    /// (Theis, van den Oord and Bethge 2016, section 3.1). `noise` has `row_len()` numbers in [0, 1].
    ///
    /// # Errors
    /// When the data has no levels, there is no such row, a length differs, or noise lies outside [0, 1].
    pub fn copy_row_dequantised(&self, row: usize, noise: &[f32], out: &mut [f32]) -> Result<()> {
        let scale = self.scale();
        let Some(levels) = scale.levels else {
            return Err(Error::input("only quantised data can be dequantised")
                .at(self.source())
                .found("continuous values without levels")
                .remedy("leave out data.dequantise"));
        };
        let range = self.row_range(row, out.len())?;
        if noise.len() != out.len() || !noise.iter().all(|u| (0.0..=1.0).contains(u)) {
            return Err(Error::input("noise of the wrong size for a row")
                .at(self.source())
                .found(format!("{} numbers", noise.len()))
                .expected(format!("{} numbers in [0, 1]", out.len())));
        }
        let values = self.values();
        for ((o, &u), i) in out.iter_mut().zip(noise).zip(range) {
            let level = (scale.scaled(values.get(i)) * f64::from(levels - 1)).round();
            *o = ((level + f64::from(u)) / f64::from(levels)) as f32;
        }
        Ok(())
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
mod tests {
    use super::*;

    fn bytes() -> Dataset {
        let data = Dataset::new("t", "test", &[2], Values::U8(vec![0, 51, 255, 102])).unwrap();
        data.with_scale(Scale::quantised(256)).unwrap()
    }

    #[test]
    fn rows_are_scaled_and_dequantised() {
        let data = bytes();
        let mut out = [0.0; 2];
        data.copy_row(1, &mut out).unwrap();
        assert_eq!(out, [1.0, 0.4]);
        data.copy_row_dequantised(1, &[0.5, 0.25], &mut out).unwrap();
        assert_eq!(out, [255.5 / 256.0, 102.25 / 256.0]);
        assert!(data.copy_row(2, &mut out).is_err());
        assert!(data.copy_row(0, &mut [0.0; 3]).is_err());
        assert!(data.copy_row_dequantised(0, &[f32::NAN, 0.5], &mut out).is_err());
    }

    #[test]
    fn real_values_are_not_dequantised() {
        let data = Dataset::new("t", "test", &[2], Values::F32(vec![-1.0, 3.0])).unwrap();
        let error = data.copy_row_dequantised(0, &[0.5; 2], &mut [0.0; 2]).unwrap_err();
        assert!(error.to_string().contains("without levels"), "{error}");
        let unit = data.rescaled_to_unit().unwrap();
        let mut out = [9.0; 2];
        unit.copy_row(0, &mut out).unwrap();
        assert_eq!((out, unit.scale()), ([0.0, 1.0], Scale::range(-1.0, 3.0)));
        let constant = Dataset::new("t", "test", &[1], Values::F32(vec![2.0; 3])).unwrap();
        assert!(constant.rescaled_to_unit().is_err());
    }

    #[test]
    fn the_fingerprint_covers_values_shape_and_scale_but_not_the_name() {
        let floats = |name: &str, shape: &[usize]| {
            Dataset::new(name, name, shape, Values::F32(vec![1.0, 2.0, 3.0, 4.5])).unwrap()
        };
        let base = floats("a", &[2]);
        assert_eq!(base.fingerprint(), floats("b", &[2]).fingerprint());
        assert_eq!(base.fingerprint().len(), 64);
        let double = Dataset::new("c", "c", &[2], Values::F64(vec![1.0, 2.0, 3.0, 4.5])).unwrap();
        assert_eq!(base.fingerprint(), double.fingerprint());
        let other = Dataset::new("c", "c", &[2], Values::F64(vec![1.0, 2.0, 3.0, 4.25])).unwrap();
        let changed =
            [floats("a", &[4]), floats("a", &[1]), base.rescaled_to_unit().unwrap(), other, bytes()];
        for (i, data) in changed.iter().enumerate() {
            assert_ne!(base.fingerprint(), data.fingerprint(), "change {i}");
        }
    }

    /// A change of this value makes every stored fingerprint stale, so it must be deliberate.
    #[test]
    fn the_fingerprint_is_stable() {
        let expected = "b4fa95b0d0049f80bb4a515b4c3ab865818da268bbef9238804af9b57858542f";
        assert_eq!(bytes().fingerprint(), expected);
    }

    #[test]
    fn bad_values_and_shapes_are_refused_with_their_place() {
        let error = Dataset::new("t", "f.npy", &[2], Values::F64(vec![0.0, 1.0, f64::NAN, 1.0])).unwrap_err();
        assert!(error.to_string().contains("f.npy, row 1, value 0"), "{error}");
        assert!(Dataset::new("t", "f", &[1], Values::F64(vec![1e300])).is_err());
        assert!(Dataset::new("t", "f", &[3], Values::U8(vec![1, 2])).is_err());
        assert!(Dataset::new("t", "f", &[], Values::U8(vec![1, 2])).is_err());
        assert!(Dataset::new("t", "f", &[0], Values::U8(vec![])).is_err());
        assert!(Dataset::new("t", "f", &[usize::MAX, 2], Values::U8(vec![1])).is_err());
        assert!(bytes().with_scale(Scale::quantised(200)).is_err());
        assert!(bytes().with_labels(vec![1]).is_err());
        assert!(bytes().with_columns(vec!["a".into()]).is_err());
    }
}
