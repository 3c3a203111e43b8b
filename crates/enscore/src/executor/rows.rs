//! Rows that programs are run over, wherever they come from.

use enscore_program::executor::Real;

use super::whole::row_count;
use crate::error::Result;

/// Rows of one length that can be copied one at a time.
pub trait RowSource<T> {
    /// How many rows there are.
    fn count(&self) -> usize;

    /// Copies row `row` to `out`, which has room for it.
    ///
    /// # Errors
    /// No such row; a row of another length.
    fn copy(&self, row: usize, out: &mut [T]) -> Result<()>;
}

/// Rows in main memory, one after another.
#[derive(Clone, Copy, Debug)]
pub struct RowSlice<'a, S> {
    values: &'a [S],
    len: usize,
}

impl<'a, S> RowSlice<'a, S> {
    /// Rows `[n, len]`.
    ///
    /// # Errors
    /// Values that do not fill whole rows.
    pub fn new(values: &'a [S], len: usize) -> Result<Self> {
        row_count(values.len(), len)?;
        Ok(RowSlice { values, len })
    }
}

impl<S: Real, T: Real> RowSource<T> for RowSlice<'_, S> {
    fn count(&self) -> usize {
        self.values.len() / self.len
    }

    fn copy(&self, row: usize, out: &mut [T]) -> Result<()> {
        let values = self.values[row * self.len..].iter().take(self.len);
        out.iter_mut().zip(values).for_each(|(out, value)| *out = T::from_f64(value.to_f64()));
        Ok(())
    }
}
