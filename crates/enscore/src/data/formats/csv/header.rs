//! Whether the first row of a table holds the names of its columns.

use csv::ByteRecord;

use super::cells::{decoded, is_missing};
use super::dialect::Dialect;
use crate::data::formats::failure::short;
use crate::data::reading::Header;
use crate::error::{Error, Result};

/// What the first row is.
pub(super) struct Heading {
    /// The columns' names; an empty one for a column without.
    pub(super) names: Option<Vec<String>>,
    /// Whether the first row is one of data.
    pub(super) is_row: bool,
    /// What the user should know.
    pub(super) note: Option<String>,
}

/// What a cell may be.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Word,
    Missing,
}

/// Tells names from numbers: a first row of words holds names; one of words and numbers is a row if the
/// second has words and numbers in the same places; the numbers 0, 1, 2 over numbers with decimals are
/// pandas' names.
pub(super) fn heading(
    first: &ByteRecord,
    second: Option<&ByteRecord>,
    dialect: &Dialect,
    wanted: Header,
) -> Result<Heading> {
    let cells = |record: &ByteRecord| -> Vec<String> {
        record.iter().map(|cell| decoded(cell).into_owned()).collect()
    };
    let names = cells(first);
    let kinds: Vec<Kind> = names.iter().map(|cell| kind(cell, dialect)).collect();
    let row = || Heading { names: None, is_row: true, note: None };
    let header = |note: Option<String>| Heading { names: Some(names.clone()), is_row: false, note };
    match wanted {
        Header::FirstRow => return Ok(header(None)),
        Header::None => return Ok(row()),
        Header::Auto => {}
    }
    let commented = dialect.comment.as_ref().filter(|comment| comment.len() == names.len());
    if !kinds.contains(&Kind::Number) && kinds.contains(&Kind::Word) {
        return Ok(header(None));
    }
    if let Some(comment) =
        commented.filter(|comment| comment.iter().all(|cell| kind(cell, dialect) == Kind::Word))
    {
        return Ok(Heading { names: Some(comment.clone()), ..row() });
    }
    let below = second.map(cells).unwrap_or_default();
    if !kinds.contains(&Kind::Word) {
        let note = format!(
            "the first row, {}, is taken for names; data.header = {:?} takes it for data",
            names.iter().filter(|name| !name.is_empty()).take(3).cloned().collect::<Vec<_>>().join(", "),
            Header::None.name()
        );
        return Ok(if counts(&names) && has_decimals(&below, dialect) { header(Some(note)) } else { row() });
    }
    let same = |(one, other): (&Kind, &String)| {
        let other = kind(other, dialect);
        *one == other || *one == Kind::Missing || other == Kind::Missing
    };
    if below.len() == kinds.len() && kinds.iter().zip(&below).all(same) {
        return Ok(row());
    }
    let word = kinds.iter().position(|kind| *kind == Kind::Word).unwrap_or(0);
    Err(Error::input("a first row of words and numbers")
        .found(short(&names[word]))
        .expected("only names, or cells like those of the second row")
        .remedy("name every column, correct the cell, or set data.header = \"first-row\" or \"none\""))
}

fn kind(cell: &str, dialect: &Dialect) -> Kind {
    if is_missing(cell) {
        Kind::Missing
    } else if dialect.decimal.number(cell).is_some() {
        Kind::Number
    } else {
        Kind::Word
    }
}

/// Whether cells are 0, 1, 2 and so on, after an empty one where there is one.
fn counts(cells: &[String]) -> bool {
    let numbers = &cells[usize::from(cells.first().is_some_and(String::is_empty))..];
    numbers.len() > 1 && numbers.iter().enumerate().all(|(i, cell)| *cell == i.to_string())
}

fn has_decimals(cells: &[String], dialect: &Dialect) -> bool {
    cells.iter().any(|cell| dialect.decimal.number(cell).is_some_and(|number| number.fract() != 0.0))
}
