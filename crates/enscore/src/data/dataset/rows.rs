//! The model values of a row.

use std::ops::Range;

use super::Dataset;
use crate::data::Values;
use crate::error::{Error, Result};

impl Dataset {
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
}
