//! Reads an array of a MATLAB file of version 5 to 7, compressed or not.

use std::io::Read;

use flate2::read::ZlibDecoder;
use matfile::{MatFile, NumericData};

use super::failure::short;
use super::guarded::guarded;
use super::input::Input;
use crate::data::reading::Reading;
use crate::data::table::Table;
use crate::data::{Dataset, Values};
use crate::error::{Error, Reason, Result};

/// The type of a compressed element.
const COMPRESSED: u32 = 15;
/// As of other compressed files.
const BOMB_RATIO: u64 = 400;
/// Names that are taken for the rows where a file holds several arrays, in this order.
const USUAL_NAMES: [&str; 4] = ["X", "x", "data", "images"];

/// Whether a file that starts so is of MATLAB 5 to 7.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    prefix.starts_with(b"MATLAB 5.0")
}

/// Reads the matrix `selected`, the only one, or the one of a usual name; its first dimension counts rows.
pub(in crate::data) fn read(
    name: &str,
    mut input: Input,
    selected: Option<&str>,
    reading: &Reading,
) -> Result<Dataset> {
    let place = input.place().to_string();
    let bytes = input.unclaimed_rest()?;
    check_size(&bytes, input.room(), &place)?;
    guarded("MATLAB file", &place, || {
        let file = MatFile::parse(&bytes[..]).map_err(|error| {
            Error::new(Reason::Damaged, format!("a damaged MATLAB file ({error})"))
                .at(&place)
                .caused_by(error)
        })?;
        let matrices: Vec<_> = file.arrays().iter().filter(|array| !is_vector(array.size())).collect();
        let wanted = |name: &str| file.arrays().iter().find(|array| array.name() == name);
        let names =
            || file.arrays().iter().take(20).map(|array| short(array.name())).collect::<Vec<_>>().join(", ");
        let array = match (selected, &matrices[..]) {
            (Some(selected), _) => wanted(selected),
            (None, [only]) => Some(*only),
            (None, _) => USUAL_NAMES.into_iter().find_map(wanted),
        };
        if let (Some(selected), None) = (selected, &array) {
            return Err(Error::input("no array with this name")
                .at(&place)
                .found(short(selected))
                .expected(names()));
        }
        let Some(array) = array else {
            return Err(Error::input("it is not clear which array holds the rows")
                .at(&place)
                .found(names())
                .expected("one matrix, or one named X, x, data or images")
                .remedy("name it as FILE.mat:NAME"));
        };
        let [rows, width] = array.size()[..] else {
            return Err(Error::input("an array of more than two dimensions")
                .at(&place)
                .found(format!("{} of shape {:?}", short(array.name()), array.size()))
                .expected("a matrix, a row of data in each row"));
        };
        let values = row_major(&numbers(array.data(), &place)?, rows, width);
        if reading.picks_columns() {
            return Table::of_array(&place, &Values::F64(values), width, reading)?.dataset(name, reading);
        }
        Dataset::new(name, &place, &[width], Values::F64(values))
    })
}

/// Refuses compressed elements that become too large, before the parser expands them.
fn check_size(bytes: &[u8], room: u64, place: &str) -> Result<()> {
    let mut rest = bytes.get(128..).unwrap_or_default();
    let big = bytes.get(126..128) == Some(b"MI");
    let mut total = 0;
    while let Some((tag, after)) = rest.split_at_checked(8) {
        let word = |at: usize| [tag[at], tag[at + 1], tag[at + 2], tag[at + 3]];
        let number =
            |at: usize| if big { u32::from_be_bytes(word(at)) } else { u32::from_le_bytes(word(at)) };
        let size = (number(4) as usize).min(after.len());
        let (element, next) = after.split_at(size);
        if number(0) == COMPRESSED {
            // What is left of the room, and one byte more, is enough to know.
            let left = room.saturating_sub(total);
            let limit = left.min(BOMB_RATIO * size as u64 + (64 << 20));
            let counted = std::io::copy(&mut ZlibDecoder::new(element).take(limit + 1), &mut std::io::sink());
            let counted = counted.unwrap_or(0);
            if counted > limit {
                return Err(Error::input("a compressed array that expands too far")
                    .at(place)
                    .found(format!("{size} bytes that become more than {limit}"))
                    .remedy("use part of the data, or save the file uncompressed"));
            }
            total += counted;
        }
        rest = next;
    }
    Ok(())
}

fn is_vector(size: &[usize]) -> bool {
    size.iter().filter(|extent| **extent > 1).count() < 2
}

fn row_major(values: &[f64], rows: usize, width: usize) -> Vec<f64> {
    let value = |at: usize| values.get(at % width * rows + at / width).copied().unwrap_or(f64::NAN);
    (0..rows.saturating_mul(width).min(values.len())).map(value).collect()
}

fn numbers(data: &NumericData, place: &str) -> Result<Vec<f64>> {
    macro_rules! real {
        ($($kind:ident: $convert:expr),*) => {
            match data {
                $(NumericData::$kind { real, imag: None } => Ok(real.iter().map($convert).collect()),)*
                _ => Err(Error::input("an array of complex numbers").at(place).expected("real numbers")),
            }
        };
    }
    real!(
        Int8: |x| f64::from(*x), UInt8: |x| f64::from(*x), Int16: |x| f64::from(*x), UInt16: |x| f64::from(*x),
        Int32: |x| f64::from(*x), UInt32: |x| f64::from(*x), Int64: |x| *x as f64, UInt64: |x| *x as f64,
        Single: |x| f64::from(*x), Double: |x| *x
    )
}
