//! One table for several methods: a row a method, a column a measure with its unit, the best of each column
//! marked; as text, Markdown and HTML.
//!
//! A value is marked where no other is better by more than two standard errors of the difference: what chance
//! could reorder is not ranked. Values with a standard error are written with the digits that it leaves:
//! 0.0123 ± 0.0011. As text, columns that don't fit a line stand below the others.

use std::fmt::Write;
use std::ops::Range;

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

/// A number with all that is said around it: `≥ 0.0123 ± 0.0011 (0.0009 ± 0.0002)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rated {
    /// The number.
    pub value: f64,
    /// What is written after ±, if anything is.
    pub error: Option<f64>,
    /// The error by which it is ranked: what chance could move it by.
    pub doubt: f64,
    /// What stands before it: `≥`, `≤`, `≈`, or nothing.
    pub sign: &'static str,
    /// What it is to be held against, with its error: written in brackets.
    pub null: Option<(f64, f64)>,
}

impl Rated {
    fn text(self) -> String {
        let number = |value: f64, error: Option<f64>| match error.filter(|error| *error > 0.0) {
            Some(error) if value.is_finite() && error.is_finite() => measured(value, Some(error)),
            _ => plain(value),
        };
        let gap = if self.sign.is_empty() { "" } else { " " };
        let null = self.null.map(|(null, error)| format!(" ({})", number(null, Some(error))));
        format!("{}{gap}{}{}", self.sign, number(self.value, self.error), null.unwrap_or_default())
    }
}

/// What a method got in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A number known exactly, or whose error is not.
    Value(f64),
    /// A number and its standard error.
    Measured(f64, f64),
    /// A number with more than its standard error.
    Rated(Rated),
    /// How many of something there are.
    Count(u64),
    /// Not a number: what is to be said of the method.
    Word(&'static str),
    /// The measure doesn't apply to the method.
    Absent,
}

impl Cell {
    /// Value and standard error of a number that can be ranked.
    fn ranked(self) -> Option<(f64, f64)> {
        match self {
            Cell::Value(value) if value.is_finite() => Some((value, 0.0)),
            Cell::Measured(value, error) if value.is_finite() && error >= 0.0 => Some((value, error)),
            Cell::Rated(Rated { value, doubt, .. }) if value.is_finite() && doubt >= 0.0 => {
                Some((value, doubt))
            }
            Cell::Count(count) => Some((count as f64, 0.0)),
            Cell::Value(_) | Cell::Measured(..) | Cell::Rated(_) | Cell::Word(_) | Cell::Absent => None,
        }
    }

    fn text(self) -> String {
        match self {
            Cell::Absent => "-".into(),
            Cell::Value(value) => plain(value),
            Cell::Rated(rated) => rated.text(),
            Cell::Count(count) => count.to_string(),
            Cell::Word(word) => word.into(),
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

/// Characters of a line of text, unless one column takes more.
const LINE: usize = 132;

/// Columns that fit a line each, beside the names of the rows, which have the first width.
fn blocks(widths: &[usize]) -> Vec<Range<usize>> {
    let none = Range { start: 1, end: 1 };
    let mut blocks = vec![none];
    let mut used = widths[0];
    for (column, width) in widths.iter().enumerate().skip(1) {
        let full = used + 2 + width > LINE;
        match blocks.last_mut() {
            Some(block) if block.start == block.end || !full => block.end = column + 1,
            _ => {
                blocks.push(column..column + 1);
                used = widths[0];
            }
        }
        used += 2 + width;
    }
    blocks
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
        for columns in blocks(&widths) {
            if !out.is_empty() {
                out.push('\n');
            }
            for line in &lines {
                let _ = write!(out, "{:<width$}", line[0], width = widths[0]);
                for column in columns.clone() {
                    let _ = write!(out, "  {:>width$}", line[column], width = widths[column]);
                }
                out.truncate(out.trim_end().len());
                out.push('\n');
            }
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
    fn a_number_is_written_with_what_is_said_around_it() {
        let rated = |sign, error, null| Cell::Rated(Rated { value: 0.5, error, doubt: 0.1, sign, null });
        let cases = [
            (rated("≥", Some(0.02), None), "≥ 0.500 ± 0.020"),
            (rated("", None, Some((0.25, 0.01))), "0.5000 (0.250 ± 0.010)"),
            (rated("", Some(0.0), Some((0.25, 0.0))), "0.5000 (0.2500)"),
            (Cell::Count(33_024_000), "33024000"),
            (Cell::Word("exact"), "exact"),
        ];
        for (cell, text) in cases {
            assert_eq!(cell.text(), text);
        }
        assert_eq!((rated("≥", None, None).ranked(), Cell::Word("exact").ranked()), (Some((0.5, 0.1)), None));
    }

    #[test]
    fn columns_beyond_a_line_stand_below() {
        assert_eq!(blocks(&[10, 60, 50, 30, 200, 5]), [1..3, 3..4, 4..5, 5..6]);
        assert!(blocks(&[10]).iter().eq(&[Range { start: 1, end: 1 }]));
        let columns = (0..9).map(|at| Column::new(&format!("a long name of column {at}"), "", Best::None));
        let mut table = Comparison::new("method", columns.collect());
        table.push("one", vec![Cell::Value(1.0); 9]).unwrap();
        let text = table.text();
        assert!(text.lines().all(|line| line.chars().count() <= LINE), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("one")).count(), 2, "{text}");
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
