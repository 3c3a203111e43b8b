//! Rows of numbers as the bytes of a file: numpy's npy format (version 1.0) and CSV with a header.

use crate::error::{Error, Result};
use crate::executor::row_count;

/// Bytes to which an npy header is padded, so that the values begin aligned.
const ALIGNMENT: usize = 64;

/// Values `[n, ..row_shape]` as an npy file of little-endian single precision.
///
/// # Errors
/// A number of values that doesn't fill whole rows.
pub fn npy(values: &[f32], row_shape: &[usize]) -> Result<Vec<u8>> {
    let rows = row_count(values.len(), row_shape.iter().product())?;
    let extents: Vec<String> =
        std::iter::once(&rows).chain(row_shape).map(|extent| format!("{extent},")).collect();
    let shape = extents.join(" ");
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    // Magic string, version and the header's length take 10 bytes, the line feed at its end 1.
    let padding = (header.len() + 11).next_multiple_of(ALIGNMENT) - header.len() - 11;
    header.push_str(&" ".repeat(padding));
    header.push('\n');
    let length = u16::try_from(header.len())
        .map_err(|_| Error::input("rows with too many dimensions for npy").found(row_shape.len()))?;
    let mut bytes = Vec::with_capacity(header.len() + 10 + 4 * values.len());
    bytes.extend_from_slice(b"\x93NUMPY\x01\x00");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    Ok(bytes)
}

/// Values `[n, ..row_shape]` as CSV: a header of the columns' names, or `x1,x2,...` where they have none,
/// then a line a row. Every number reads back to the same bits.
///
/// # Errors
/// A number of values that doesn't fill whole rows, another number of names than of values in a row.
pub fn csv(values: &[f32], row_shape: &[usize], names: Option<&[String]>) -> Result<Vec<u8>> {
    let row_len = row_shape.iter().product();
    row_count(values.len(), row_len)?;
    let mut text = header(row_len, names)?;
    for row in values.chunks_exact(row_len) {
        let cells: Vec<String> = row.iter().map(f32::to_string).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    Ok(text.into_bytes())
}

/// The first line; names are quoted where they need it.
fn header(row_len: usize, names: Option<&[String]>) -> Result<String> {
    let numbered = || (1..=row_len).map(|column| format!("x{column}")).collect();
    let names: Vec<String> = names.map_or_else(numbered, <[String]>::to_vec);
    if names.len() != row_len {
        return Err(Error::input("column names do not match the values of a row")
            .found(format!("{} names", names.len()))
            .expected(row_len));
    }
    let quoted = |name: &String| {
        if name.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", name.replace('"', "\"\""))
        } else {
            name.clone()
        }
    };
    Ok(names.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Split, Values, load};

    const VALUES: [f32; 6] = [0.1, -2.5e-30, f32::MAX, 0.0, 1.0 / 3.0, 7.0];

    fn read_back(name: &str, bytes: &[u8]) -> (Vec<usize>, Vec<f32>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let data = load(&path.display().to_string(), Split::Train).unwrap();
        let values = match data.values() {
            Values::F32(values) => values.clone(),
            Values::F64(values) => values.iter().map(|value| *value as f32).collect(),
            Values::U8(_) => panic!("floats were written"),
        };
        (data.row_shape().to_vec(), values)
    }

    #[test]
    fn what_is_written_reads_back_to_the_bit() {
        assert_eq!(read_back("x.npy", &npy(&VALUES, &[3]).unwrap()), (vec![3], VALUES.to_vec()));
        assert_eq!(read_back("x.csv", &csv(&VALUES, &[2], None).unwrap()), (vec![2], VALUES.to_vec()));
        let bytes = npy(&VALUES, &[1, 2, 3]).unwrap();
        assert_eq!((bytes.len() - 24) % ALIGNMENT, 0);
        assert!(String::from_utf8_lossy(&bytes).contains("'shape': (1, 1, 2, 3,)"));
    }

    #[test]
    fn columns_have_their_names() {
        let names = ["a,b".to_string(), "say \"c\"".to_string()];
        let text = csv(&VALUES[3..5], &[2], Some(&names)).unwrap();
        assert!(text.starts_with(b"\"a,b\",\"say \"\"c\"\"\"\n0,0.33333334\n"));
        assert!(csv(&VALUES, &[3], Some(&names)).is_err());
    }

    #[test]
    fn rows_that_are_cut_short_are_refused() {
        assert!(npy(&VALUES, &[4]).is_err() && csv(&VALUES, &[4], None).is_err());
        assert!(npy(&[], &[0]).is_err() && csv(&[], &[3, 0], None).is_err());
    }
}
