//! A table as its reader finds it.

use std::collections::HashMap;

use crate::data::Values;
use crate::data::formats::failure::no_memory;
use crate::data::reading::Reading;
use crate::error::{Error, Result};

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::data) enum Cell<'a> {
    /// A number, and the text that it was, where that is known.
    Number(f64, &'a str),
    /// Nothing.
    Missing,
    /// Something else.
    Text(&'a str),
}

/// A table in memory: numbers row by row; a word is the number of its text in its column.
#[derive(Debug, Default)]
pub(in crate::data) struct Table {
    /// The file, for errors.
    pub(in crate::data) place: String,
    /// What errors count rows by: lines of a text file, rows of others.
    pub(in crate::data) unit: &'static str,
    /// Whether the columns have names of their own.
    pub(in crate::data) named: bool,
    pub(in crate::data) columns: Vec<Column>,
    /// `[rows, columns]`; NaN where a value is missing, or a word that nobody asked for.
    pub(in crate::data) values: Vec<f64>,
    /// The most bytes that the values may take.
    pub(in crate::data) limit: u64,
    /// What was noticed.
    pub(in crate::data) notes: Vec<String>,
}

/// One column of a table.
#[derive(Debug, Default)]
pub(in crate::data) struct Column {
    /// Its name; `column N` where it has none.
    pub(in crate::data) name: String,
    /// Whether the name is the file's.
    pub(in crate::data) named: bool,
    /// Its texts, where it is read as words.
    pub(in crate::data) words: Option<Words>,
    /// Missing values, and where the first is.
    pub(in crate::data) missing: Count,
    /// Cells that are neither a number nor missing, and where the first is.
    pub(in crate::data) odd: Count,
    /// The first of those.
    pub(in crate::data) first_odd: String,
}

/// How often something occurs, and the line of the first.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::data) struct Count {
    pub(in crate::data) count: u64,
    pub(in crate::data) first: u64,
}

impl Count {
    pub(super) fn add(&mut self, line: u64) {
        if self.count == 0 {
            self.first = line;
        }
        self.count += 1;
    }
}

/// The different texts of a column, numbered as they come.
#[derive(Debug, Default)]
pub(in crate::data) struct Words {
    numbers: HashMap<String, u32>,
    pub(in crate::data) texts: Vec<String>,
}

impl Words {
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(text.to_string(), number);
        self.texts.push(text.to_string());
        number
    }
}

impl Table {
    /// An empty table of these columns; nameless ones are numbered.
    pub(in crate::data) fn new(
        place: &str,
        unit: &'static str,
        names: Option<Vec<String>>,
        width: usize,
        limit: u64,
    ) -> Table {
        let named = names.is_some();
        let names = names.unwrap_or_default();
        let column = |at: usize| {
            let own = names.get(at).filter(|name| !name.is_empty()).cloned();
            let named = own.is_some();
            Column { name: own.unwrap_or_else(|| format!("column {}", at + 1)), named, ..Column::default() }
        };
        let columns = (0..width).map(column).collect();
        Table { place: place.to_string(), unit, named, columns, limit, ..Table::default() }
    }

    /// The table of an array `[rows, width]`, whose columns have no names.
    pub(in crate::data) fn of_array(
        place: &str,
        values: &Values,
        width: usize,
        reading: &Reading,
    ) -> Result<Table> {
        let mut table = Table::new(place, "row", None, width, u64::MAX);
        table.expect(reading)?;
        table
            .values
            .try_reserve_exact(values.len())
            .map_err(|_| no_memory(place, values.len() as u64 * 8))?;
        for at in 0..values.len() {
            let value = values.get(at);
            let cell = if value.is_nan() { Cell::Missing } else { Cell::Number(value, "") };
            table.push(at % width, cell, (at / width) as u64);
        }
        Ok(table)
    }

    /// How many columns it has.
    pub(in crate::data) fn width(&self) -> usize {
        self.columns.len()
    }

    /// How many rows it has.
    pub(in crate::data) fn rows(&self) -> usize {
        self.values.len() / self.width().max(1)
    }

    /// Reads these columns as words, whatever they hold.
    pub(in crate::data) fn read_as_words(&mut self, wanted: &[usize]) {
        for &at in wanted {
            self.columns[at].words = Some(Words::default());
        }
    }

    /// Where the columns of this name stand: all of several of one name; `column N` counts from 1.
    pub(in crate::data) fn positions(&self, name: &str) -> Vec<usize> {
        let named = |at: &usize| self.columns[*at].name == name;
        let found: Vec<usize> = (0..self.width()).filter(named).collect();
        if !found.is_empty() {
            return found;
        }
        let number = name.strip_prefix("column ").and_then(|number| number.parse::<usize>().ok());
        number
            .filter(|number| (1..=self.width()).contains(number))
            .map(|number| number - 1)
            .into_iter()
            .collect()
    }

    /// As [`Table::positions`]; an error where there is none.
    pub(in crate::data) fn find(&self, name: &str, key: &str) -> Result<Vec<usize>> {
        let found = self.positions(name);
        if found.is_empty() {
            return Err(Error::input("no such column")
                .at(format!("{key}, {}", self.place))
                .found(format!("{name:?}"))
                .expected(self.listed()));
        }
        Ok(found)
    }

    /// The columns' names, for an error; the first twenty.
    pub(in crate::data) fn listed(&self) -> String {
        let mut names: Vec<&str> = self.columns.iter().take(20).map(|column| column.name.as_str()).collect();
        if self.width() > 20 {
            names.push("...");
        }
        names.join(", ")
    }

    /// The refusal of a table without rows.
    pub(in crate::data) fn without_data(&self) -> Error {
        Error::input("a table without data").at(&self.place).expected("at least one row of numbers")
    }

    /// Room for one more row.
    pub(in crate::data) fn reserve_row(&mut self) -> Result<()> {
        let bytes = (self.values.len() + self.width()) as u64 * 8;
        if bytes > self.limit {
            return Err(Error::input("the table is too large")
                .at(&self.place)
                .found(format!("more than {} bytes of numbers", self.limit))
                .expected("what a third of the free memory holds")
                .remedy("use part of the rows or columns, or a machine with more memory"));
        }
        self.values.try_reserve(self.width()).map_err(|_| no_memory(&self.place, bytes))
    }
}
