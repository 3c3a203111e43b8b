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
}

impl TableRecord {
    /// The names of the values of a row: those of the columns, `name=category` of categories.
    pub fn value_names(&self) -> Vec<String> {
        let names = |column: &UsedColumn| match &column.categories[..] {
            [] => vec![column.name.clone()],
            categories => categories.iter().map(|category| format!("{}={category}", column.name)).collect(),
        };
        self.used.iter().flat_map(names).collect()
    }

    /// Values of a row.
    pub fn row_len(&self) -> usize {
        self.used.iter().map(UsedColumn::width).sum()
    }
}
