//! Fills a table, cell by cell.

use super::raw::{Cell, Table};

impl Table {
    /// Puts a cell behind the last; the row must have room ([`Table::reserve_row`]).
    pub(in crate::data) fn push(&mut self, column: usize, cell: Cell, line: u64) {
        let value = self.value(column, cell, line);
        self.values.push(value);
    }

    /// The number that a cell is kept as.
    pub(in crate::data) fn value(&mut self, column: usize, cell: Cell, line: u64) -> f64 {
        let column = &mut self.columns[column];
        match (cell, &mut column.words) {
            (Cell::Missing, _) => {
                column.missing.add(line);
                f64::NAN
            }
            (Cell::Number(_, text) | Cell::Text(text), Some(words)) if !text.is_empty() => {
                f64::from(words.number(text))
            }
            (Cell::Number(value, _), Some(words)) => f64::from(words.number(&value.to_string())),
            (Cell::Number(value, _), None) if (value as f32).is_finite() => value,
            (cell, _) => {
                if column.odd.count == 0 {
                    column.first_odd = match cell {
                        Cell::Number(value, "") => value.to_string(),
                        Cell::Number(_, text) | Cell::Text(text) => text.chars().take(60).collect(),
                        Cell::Missing => String::new(),
                    };
                }
                column.odd.add(line);
                f64::NAN
            }
        }
    }
}
