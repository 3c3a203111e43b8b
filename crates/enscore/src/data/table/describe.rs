//! What is in each column of a table.

use std::collections::BTreeSet;

use serde::Serialize;

use super::raw::Table;
use crate::error::Result;

/// A column in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Its name; `column N` where it has none.
    pub name: String,
    /// `number`, `integer`, `0/1`, `text` or `empty`.
    pub kind: &'static str,
    /// The least value; none of text.
    pub low: Option<f64>,
    /// The greatest value.
    pub high: Option<f64>,
    /// The mean of the values that are there.
    pub mean: Option<f64>,
    /// Their standard deviation, dividing by their number.
    pub deviation: Option<f64>,
    /// How many values are missing.
    pub missing: u64,
    /// How many different values there are.
    pub distinct: usize,
    /// The first few different texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// A table in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableSummary {
    /// How many rows it has.
    pub rows: usize,
    /// Its columns, in the file's order.
    pub columns: Vec<ColumnSummary>,
    /// What was noticed in reading it.
    pub notes: Vec<String>,
}

/// The figures of every column.
///
/// # Errors
/// A table without rows.
pub(in crate::data) fn summarise(table: &Table) -> Result<TableSummary> {
    if table.rows() == 0 {
        return Err(table.without_data());
    }
    let columns = (0..table.width()).map(|at| column(table, at)).collect();
    Ok(TableSummary { rows: table.rows(), columns, notes: table.notes.clone() })
}

fn column(table: &Table, at: usize) -> ColumnSummary {
    let column = &table.columns[at];
    let name = column.name.clone();
    let missing = column.missing.count;
    if let Some(words) = &column.words {
        let examples = words.texts.iter().take(3).cloned().collect();
        let [low, high, mean, deviation] = [None; 4];
        let distinct = words.texts.len();
        return ColumnSummary { name, kind: "text", low, high, mean, deviation, missing, distinct, examples };
    }
    let values: Vec<f64> = table
        .values
        .iter()
        .skip(at)
        .step_by(table.width())
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    let count = values.len() as f64;
    let present = |figure: f64| (count > 0.0).then_some(figure);
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let distinct = values.iter().map(|value| value.to_bits()).collect::<BTreeSet<_>>().len();
    let whole = values.iter().all(|value| value.fract() == 0.0);
    let kind = if values.is_empty() {
        "empty"
    } else if !whole {
        "number"
    } else if low >= 0.0 && high <= 1.0 {
        "0/1"
    } else {
        "integer"
    };
    ColumnSummary {
        name,
        kind,
        low: present(low),
        high: present(high),
        mean: present(mean),
        deviation: present(variance.sqrt()),
        missing,
        distinct,
        examples: Vec::new(),
    }
}
