//! Whether values are whole rows, and which.

use crate::error::{Error, Reason, Result};

/// How many rows of `row_len` values `values` values are.
///
/// # Errors
/// A `row_len` of 0, or values that don't fill whole rows.
pub fn row_count(values: usize, row_len: usize) -> Result<usize> {
    if row_len == 0 || !values.is_multiple_of(row_len) {
        return Err(Error::new(Reason::Shape, "the values do not fill whole rows")
            .found(format_args!("{values} values"))
            .expected(format_args!("rows of {row_len}")));
    }
    Ok(values / row_len)
}

/// The rows of `values` `[n, row_len]`.
///
/// # Errors
/// As [`row_count`].
pub fn whole_rows<T>(values: &[T], row_len: usize) -> Result<std::slice::ChunksExact<'_, T>> {
    row_count(values.len(), row_len)?;
    Ok(values.chunks_exact(row_len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_row_is_refused() {
        assert_eq!(whole_rows(&[1, 2, 3, 4], 2).unwrap().collect::<Vec<_>>(), [[1, 2], [3, 4]]);
        assert_eq!(row_count(0, 3).unwrap(), 0);
        assert!(row_count(3, 0).is_err());
        let error = whole_rows(&[0.0; 3], 2).unwrap_err().to_string();
        assert!(error.contains("found 3 values") && error.contains("rows of 2"), "{error}");
    }
}
