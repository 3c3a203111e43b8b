//! From a table to rows of numbers: which columns are used, what words and missing values become.

use std::collections::HashSet;

use super::raw::{Column, Table};
use super::record::{TableRecord, UsedColumn};
use crate::data::formats::failure::{no_memory, short};
use crate::data::reading::{Header, Missing, Reading};
use crate::data::{Dataset, Values};
use crate::error::{Error, Result};

impl Table {
    /// Finds the columns that are read as words: labels and categories. To be called when the columns are
    /// known and no row is.
    pub(in crate::data) fn expect(&mut self, reading: &Reading) -> Result<()> {
        let mut words = Vec::new();
        if let Some(known) = &reading.known {
            let categorical = known.used.iter().filter(|column| !column.categories.is_empty());
            words.extend(categorical.flat_map(|column| self.places_of(known, column)));
            words.extend(known.label.iter().flat_map(|label| self.positions(label)));
        } else {
            for name in &reading.one_hot {
                words.extend(self.find(name, "data.one_hot")?);
            }
            if let Some(label) = &reading.label {
                words.extend(self.find(label, "data.label")?);
            }
        }
        self.read_as_words(&words);
        Ok(())
    }

    /// The rows of numbers that the reading asks for.
    pub(in crate::data) fn dataset(mut self, name: &str, reading: &Reading) -> Result<Dataset> {
        if self.values.is_empty() {
            return Err(self.without_data());
        }
        let mut record = match &reading.known {
            Some(known) => self.same_columns(known, reading.needed.as_deref())?,
            None => self.chosen(reading)?,
        };
        let label = match &reading.known {
            Some(known) => known.label.as_ref().and_then(|label| self.positions(label).first().copied()),
            None => reading.label.as_ref().and_then(|label| self.positions(label).first().copied()),
        };
        if record.used.is_empty() {
            return Err(Error::input("no column is left to learn from").at(&self.place).found(self.listed()));
        }
        self.refuse_words(&record)?;
        let dropped = self.settle_missing(&mut record, reading)?;
        let label = label.map(|at| self.take_label(at, &mut record, reading.known.is_none()));
        let Table { place, notes, columns, .. } = &mut self;
        let place = place.clone();
        let mut notes = std::mem::take(notes);
        if dropped > 0 {
            let (rows, are) = if dropped == 1 { ("row", "is") } else { ("rows", "are") };
            notes.push(format!("{dropped} {rows} with missing values {are} left out"));
        }
        let columns = std::mem::take(columns);
        let values = used_values(self.values, &columns, &record, &place)?;
        let mut data = Dataset::new(name, &place, &[record.row_len()], Values::F64(values))?;
        if record.named {
            data = data.with_columns(record.value_names())?;
        }
        if let Some(codes) = label {
            data = data.with_classes(codes, record.classes.clone())?;
        }
        data = data.of_table(record);
        Ok(notes.into_iter().fold(data, |data, note| data.noted(note)))
    }

    /// The columns that the settings leave.
    fn chosen(&mut self, reading: &Reading) -> Result<TableRecord> {
        let mut unused = vec![false; self.width()];
        for name in &reading.leave_out {
            self.find(name, "data.leave_out")?.into_iter().for_each(|at| unused[at] = true);
        }
        if let Some(label) = &reading.label {
            let found = self.find(label, "data.label")?;
            if let [_, second, ..] = found[..] {
                return Err(Error::input("several columns of this name")
                    .at(format!("data.label, {}", self.place))
                    .found(short(label))
                    .expected(format!("one column; by number, as in \"column {}\"", second + 1)));
            }
            found.into_iter().for_each(|at| unused[at] = true);
        }
        if reading.header == Header::Auto {
            self.leave_out_padding(&mut unused);
        }
        let used = (0..self.width()).filter(|at| !unused[*at]).map(|at| {
            let column = &self.columns[at];
            let categories = column.words.as_ref().map_or(Vec::new(), |words| sorted(&words.texts));
            UsedColumn { name: column.name.clone(), position: at, categories, fill: None }
        });
        Ok(TableRecord {
            width: self.width(),
            named: self.named,
            used: used.collect(),
            ..TableRecord::default()
        })
    }

    /// Columns without a name that are no data: one that numbers the rows, as pandas writes it, and one that
    /// a separator at the end of every row makes.
    fn leave_out_padding(&mut self, unused: &mut [bool]) {
        let rows = self.rows();
        let width = self.width();
        let last = width - 1;
        if width > 1 && !self.columns[last].named && self.columns[last].missing.count == rows as u64 {
            unused[last] = true;
        }
        let first = &self.columns[0];
        let nameless = self.named && (!first.named || first.name.starts_with("Unnamed: 0"));
        if unused[0] || width == 1 || rows < 2 || first.words.is_some() {
            return;
        }
        let counts = |from: f64| (0..rows).all(|row| self.values[row * width] == from + row as f64);
        if nameless && self.first_numbers_rows() {
            unused[0] = true;
            self.notes.push(format!(
                "the first column has no name and numbers the rows; left out (data.header = {:?} keeps it)",
                Header::FirstRow.name()
            ));
        } else if self.named && (counts(0.0) || counts(1.0)) {
            let name = &self.columns[0].name;
            self.notes.push(format!(
                "the first column, {}, counts the rows; if it is an index, set data.leave_out = [{name:?}]",
                short(name)
            ));
        }
    }

    /// Whether the first column holds whole numbers from 0, each once: the index of a table, or of a part of
    /// one, in any order.
    fn first_numbers_rows(&self) -> bool {
        let first = || self.values.iter().step_by(self.width());
        let whole = first().all(|value| *value >= 0.0 && value.fract() == 0.0);
        let different: HashSet<u64> = first().map(|value| value.to_bits()).collect();
        whole && different.len() == self.rows()
    }

    /// Refuses words in columns that are used as numbers.
    fn refuse_words(&self, record: &TableRecord) -> Result<()> {
        let rows = self.rows() as u64;
        for used in &record.used {
            let column = &self.columns[used.position];
            if column.odd.count == 0 {
                continue;
            }
            let place = format!(
                "{}, {} {}, column {} ({})",
                self.place,
                self.unit,
                column.odd.first,
                used.position + 1,
                short(&column.name)
            );
            let is_number = column.first_odd.trim().parse::<f64>().is_ok();
            let mostly_words = !is_number && column.odd.count * 2 > rows - column.missing.count;
            let has_units = mostly_words && is_with_units(&column.first_odd);
            let what = if has_units {
                "a column of numbers with commas, blanks or units"
            } else if mostly_words {
                "a column of words"
            } else if is_number {
                "a cell that is not a finite number in single precision"
            } else {
                "a cell that is not a number"
            };
            let error = Error::input(what).at(place).found(format!(
                "{}{}",
                short(&column.first_odd),
                more(column.odd.count)
            ));
            let name = &column.name;
            return Err(if has_units {
                error
                    .expected("plain numbers with a decimal point")
                    .remedy("write them without units and without separators of thousands")
            } else if mostly_words {
                error.expected("numbers").remedy(format!(
                    "set data.leave_out = [{name:?}], data.label = {name:?} or data.one_hot = [{name:?}]"
                ))
            } else {
                error
                    .expected("a finite number with a decimal point")
                    .remedy("correct the cell, or remove the row or column")
            });
        }
        Ok(())
    }

    /// Leaves rows out, or sets what fills missing values; how many rows were left out.
    fn settle_missing(&mut self, record: &mut TableRecord, reading: &Reading) -> Result<usize> {
        let with_missing: Vec<usize> = record
            .used
            .iter()
            .map(|used| used.position)
            .filter(|at| self.columns[*at].missing.count > 0)
            .collect();
        if with_missing.is_empty() {
            return Ok(0);
        }
        match reading.missing {
            Missing::Refuse => Err(self.missing_values(&with_missing)),
            Missing::Drop => {
                let width = self.width();
                let whole = |row: &[f64]| with_missing.iter().all(|at| !row[*at].is_nan());
                let before = self.rows();
                let mut kept = 0;
                for row in 0..before {
                    let range = row * width..(row + 1) * width;
                    if whole(&self.values[range.clone()]) {
                        self.values.copy_within(range, kept * width);
                        kept += 1;
                    }
                }
                self.values.truncate(kept * width);
                if kept == 0 {
                    return Err(self
                        .missing_values(&with_missing)
                        .expected("at least one row without missing values"));
                }
                Ok(before - kept)
            }
            Missing::Mean => {
                for used in record.used.iter_mut().filter(|used| used.categories.is_empty()) {
                    if used.fill.is_none() {
                        used.fill = self.mean(used.position);
                    }
                }
                let unfilled = record
                    .used
                    .iter()
                    .find(|used| used.fill.is_none() && self.columns[used.position].missing.count > 0);
                match unfilled {
                    None => Ok(0),
                    Some(used) => Err(self
                        .missing_values(&[used.position])
                        .expected("numbers, whose mean can fill gaps")
                        .remedy("set data.missing = \"drop\", or fill in the cells")),
                }
            }
        }
    }

    /// The mean of a column's numbers; none where it has none.
    fn mean(&self, column: usize) -> Option<f64> {
        let numbers =
            || self.values.iter().skip(column).step_by(self.width()).filter(|value| !value.is_nan());
        let count = numbers().count();
        (count > 0).then(|| numbers().sum::<f64>() / count as f64)
    }

    fn missing_values(&self, columns: &[usize]) -> Error {
        let of =
            |at: &usize| format!("{} in {}", self.columns[*at].missing.count, short(&self.columns[*at].name));
        let total: u64 = columns.iter().map(|at| self.columns[*at].missing.count).sum();
        let first = columns.iter().min_by_key(|at| self.columns[**at].missing.first).copied().unwrap_or(0);
        let Column { name, missing, .. } = &self.columns[first];
        let mut counts: Vec<String> = columns.iter().take(5).map(of).collect();
        if columns.len() > 5 {
            counts.push(format!("more in {} other columns", columns.len() - 5));
        }
        Error::input("missing values")
            .at(format!(
                "{}, {} {}, column {} ({})",
                self.place,
                self.unit,
                missing.first,
                first + 1,
                short(name)
            ))
            .found(format!("{total}: {}", counts.join(", ")))
            .expected("a number in every cell")
            .remedy("fill the cells in, or set data.missing = \"drop\" or \"mean\"")
    }

    /// The class of each row: by its known number, or by the order of its name.
    fn take_label(&self, at: usize, record: &mut TableRecord, first: bool) -> Vec<u32> {
        let column = &self.columns[at];
        let texts = column.words.as_ref().map_or(&[][..], |words| &words.texts);
        if first {
            record.label = Some(column.name.clone());
            record.classes = sorted(texts);
        }
        let unnamed = self.values.iter().skip(at).step_by(self.width()).any(|value| value.is_nan());
        for text in texts.iter().map(String::as_str).chain(unnamed.then_some("")) {
            if !record.classes.iter().any(|class| class == text) {
                record.classes.push(text.to_string());
            }
        }
        let number = |text: &str| record.classes.iter().position(|class| class == text).unwrap_or(0) as u32;
        let numbers: Vec<u32> = texts.iter().map(|text| number(text)).collect();
        let nameless = number("");
        let values = self.values.iter().skip(at).step_by(self.width());
        values.map(|value| if value.is_nan() { nameless } else { numbers[*value as usize] }).collect()
    }
}

/// Whether a text is a number but for commas, blanks, currencies and per cent.
fn is_with_units(text: &str) -> bool {
    let beside = |c: char| c.is_whitespace() || [',', '$', '€', '£', '%', '\''].contains(&c);
    let plain: String = text.chars().filter(|c| !beside(*c)).collect();
    plain.len() < text.len() && plain.parse::<f64>().is_ok_and(f64::is_finite)
}

fn more(count: u64) -> String {
    match count {
        0 | 1 => String::new(),
        _ => format!(", the first of {count}"),
    }
}

/// Texts in order: as numbers where all are numbers.
fn sorted(texts: &[String]) -> Vec<String> {
    let mut sorted = texts.to_vec();
    let numbers: Option<Vec<f64>> = texts.iter().map(|text| text.parse().ok()).collect();
    if numbers.is_some_and(|numbers| numbers.iter().all(|number: &f64| number.is_finite())) {
        let value = |text: &String| text.parse::<f64>().unwrap_or(0.0);
        sorted.sort_by(|a, b| value(a).total_cmp(&value(b)));
    } else {
        sorted.sort();
    }
    sorted
}

/// The values of the columns in use, in their order, row by row.
fn used_values(
    mut values: Vec<f64>,
    columns: &[Column],
    record: &TableRecord,
    place: &str,
) -> Result<Vec<f64>> {
    let width = columns.len();
    let in_order = record.used.iter().enumerate().all(|(i, used)| used.position == i);
    let as_it_is =
        in_order && record.row_len() == width && record.used.iter().all(|used| used.categories.is_empty());
    if as_it_is && record.used.iter().all(|used| used.fill.is_none()) {
        return Ok(values);
    }
    let rows = values.len() / width;
    let needed = rows * record.row_len();
    let maps: Vec<Vec<usize>> =
        record.used.iter().map(|used| category_numbers(&columns[used.position], used)).collect();
    if record.row_len() > width {
        let mut out = Vec::new();
        out.try_reserve_exact(needed).map_err(|_| no_memory(place, needed as u64 * 8))?;
        for row in values.chunks_exact(width) {
            for (used, map) in record.used.iter().zip(&maps) {
                push_used(&mut out, row[used.position], used, map, columns, place)?;
            }
        }
        return Ok(out);
    }
    // No more values than there were: written over the front of the same memory.
    let mut row = vec![0.0; width];
    let mut out = Vec::with_capacity(record.row_len());
    for at in 0..rows {
        row.copy_from_slice(&values[at * width..(at + 1) * width]);
        out.clear();
        for (used, map) in record.used.iter().zip(&maps) {
            push_used(&mut out, row[used.position], used, map, columns, place)?;
        }
        values[at * out.len()..(at + 1) * out.len()].copy_from_slice(&out);
    }
    values.truncate(needed);
    Ok(values)
}

/// For each text of a column, which of the categories in use it is.
fn category_numbers(column: &Column, used: &UsedColumn) -> Vec<usize> {
    let texts = column.words.as_ref().map_or(&[][..], |words| &words.texts);
    let number = |text: &String| used.categories.iter().position(|category| category == text);
    texts.iter().map(|text| number(text).unwrap_or(usize::MAX)).collect()
}

fn push_used(
    out: &mut Vec<f64>,
    value: f64,
    used: &UsedColumn,
    map: &[usize],
    columns: &[Column],
    place: &str,
) -> Result<()> {
    if used.categories.is_empty() {
        out.push(if value.is_nan() { used.fill.unwrap_or(value) } else { value });
        return Ok(());
    }
    let category = map.get(value as usize).copied().unwrap_or(usize::MAX);
    if category == usize::MAX {
        let words = columns[used.position].words.as_ref();
        let text = words.and_then(|words| words.texts.get(value as usize)).map_or("", |text| text);
        return Err(Error::input("a category that the run was not trained on")
            .at(format!("{place}, column {}", short(&used.name)))
            .found(short(text))
            .expected(used.categories.join(", ")));
    }
    out.extend((0..used.categories.len()).map(|at| f64::from(u8::from(at == category))));
    Ok(())
}
