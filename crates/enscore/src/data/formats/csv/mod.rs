//! Reads tables in text: cells between commas, semicolons, tabs, bars or blanks; with or without a header;
//! in UTF-8, UTF-16 or Latin-1; with decimal points or decimal commas.
//!
//! What a file says is followed (a line `sep=;`, a byte-order mark, a commented header as `numpy.savetxt`
//! writes it); the rest is told from its first lines. Nothing is skipped or filled in unless the reading
//! asks for it.

mod cells;
mod dialect;
mod header;
mod text;

use csv::{ByteRecord, ReaderBuilder, Trim};

use self::cells::Decimal;
use self::dialect::Dialect;
use self::header::{Heading, heading};
use super::failure::damaged;
use super::input::Input;
use crate::data::Dataset;
use crate::data::reading::Reading;
use crate::data::table::{Cell, Table, TableSummary, summarise};
use crate::error::{Error, Reason, Result};
use crate::text::counted;

/// Whether a file that starts so may be text.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    let utf16 = prefix.starts_with(&[0xff, 0xfe]) || prefix.starts_with(&[0xfe, 0xff]);
    !prefix.is_empty() && (utf16 || !prefix.contains(&0))
}

/// Reads the rows of a table as the reading asks for.
pub(in crate::data) fn read(name: &str, input: Input, reading: &Reading) -> Result<Dataset> {
    table(input, reading, &[])?.dataset(name, reading)
}

/// What is in each column; `open` is called once more where columns hold words.
pub(in crate::data) fn describe(
    open: &dyn Fn() -> Result<Input<'static>>,
    reading: &Reading,
) -> Result<TableSummary> {
    let numbers = table(open()?, reading, &[])?;
    let words: Vec<usize> = (0..numbers.width()).filter(|at| numbers.columns[*at].odd.count > 0).collect();
    if words.is_empty() {
        return summarise(&numbers);
    }
    drop(numbers);
    summarise(&table(open()?, reading, &words)?)
}

/// The whole table, with the columns `words` as words.
fn table(input: Input, reading: &Reading, words: &[usize]) -> Result<Table> {
    let place = input.place().to_string();
    let limit = input.room();
    let text = text::Utf8::new(input)?;
    let dialect = Dialect::of(text.prefix());
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.separator)
        .comment(Some(b'#'))
        .trim(Trim::All)
        .from_reader(dialect.lines(text));
    let mut filling = Filling::new(&place, limit, reading, words, &dialect);
    let mut record = ByteRecord::new();
    loop {
        let more = reader.read_byte_record(&mut record);
        let line = record.position().map_or(0, |p| p.line());
        match more {
            Ok(true) => filling.take(&record, line)?,
            Ok(false) => break,
            Err(e) => return Err(csv_error(&place, reader.position().byte(), e)),
        }
    }
    filling.end()
}

fn csv_error(place: &str, position: u64, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => damaged(place, position, e),
        other => Error::new(Reason::Damaged, format!("a damaged table ({other:?})")).at(place),
    }
}

/// A table being filled. The first row waits for the second, which may tell what it is.
struct Filling<'a> {
    place: &'a str,
    limit: u64,
    reading: &'a Reading,
    words: &'a [usize],
    dialect: &'a Dialect,
    first: Option<(ByteRecord, u64)>,
    table: Option<Table>,
    decimal: Decimal,
    empty_rows: u64,
}

impl<'a> Filling<'a> {
    fn new(
        place: &'a str,
        limit: u64,
        reading: &'a Reading,
        words: &'a [usize],
        dialect: &'a Dialect,
    ) -> Self {
        let decimal = dialect.decimal;
        Filling { place, limit, reading, words, dialect, first: None, table: None, decimal, empty_rows: 0 }
    }

    fn take(&mut self, record: &ByteRecord, line: u64) -> Result<()> {
        let is_blank = record.iter().all(|cell| cells::stripped(cell).is_empty());
        if is_blank && (record.len() == 1 || self.table.is_some()) {
            self.empty_rows += u64::from(record.len() > 1);
            return Ok(());
        }
        if line == 1 && self.dialect.says_separator {
            return Ok(());
        }
        if self.table.is_some() {
            return self.add(record, line);
        }
        match self.first.take() {
            None => self.first = Some((record.clone(), line)),
            Some(first) => {
                self.begin(&first, Some(record))?;
                self.add(record, line)?;
            }
        }
        Ok(())
    }

    /// Makes the table, of the first row's width, and puts that row into it unless it holds the names.
    fn begin(&mut self, (first, line): &(ByteRecord, u64), second: Option<&ByteRecord>) -> Result<()> {
        let Heading { names, is_row, note } = heading(first, second, self.dialect, self.reading.header)
            .map_err(|error| error.at(format!("{}, line {line}, {}", self.place, error_place(first))))?;
        let mut table = Table::new(self.place, "line", names, first.len(), self.limit);
        table.notes.extend(note);
        table.expect(self.reading)?;
        table.read_as_words(self.words);
        self.table = Some(table);
        if is_row { self.add(first, *line) } else { Ok(()) }
    }

    fn add(&mut self, record: &ByteRecord, line: u64) -> Result<()> {
        let Some(table) = &mut self.table else { return Ok(()) };
        if record.len() != table.width() {
            return Err(Error::input("rows of different lengths")
                .at(format!("{}, line {line}", self.place))
                .found(counted(record.len(), "cell", "cells"))
                .expected(format!("{}, as in the first row", table.width()))
                .remedy("fill in the missing cells, or remove the row"));
        }
        table.reserve_row()?;
        for (column, bytes) in record.iter().enumerate() {
            let text = cells::decoded(bytes);
            let cell = match self.decimal.number(&text) {
                Some(number) => Cell::Number(number, &text),
                None if cells::is_missing(&text) => Cell::Missing,
                None => Cell::Text(&text),
            };
            table.push(column, cell, line);
        }
        Ok(())
    }

    fn end(mut self) -> Result<Table> {
        if let Some(first) = self.first.take() {
            self.begin(&first, None)?;
        }
        let Some(mut table) = self.table else {
            return Err(Error::input("a table without data")
                .at(self.place)
                .expected("at least one row of numbers"));
        };
        if self.empty_rows > 0 {
            let rows = if self.empty_rows == 1 { "row" } else { "rows" };
            let are = if self.empty_rows == 1 { "is" } else { "are" };
            table.notes.push(format!("{} {rows} without any value {are} left out", self.empty_rows));
        }
        Ok(table)
    }
}

/// Where in the first row words and numbers meet.
fn error_place(first: &ByteRecord) -> String {
    let is_word = |cell: &[u8]| {
        let text = cells::decoded(cell);
        !cells::is_missing(&text) && Decimal::default().number(&text).is_none()
    };
    let at = first.iter().position(is_word).unwrap_or(0);
    format!("column {}", at + 1)
}

#[cfg(test)]
mod tests;
