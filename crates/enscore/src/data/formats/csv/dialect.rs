//! How a table in text is written, told from its first lines.

use std::io::{self, BufRead, BufReader, Read};

use super::cells::{Decimal, decoded, has_groups, is_missing};

/// How cells are separated and numbers written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dialect {
    /// Between cells; a blank stands for any number of blanks and tabs.
    pub(super) separator: u8,
    pub(super) decimal: Decimal,
    /// Whether the first line is `sep=`, as spreadsheets write it.
    pub(super) says_separator: bool,
    /// The names in the last comment before the rows, where it may be a header.
    pub(super) comment: Option<Vec<String>>,
}

impl Dialect {
    /// The dialect of a table whose text starts so. The last line may be cut.
    pub(super) fn of(prefix: &[u8]) -> Dialect {
        let text = String::from_utf8_lossy(prefix);
        let text = text.trim_start_matches('\u{feff}');
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        if lines.len() > 1 && !text.ends_with('\n') {
            lines.pop();
        }
        let said = lines
            .first()
            .and_then(|line| line.trim().strip_prefix("sep="))
            .and_then(|rest| rest.bytes().next());
        let rows: Vec<&str> = lines.iter().copied().filter(|line| !line.starts_with('#')).collect();
        let rows = &rows[usize::from(said.is_some() && !rows.is_empty())..];
        let separator = said.filter(u8::is_ascii).unwrap_or_else(|| separator(rows));
        let split = |line: &str| cells_of(line, separator);
        let comments = lines.iter().take_while(|line| line.starts_with('#'));
        let comment = comments.last().map(|line| split(line.trim_start_matches(['#', ' '])));
        let decimal = if separator == b',' { Decimal::Point } else { decimal(rows, separator) };
        Dialect { separator, decimal, says_separator: said.is_some(), comment }
    }

    /// The text with one separator between two cells.
    pub(super) fn lines<'a>(&self, text: impl Read + 'a) -> Box<dyn Read + 'a> {
        if self.separator == b' ' { Box::new(SingleBlanks::new(text)) } else { Box::new(text) }
    }
}

/// The parts of a line between separators, which count only outside of quotes.
fn cells_of(line: &str, separator: u8) -> Vec<String> {
    let strip = |cell: &str| decoded(cell.as_bytes()).trim_matches('"').to_string();
    if separator == b' ' {
        return line.split_ascii_whitespace().map(strip).collect();
    }
    let mut quoted = false;
    let between = |c: char| {
        quoted ^= c == '"';
        !quoted && c == char::from(separator)
    };
    line.split(between).map(strip).collect()
}

/// The separator of these lines: of those that a line has outside of quotes a semicolon before a tab, a
/// comma and a bar; blanks, where no line has another and all rows but the first have equally many cells.
fn separator(rows: &[&str]) -> u8 {
    let Some(first) = rows.first() else { return b',' };
    let has = |line: &str, separator: u8| cells_of(line, separator).len() > 1;
    let sample = &rows[..rows.len().min(2)];
    // Columns may be aligned by blanks here and tabs there.
    let mixed = blank_separated(rows) && !sample.iter().all(|line| has(line, b'\t'));
    let separates = |s: &u8| sample.iter().any(|line| has(line, *s)) && !(*s == b'\t' && mixed);
    if let Some(found) = [b';', b'\t', b',', b'|'].into_iter().find(separates) {
        let commas_of_decimals =
            found == b',' && blank_separated(rows) && rows.iter().all(|row| !row.contains(", "));
        return if commas_of_decimals && rows.len() > 1 { b' ' } else { found };
    }
    let blanks = if rows.len() > 1 { blank_separated(&rows[1..]) } else { numbers(first) };
    if blanks { b' ' } else { b',' }
}

/// Whether blanks cut every row into as many cells, more than one, with numbers in the last row.
fn blank_separated(rows: &[&str]) -> bool {
    let width = |row: &&str| row.split_ascii_whitespace().count();
    let first = rows.first().map_or(0, width);
    first > 1 && rows.iter().all(|row| width(row) == first) && rows.last().is_some_and(|row| numbers(row))
}

/// Whether most of what stands between blanks are numbers.
fn numbers(row: &str) -> bool {
    let cells: Vec<&str> = row.split_ascii_whitespace().collect();
    let number = |cell: &&&str| Decimal::Point.number(cell).or(Decimal::Comma.number(cell)).is_some();
    cells.len() > 1 && 2 * cells.iter().filter(number).count() >= cells.len()
}

/// Commas, where a cell has decimals behind one and no cell has them behind a point.
fn decimal(rows: &[&str], separator: u8) -> Decimal {
    let cells = || rows.iter().flat_map(|row| cells_of(row, separator)).filter(|cell| !is_missing(cell));
    let with_comma = |cell: &String| cell.contains(',') && Decimal::Comma.number(cell).is_some();
    let with_point = |cell: &String| {
        cell.contains('.')
            && !has_groups(cell)
            && !cell.contains(',')
            && Decimal::Point.number(cell).is_some()
    };
    if cells().any(|cell| with_comma(&cell)) && !cells().any(|cell| with_point(&cell)) {
        return Decimal::Comma;
    }
    Decimal::Point
}

/// A text whose runs of blanks and tabs are one blank, and none at the ends of lines.
struct SingleBlanks<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    at: usize,
}

impl<R: Read> SingleBlanks<R> {
    fn new(reader: R) -> Self {
        SingleBlanks { reader: BufReader::new(reader), line: Vec::new(), at: 0 }
    }
}

impl<R: Read> Read for SingleBlanks<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.line.len() {
            let mut raw = Vec::new();
            if self.reader.read_until(b'\n', &mut raw)? == 0 {
                return Ok(0);
            }
            let words = raw.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            self.line = words.collect::<Vec<_>>().join(&b' ');
            self.line.push(b'\n');
            self.at = 0;
        }
        let rest = &self.line[self.at..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
