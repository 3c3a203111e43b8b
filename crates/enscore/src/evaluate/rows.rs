//! Borrow a table of numbers, checked once: every method of this folder takes rows that are whole and finite.

use crate::error::{Error, Result};
use nalgebra::{DMatrix, DMatrixView, Dyn};

/// At least one row of `row_len` finite numbers each, row-major: `[rows, row_len]`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    values: &'a [f32],
    row_len: usize,
}

impl<'a> Rows<'a> {
    /// Checks that `values` holds one or more whole rows of `row_len` finite numbers.
    ///
    /// # Errors
    /// An input error if `row_len` is 0, there is no row, the last row is short, or a value is NaN or
    /// infinite.
    pub fn new(values: &'a [f32], row_len: usize) -> Result<Self> {
        if row_len == 0 {
            return Err(Error::input("rows without columns").expected("at least one column"));
        }
        if values.is_empty() {
            return Err(Error::input("no rows").expected("at least one row"));
        }
        if !values.len().is_multiple_of(row_len) {
            return Err(Error::input("the last row is short")
                .at(format_args!("row {}", values.len() / row_len))
                .found(format_args!("{} values", values.len() % row_len))
                .expected(format_args!("{row_len}")));
        }
        if let Some(position) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::input("a value is not finite")
                .at(format_args!("row {}, column {}", position / row_len, position % row_len))
                .found(values[position])
                .expected("a finite number"));
        }
        Ok(Rows { values, row_len })
    }

    /// The number of rows, at least 1.
    pub fn count(&self) -> usize {
        self.values.len() / self.row_len
    }

    /// The number of columns, at least 1.
    pub fn row_len(&self) -> usize {
        self.row_len
    }

    /// All values, row-major.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// The rows in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'a, f32> {
        self.values.chunks_exact(self.row_len)
    }

    /// Copies of the rows `indices`, in that order; an index beyond the last row counts from the start again.
    pub(crate) fn gather(&self, indices: &[usize]) -> Vec<f32> {
        let row = |i: &usize| self.iter().nth(i % self.count()).unwrap_or_default();
        indices.iter().flat_map(row).copied().collect()
    }

    /// Refuses rows of another length.
    pub(crate) fn same_row_len(&self, other: Rows) -> Result<()> {
        if self.row_len == other.row_len {
            return Ok(());
        }
        Err(Error::input("rows of different lengths")
            .found(format_args!("{} columns", self.row_len))
            .expected(format_args!("{}, as in the other table", other.row_len)))
    }

    /// The mean of every column, `[row_len]`, accumulated in f64.
    pub(crate) fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.row_len];
        for row in self.iter() {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v));
        }
        let n = self.count() as f64;
        mean.iter_mut().for_each(|m| *m /= n);
        mean
    }
}

/// Rows widened to f64 and shifted by `-shift`, row-major: small numbers keep squared distances accurate.
pub(crate) fn shifted(values: &[f32], shift: &[f64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(values.len());
    for row in values.chunks_exact(shift.len()) {
        out.extend(row.iter().zip(shift).map(|(v, s)| f64::from(*v) - s));
    }
    out
}

/// The sum of squares of every row of a row-major table.
pub(crate) fn squared_norms(values: &[f64], row_len: usize) -> Vec<f64> {
    values.chunks_exact(row_len).map(|row| row.iter().map(|v| v * v).sum()).collect()
}

/// A row-major slice seen as a matrix `[rows, row_len]`: its columns have strides.
///
/// Only for the right side of a product: nalgebra 0.35 writes out of bounds when the left side of a small
/// product has strided columns (`axcpy_uninit` takes the length of the strided slice for that of the vector).
pub(crate) fn right_side(values: &[f64], row_len: usize) -> DMatrixView<'_, f64, Dyn, Dyn> {
    DMatrixView::from_slice_with_strides(values, values.len() / row_len, row_len, row_len, 1)
}

/// A row-major slice seen as the transposed matrix `[row_len, rows]`: its columns are contiguous.
pub(crate) fn transposed(values: &[f64], row_len: usize) -> DMatrixView<'_, f64> {
    DMatrixView::from_slice(values, row_len, values.len() / row_len)
}

/// All inner products of the rows of `a` with the rows of `b`: `[rows of a, rows of b]`.
pub(crate) fn inner_products(a: &[f64], b: &[f64], row_len: usize) -> DMatrix<f64> {
    let a = DMatrix::from_row_slice(a.len() / row_len, row_len, a);
    a * transposed(b, row_len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_a_table() {
        let place = |values: &[f32], len| Rows::new(values, len).unwrap_err().to_string();
        assert!(place(&[1.0], 0).contains("without columns"));
        assert!(place(&[], 3).contains("no rows"));
        assert!(place(&[0.0; 7], 3).contains("row 2"));
        assert!(place(&[0.0, 1.0, 2.0, f32::NAN], 2).contains("row 1, column 1"));
        assert!(place(&[f32::INFINITY], 1).contains("found inf"));
    }

    #[test]
    fn inner_products_are_those_of_rows() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, -1.0, 0.5, 0.5, 2.0, 0.0, 0.0, 1.0];
        let products = inner_products(&a, &b, 3);
        assert_eq!(products.shape(), (2, 3));
        for (i, x) in a.chunks(3).enumerate() {
            for (j, y) in b.chunks(3).enumerate() {
                assert_eq!(products[(i, j)], x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>());
            }
        }
    }
}
