//! Settings as typed: each value with the place it came from, a line of a file or a `--set` argument.

use toml::de::{DeTable, DeValue};

use super::value::Value;
use super::words::{COMPARE, TABLES, nearest};
use crate::{Error, Result};

/// One value as typed.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub table: String,
    pub key: String,
    pub value: Value,
    /// Where it was typed, for errors.
    pub place: String,
    /// The text of a `--set` argument after `=`: what a setting that is a string takes, quotes or not.
    pub bare: Option<String>,
}

/// Everything typed, in order; a key stands here once.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub entries: Vec<Entry>,
    /// What the file is called in errors.
    pub name: String,
    /// The known key that a word outside the tables probably means.
    pub suggest: fn(&str) -> Option<String>,
    /// What a run's own settings list, where they are read or gone on with.
    pub run: Option<Recorded>,
}

/// The keys that a run's settings list: every one that there was when they were written.
#[derive(Clone, Debug)]
pub(crate) struct Recorded(Vec<(String, String)>);

impl Recorded {
    pub fn has(&self, table: &str, key: &str) -> bool {
        self.0.iter().any(|(t, k)| t == table && k == key)
    }
}

impl Raw {
    /// Reads TOML whose top level holds only the known tables.
    pub fn parse(text: &str, name: &str, suggest: fn(&str) -> Option<String>) -> Result<Raw> {
        let document = DeTable::parse(text).map_err(|error| {
            let place = match error.span() {
                Some(span) => format!("{name}, line {}", line(text, span.start)),
                None => name.to_string(),
            };
            Error::input("not valid TOML").at(place).found(error.message())
        })?;
        let mut raw = Raw { entries: Vec::new(), name: name.to_string(), suggest, run: None };
        for (table, content) in document.get_ref() {
            let place = format!("{name}, line {}", line(text, table.span().start));
            let table = table.get_ref().as_ref();
            let DeValue::Table(keys) = content.get_ref() else {
                return Err(outside_tables(table, place, suggest));
            };
            if table == COMPARE {
                continue;
            }
            if !TABLES.contains(&table) {
                return Err(unknown_table(table, place));
            }
            for (key, value) in keys {
                raw.entries.push(Entry {
                    table: table.to_string(),
                    key: key.get_ref().to_string(),
                    value: value_of(value.get_ref()),
                    place: format!("{name}, line {}", line(text, key.span().start)),
                    bare: None,
                });
            }
        }
        Ok(raw)
    }

    /// Applies one `--set` argument, `table.key=value`. The value is TOML; what isn't TOML is a string.
    ///
    /// Setting `data.name` takes the place of a file's `data.path`, and the reverse: data is named once.
    pub fn set(&mut self, argument: &str) -> Result<()> {
        let place = format!("override {argument}");
        let wrong = || Error::input("wrong override").at(&place).expected("table.key=value");
        let (path, text) = argument.split_once('=').ok_or_else(wrong)?;
        let Some((table, key)) = path.trim().split_once('.') else {
            return Err(match (self.suggest)(path.trim()) {
                Some(key) => wrong().remedy(format!("did you mean {key}?")),
                None => wrong(),
            });
        };
        if !TABLES.contains(&table) {
            return Err(unknown_table(table, place));
        }
        let replaced = |entry: &Entry| {
            let same = entry.table == table && entry.key == key;
            let source = |key: &str| key == "name" || key == "path";
            let other_source = table == "data" && source(key) && source(&entry.key) && entry.bare.is_none();
            same || (entry.table == table && other_source)
        };
        self.entries.retain(|entry| !replaced(entry));
        let table = table.to_string();
        let key = key.to_string();
        let value = argument_value(text, &place)?;
        self.entries.push(Entry { table, key, value, place, bare: Some(text.trim().to_string()) });
        Ok(())
    }

    /// The keys that stand here.
    pub fn recorded(&self) -> Recorded {
        Recorded(self.entries.iter().map(|entry| (entry.table.clone(), entry.key.clone())).collect())
    }

    /// What was typed for a key.
    pub fn get(&self, table: &str, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.table == table && entry.key == key)
    }
}

/// The line, from 1, of a byte of `text`.
fn line(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|byte| *byte == b'\n').count()
}

fn unknown_table(table: &str, place: String) -> Error {
    let error = Error::input(format!("unknown table [{table}]")).at(place);
    match nearest(table, TABLES.iter().copied()) {
        Some(table) => error.remedy(format!("did you mean [{table}]?")),
        None => error.expected(TABLES.map(|table| format!("[{table}]")).join(" ")),
    }
}

fn outside_tables(key: &str, place: String, suggest: fn(&str) -> Option<String>) -> Error {
    if TABLES.contains(&key) {
        return Error::input(format!("{key} must be a table")).at(place).expected(format!("[{key}]"));
    }
    let error = Error::input(format!("key {key} is outside any table")).at(place);
    match suggest(key) {
        Some(key) => error.remedy(format!("did you mean {key}?")),
        None => error.expected(TABLES.map(|table| format!("[{table}]")).join(" ")),
    }
}

fn value_of(value: &DeValue) -> Value {
    match value {
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(value) => match i64::from_str_radix(value.as_str(), value.radix()) {
            Ok(value) => Value::Integer(value),
            Err(_) => Value::Other("an integer beyond 64 bits"),
        },
        DeValue::Float(value) => match value.as_str().parse() {
            Ok(value) => Value::Float(value),
            Err(_) => Value::Other("an unreadable number"),
        },
        DeValue::String(value) => Value::Text(value.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| value_of(item.get_ref())).collect()),
        DeValue::Table(_) => Value::Other("a table"),
        DeValue::Datetime(_) => Value::Other("a date or time"),
    }
}

/// A `--set` value: TOML, or else a bare word. What begins as a list, table or quoted string must be one.
fn argument_value(text: &str, place: &str) -> Result<Value> {
    let text = text.trim();
    let document = format!("value = {text}");
    match DeTable::parse(&document) {
        Ok(parsed) if parsed.get_ref().len() == 1 => Ok(parsed
            .get_ref()
            .iter()
            .next()
            .map_or(Value::Text(String::new()), |(_, v)| value_of(v.get_ref()))),
        Err(error) if text.starts_with(['[', '{', '"', '\'']) => {
            Err(Error::input("not a TOML value").at(place).found(error.message()))
        }
        _ => Ok(Value::Text(text.to_string())),
    }
}
