//! Reads tables of numbers: comma, semicolon or tab between cells, with or without a header.
//!
//! The first row is a header if none of its cells is a number; a first row that mixes both is refused, since
//! taking it for a header would lose a row of data. Every cell must hold a finite number: nothing is skipped,
//! filled in or guessed.

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::input::{Input, damaged, no_memory};
use super::npy::short;
use crate::data::{Dataset, Values};
use crate::error::{Error, Reason, Result};

/// Whether a file that starts so may be text.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    !prefix.contains(&0) && !prefix.is_empty()
}

/// Reads every column as a number.
pub(in crate::data) fn read(name: &str, input: Input) -> Result<Dataset> {
    let place = input.place().to_string();
    let separator = separator(input.prefix());
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .trim(Trim::All)
        .from_reader(input);
    let mut table = Table { place: &place, columns: None, width: 0, values: Vec::new() };
    let mut record = ByteRecord::new();
    loop {
        let more = reader.read_byte_record(&mut record);
        let line = record.position().map_or(0, |p| p.line());
        match more {
            Ok(true) => table.add(&record, line)?,
            Ok(false) => break,
            Err(e) => return Err(csv_error(&place, reader.position().byte(), e)),
        }
    }
    let Table { columns, width, values, .. } = table;
    if values.is_empty() {
        return Err(Error::input("a table without data").at(place).expected("at least one row of numbers"));
    }
    let data = Dataset::new(name, &place, &[width], Values::F64(values))?;
    columns.map_or(Ok(data.clone()), |columns| data.with_columns(columns))
}

fn csv_error(place: &str, position: u64, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => damaged(place, position, e),
        other => Error::new(Reason::Damaged, format!("a damaged table ({other:?})")).at(place),
    }
}

/// The separator, from the first line: a semicolon if there is one, else a tab, else a comma; none within
/// quotes.
fn separator(prefix: &[u8]) -> u8 {
    let mut quoted = false;
    let outside: Vec<u8> = prefix
        .iter()
        .copied()
        .skip_while(|b| b.is_ascii_whitespace())
        .take_while(|b| !matches!(b, b'\n' | b'\r'))
        .filter(|&b| {
            quoted ^= b == b'"';
            !quoted
        })
        .collect();
    [b';', b'\t'].into_iter().find(|s| outside.contains(s)).unwrap_or(b',')
}

struct Table<'a> {
    place: &'a str,
    columns: Option<Vec<String>>,
    width: usize,
    values: Vec<f64>,
}

impl Table<'_> {
    fn add(&mut self, record: &ByteRecord, line: u64) -> Result<()> {
        if self.width == 0 {
            self.width = record.len();
            if self.is_header(record, line)? {
                let text = |cell: &[u8]| {
                    let cell = String::from_utf8_lossy(cell);
                    cell.trim_start_matches('\u{feff}').trim().to_string()
                };
                self.columns = Some(record.iter().map(text).collect());
                return Ok(());
            }
        }
        if record.len() != self.width {
            return Err(Error::input("rows of different lengths")
                .at(format!("{}, line {line}", self.place))
                .found(format!("{} cells", record.len()))
                .expected(format!("{}, as in the first row", self.width))
                .remedy("fill in the missing cells, or remove the row"));
        }
        self.values
            .try_reserve(self.width)
            .map_err(|_| no_memory(self.place, self.values.len() as u64 * 8))?;
        for (column, cell) in record.iter().enumerate() {
            let value = number(cell).filter(|v| (*v as f32).is_finite());
            self.values.push(value.ok_or_else(|| self.bad_cell(line, column, cell))?);
        }
        Ok(())
    }

    fn is_header(&self, first: &ByteRecord, line: u64) -> Result<bool> {
        let is_text = |cell: &[u8]| !without_mark(cell).is_empty() && number(cell).is_none();
        let Some(text) = first.iter().position(is_text) else { return Ok(false) };
        match first.iter().position(|cell| number(cell).is_some()) {
            None => Ok(true),
            Some(_) => Err(self
                .bad_cell(line, text, &first[text])
                .expected("a first row of only names or only numbers")
                .remedy("name every column, or correct the cell")),
        }
    }

    fn bad_cell(&self, line: u64, column: usize, cell: &[u8]) -> Error {
        let name = self.columns.as_ref().and_then(|c| c.get(column));
        let name = name.map_or(String::new(), |n| format!(" ({})", short(n)));
        let what = match number(cell) {
            _ if without_mark(cell).is_empty() => "an empty cell",
            None => "a cell that is not a number",
            Some(_) => "a cell that is not a finite number in single precision",
        };
        Error::input(what)
            .at(format!("{}, line {line}, column {}{name}", self.place, column + 1))
            .found(short(&String::from_utf8_lossy(cell)))
            .expected("a finite number with a decimal point")
            .remedy("remove the row or column, or fill in the cell")
    }
}

/// A cell without the mark that some programs put at the start of a file.
fn without_mark(cell: &[u8]) -> &[u8] {
    cell.strip_prefix(b"\xef\xbb\xbf").unwrap_or(cell).trim_ascii()
}

fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(without_mark(cell)).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Dataset> {
        read("t", Input::bytes("t.csv", text.as_bytes())?)
    }

    #[test]
    fn separators_and_headers_are_detected() {
        for (text, named) in [
            ("a,b\n1,2\n3,-4e1\n", true),
            ("1,2\r\n3,-40\r\n", false),
            ("\"a;x\";b\n1;2\n3;-40\n", true),
            ("\u{feff}a\tb\n1\t2\n\n3\t -40 ", true),
            ("\u{feff}1,2\n3,-40", false),
        ] {
            let data = parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert_eq!(data.values(), &Values::F64(vec![1.0, 2.0, 3.0, -40.0]), "{text:?}");
            assert_eq!((data.columns().is_some(), data.row_shape()), (named, &[2][..]), "{text:?}");
        }
        assert_eq!(parse("\u{feff}a,b\n1,2").unwrap().columns().unwrap(), ["a", "b"]);
        assert_eq!(parse("x\n1\n2").unwrap().rows(), 2);
    }

    #[test]
    fn bad_cells_are_refused_with_line_and_column() {
        for (text, place, found) in [
            ("a,b\n1,2\n3,x\n", "t.csv, line 3, column 2 ('b')", "'x'"),
            ("a,b\n1,nan\n", "line 2, column 2", "'nan'"),
            ("a,b\n-inf,1\n", "line 2, column 1", "'-inf'"),
            ("a,b\n1,1e39\n", "line 2, column 2", "'1e39'"),
            ("a,b\n1,\n", "line 2, column 2", "''"),
            ("1,2\n3\n", "line 2", "1 cells"),
            ("1,2\n3,4,5\n", "line 2", "3 cells"),
            ("1,?\n3,4\n", "line 1, column 2", "'?'"),
            ("1,,3\n", "line 1, column 2", "''"),
            ("a;b\n1,5;2\n", "line 2, column 1", "'1,5'"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(place) && error.contains(found), "{text:?}: {error}");
        }
    }

    #[test]
    fn tables_without_rows_are_refused() {
        for text in ["", "\n\n", "a,b\n"] {
            assert!(parse(text).unwrap_err().to_string().contains("without data"), "{text:?}");
        }
    }
}
