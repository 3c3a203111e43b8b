//! Reads Parquet tables, by their columns' names and types.

use std::fs::File;
use std::path::Path;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::failure::cannot_read;
use super::guarded::guarded;
use super::input::readable;
use crate::data::Dataset;
use crate::data::reading::Reading;
use crate::data::table::{Cell, Table, TableSummary, summarise};
use crate::error::{Error, Reason, Result};

/// Whether a file that starts so is Parquet.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    prefix.starts_with(b"PAR1")
}

/// Reads the rows of a table as the reading asks for.
pub(in crate::data) fn read(name: &str, path: &Path, reading: &Reading) -> Result<Dataset> {
    table(path, reading, &[])?.dataset(name, reading)
}

/// What is in each column.
pub(in crate::data) fn describe(path: &Path, reading: &Reading) -> Result<TableSummary> {
    let numbers = table(path, reading, &[])?;
    let words: Vec<usize> = (0..numbers.width()).filter(|at| numbers.columns[*at].odd.count > 0).collect();
    drop(numbers);
    summarise(&table(path, reading, &words)?)
}

fn table(path: &Path, reading: &Reading, words: &[usize]) -> Result<Table> {
    let place = path.display().to_string();
    let file = File::open(path).map_err(|e| cannot_read(path, e))?;
    guarded("Parquet file", &place, || fill(file, &place, reading, words))
}

fn damaged(place: &str, error: ParquetError) -> Error {
    Error::new(Reason::Damaged, format!("a damaged Parquet file ({error})")).at(place).caused_by(error)
}

fn fill(file: File, place: &str, reading: &Reading, words: &[usize]) -> Result<Table> {
    let reader = SerializedFileReader::new(file).map_err(|error| damaged(place, error))?;
    let schema = reader.metadata().file_metadata().schema();
    let nested = schema.get_fields().iter().find(|field| !field.is_primitive());
    if let Some(nested) = nested {
        return Err(Error::input("a Parquet column of lists or structures")
            .at(place)
            .found(format!("{:?}", nested.name()))
            .expected("columns of numbers or words")
            .remedy("flatten the column, or save the table without it"));
    }
    let names: Vec<String> = schema.get_fields().iter().map(|field| field.name().to_string()).collect();
    let width = names.len();
    let mut table = Table::new(place, "row", Some(names), width, readable());
    table.expect(reading)?;
    table.read_as_words(words);
    let rows = reader.get_row_iter(None).map_err(|error| damaged(place, error))?;
    for (number, row) in rows.enumerate() {
        let row = row.map_err(|error| damaged(place, error))?;
        if row.len() != width {
            return Err(
                Error::new(Reason::Damaged, "a damaged Parquet file (rows of different lengths)").at(place)
            );
        }
        table.reserve_row()?;
        for (column, (_, field)) in row.get_column_iter().enumerate() {
            push(&mut table, column, field, number as u64);
        }
    }
    Ok(table)
}

fn push(table: &mut Table, column: usize, field: &Field, row: u64) {
    let number = match field {
        Field::Null => return table.push(column, Cell::Missing, row),
        Field::Bool(value) => f64::from(u8::from(*value)),
        Field::Byte(value) => f64::from(*value),
        Field::Short(value) => f64::from(*value),
        Field::Int(value) => f64::from(*value),
        Field::Long(value) => *value as f64,
        Field::UByte(value) => f64::from(*value),
        Field::UShort(value) => f64::from(*value),
        Field::UInt(value) => f64::from(*value),
        Field::ULong(value) => *value as f64,
        Field::Float16(value) => f64::from(value.to_f32()),
        Field::Float(value) => f64::from(*value),
        Field::Double(value) => *value,
        Field::Str(text) => return table.push(column, Cell::Text(text), row),
        // Decimals and dates are read as they are shown: numbers where they are, words otherwise.
        other => {
            let text = other.to_string();
            let text = text.trim_matches('"');
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            let cell = number.map_or(Cell::Text(text), |number| Cell::Number(number, text));
            return table.push(column, cell, row);
        }
    };
    let cell = if number.is_nan() { Cell::Missing } else { Cell::Number(number, "") };
    table.push(column, cell, row);
}
