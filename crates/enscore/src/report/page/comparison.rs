//! One table for several methods: a row a method, a column a measure with its unit, the best of each column
//! marked; as text, Markdown and HTML.
//!
//! A value is marked where no other is better by more than two standard errors of the difference: what chance
//! could reorder is not ranked. Values with a standard error are written with the digits that it leaves:
//! 0.0123 ± 0.0011.

use std::fmt::Write;

use crate::error::{Error, Result};
use crate::report::markup::{escape, measured, number, table};

/// Which values of a column are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Best {
    /// The lower the better: losses, divergences, seconds.
    Lowest,
    /// The higher the better: log likelihoods, areas under a curve.
    Highest,
    /// The column ranks nothing.
    None,
}

/// A column of the table: one measure of every method.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The head of the column.
    pub name: String,
    /// Its unit; empty for a number without one.
    pub unit: String,
    /// Which values are good.
    pub best: Best,
}

impl Column {
    /// A column; `unit` may be empty.
    pub fn new(name: &str, unit: &str, best: Best) -> Column {
        Column { name: name.into(), unit: unit.into(), best }
    }

    fn heading(&self) -> String {
        if self.unit.is_empty() { self.name.clone() } else { format!("{} [{}]", self.name, self.unit) }
    }
}

/// What a method got in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A number known exactly, or whose error is not.
    Value(f64),
    /// A number and its standard error.
    Measured(f64, f64),
    /// The measure doesn't apply to the method.
    Absent,
}

impl Cell {
    /// Value and standard error of a number that can be ranked.
    fn ranked(self) -> Option<(f64, f64)> {
        match self {
            Cell::Value(value) if value.is_finite() => Some((value, 0.0)),
            Cell::Measured(value, error) if value.is_finite() && error >= 0.0 => Some((value, error)),
            _ => None,
        }
    }

    fn text(self) -> String {
        match self {
            Cell::Absent => "-".into(),
            Cell::Value(value) => plain(value),
            Cell::Measured(value, error) if value.is_finite() && error > 0.0 && error.is_finite() => {
                measured(value, Some(error))
            }
            Cell::Measured(value, _) => plain(value),
        }
    }
}

fn plain(value: f64) -> String {
    if value.is_finite() { number(value) } else { format!("not finite ({value})") }
}

/// Methods against measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What the rows are: `method`, `objective`.
    subject: String,
    columns: Vec<Column>,
    rows: Vec<(String, Vec<Cell>)>,
}

impl Comparison {
    /// A table without rows; `subject` names what the rows are.
    pub fn new(subject: &str, columns: Vec<Column>) -> Comparison {
        Comparison { subject: subject.into(), columns, rows: Vec::new() }
    }

    /// Adds a row: a cell for each column.
    ///
    /// # Errors
    /// Another number of cells than columns.
    pub fn push(&mut self, name: &str, cells: Vec<Cell>) -> Result<()> {
        if cells.len() != self.columns.len() {
            return Err(Error::input("a row does not match its table")
                .at(name)
                .found(format_args!("{} cells", cells.len()))
                .expected(self.columns.len()));
        }
        self.rows.push((name.into(), cells));
        Ok(())
    }

    /// Whether each row is among the best of a column.
    fn marks(&self, column: usize) -> Vec<bool> {
        let sign = match self.columns[column].best {
            Best::Lowest => 1.0,
            Best::Highest => -1.0,
            Best::None => return vec![false; self.rows.len()],
        };
        let ranked: Vec<Option<(f64, f64)>> =
            self.rows.iter().map(|(_, cells)| cells[column].ranked().map(|(v, e)| (sign * v, e))).collect();
        let best = ranked.iter().flatten().copied().reduce(|a, b| if b.0 < a.0 { b } else { a });
        let near = |(value, error): (f64, f64), (least, least_error): (f64, f64)| {
            value - least <= 2.0 * error.hypot(least_error)
        };
        let several = ranked.iter().flatten().count() > 1;
        ranked
            .iter()
            .map(|cell| several && cell.zip(best).is_some_and(|(cell, best)| near(cell, best)))
            .collect()
    }

    /// Every line, the headings first, with `mark` put around the best cells.
    fn lines(&self, mark: impl Fn(String) -> String, clean: impl Fn(&str) -> String) -> Vec<Vec<String>> {
        let headings = self.columns.iter().map(|column| clean(&column.heading()));
        let mut lines = vec![std::iter::once(clean(&self.subject)).chain(headings).collect::<Vec<_>>()];
        let marks: Vec<Vec<bool>> = (0..self.columns.len()).map(|column| self.marks(column)).collect();
        for (row, (name, cells)) in self.rows.iter().enumerate() {
            let mut line = vec![clean(name)];
            for (cell, marks) in cells.iter().zip(&marks) {
                let text = clean(&cell.text());
                line.push(if marks[row] { mark(text) } else { text });
            }
            lines.push(line);
        }
        lines
    }

    /// Aligned text for a terminal; a star stands before the best.
    pub fn text(&self) -> String {
        let lines = self.lines(|cell| format!("*{cell}"), |text| text.replace(['\n', '\r', '\t'], " "));
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..=self.columns.len()).map(width).collect();
        let mut out = String::new();
        for line in &lines {
            let _ = write!(out, "{:<width$}", line[0], width = widths[0]);
            for (cell, width) in line.iter().zip(&widths).skip(1) {
                let _ = write!(out, "  {cell:>width$}");
            }
            out.truncate(out.trim_end().len());
            out.push('\n');
        }
        out
    }

    /// A Markdown table; the best are bold.
    pub fn markdown(&self) -> String {
        let clean = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
        let lines = self.lines(|cell| format!("**{cell}**"), clean);
        let mut out = String::new();
        for (index, line) in lines.iter().enumerate() {
            let _ = writeln!(out, "| {} |", line.join(" | "));
            if index == 0 {
                let _ = writeln!(out, "|---|{}", "---:|".repeat(self.columns.len()));
            }
        }
        out
    }

    /// An HTML table in the style of the report; the best are bold.
    pub fn html(&self) -> String {
        let lines = self.lines(|cell| format!("<b>{cell}</b>"), escape);
        let (head, body) = lines.split_at(1);
        table(&head.iter().flatten().map(String::as_str).collect::<Vec<_>>(), body.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markup::check;

    fn example() -> Comparison {
        let columns = vec![
            Column::new("KL", "nats", Best::Lowest),
            Column::new("AUROC", "", Best::Highest),
            Column::new("time", "s", Best::None),
        ];
        let mut table = Comparison::new("objective", columns);
        table.push("NCE", vec![Cell::Measured(0.0123, 0.0011), Cell::Value(0.9), Cell::Value(3.5)]).unwrap();
        table.push("SSM", vec![Cell::Measured(0.0140, 0.0011), Cell::Value(0.95), Cell::Value(2.0)]).unwrap();
        table.push("CD", vec![Cell::Measured(0.5, 0.02), Cell::Absent, Cell::Value(f64::NAN)]).unwrap();
        table
    }

    /// The two divergences differ by 1.1 standard errors of their difference: neither is the worse.
    #[test]
    fn text_is_aligned_and_marks_what_is_not_worse() {
        let expected = [
            "objective         KL [nats]    AUROC          time [s]",
            "NCE        *0.0123 ± 0.0011   0.9000             3.500",
            "SSM        *0.0140 ± 0.0011  *0.9500             2.000",
            "CD            0.500 ± 0.020        -  not finite (NaN)",
        ];
        assert_eq!(example().text().lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn markdown_and_html_hold_the_same() {
        let markdown = example().markdown();
        assert!(markdown.starts_with("| objective | KL [nats] | AUROC | time [s] |\n|---|---:|---:|---:|\n"));
        assert!(markdown.contains("| SSM | **0.0140 ± 0.0011** | **0.95"), "{markdown}");
        let mut table = Comparison::new("a & b", vec![Column::new("<x>", "", Best::Lowest)]);
        table.push("p|q", vec![Cell::Value(1.0)]).unwrap();
        check(&table.html()).unwrap();
        assert!(table.html().contains("&lt;x&gt;") && table.markdown().contains("p\\|q"));
        assert!(!table.markdown().contains("**"), "one row has nothing to be better than");
        check(&example().html()).unwrap();
        assert_eq!(example().html().matches("<b>").count(), 3);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        assert!(example().push("x", vec![Cell::Absent]).is_err());
        let empty = Comparison::new("method", vec![]);
        assert_eq!(empty.text(), "method\n");
        check(&empty.html()).unwrap();
        let odd = [Cell::Measured(1e9, 1e7), Cell::Measured(1e-20, 1e-22), Cell::Measured(1.0, 0.0)];
        assert_eq!(odd.map(Cell::text).map(|text| text.contains('±')), [true, true, false]);
        assert!(Cell::Measured(f64::NAN, 1.0).text().contains("not finite"));
    }
}
