//! What a run keeps of its table, to read others like it.

use serde::{Deserialize, Serialize};

/// The columns of a table and which of them became the values of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRecord {
    /// How many columns the table has.
    pub width: usize,
    /// Whether the file names its columns.
    pub named: bool,
    /// The columns in use, in the order of the values.
    pub used: Vec<UsedColumn>,
    /// The name of the column of labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The classes, by their number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

/// A column that is used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsedColumn {
    /// Its name; `column N` where it has none.
    pub name: String,
    /// Its place in the table, from 0.
    pub position: usize,
    /// Its categories, each a value of 0 or 1; empty where it holds numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// What missing values become; none where they are refused or their rows left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<f64>,
}

impl UsedColumn {
    /// How many values of a row it gives.
    pub fn width(&self) -> usize {
        self.categories.len().max(1)
    }

    /// The names of its values: its own, `name=category` of categories.
    pub fn value_names(&self) -> Vec<String> {
        match &self.categories[..] {
            [] => vec![self.name.clone()],
            categories => categories.iter().map(|category| format!("{}={category}", self.name)).collect(),
        }
    }
}

impl TableRecord {
    /// The names of the values of a row: those of the columns, `name=category` of categories.
    pub fn value_names(&self) -> Vec<String> {
        self.used.iter().flat_map(UsedColumn::value_names).collect()
    }

    /// The record of the columns that give the `needed` values; none where a column gives some of them and
    /// others.
    pub(super) fn reduced_to(&self, needed: &[usize]) -> Option<TableRecord> {
        let mut used = Vec::new();
        let mut at = 0;
        for column in &self.used {
            let values = at..at + column.width();
            at = values.end;
            match values.filter(|value| needed.contains(value)).count() {
                0 => {}
                all if all == column.width() => used.push(column.clone()),
                _ => return None,
            }
        }
        Some(TableRecord { used, ..self.clone() })
    }

    /// The names of the values of a row, all or those `kept`; none where the file has no names.
    pub fn names_of(&self, kept: Option<&[usize]>) -> Option<Vec<String>> {
        let names = self.named.then(|| self.value_names())?;
        let Some(kept) = kept else { return Some(names) };
        kept.iter().map(|column| names.get(*column).cloned()).collect()
    }

    /// Values of a row.
    pub fn row_len(&self) -> usize {
        self.used.iter().map(UsedColumn::width).sum()
    }
}
