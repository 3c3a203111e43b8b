//! The columns of an earlier table in another: by name in any order, or by place where there are no names.

use super::raw::Table;
use super::record::{TableRecord, UsedColumn};
use crate::data::formats::failure::short;
use crate::error::{Error, Result};

impl Table {
    /// Where a column that an earlier table used stands in this one.
    pub(super) fn places_of(&self, known: &TableRecord, column: &UsedColumn) -> Vec<usize> {
        let by_place = |at: usize| Vec::from_iter((at < self.width()).then_some(at));
        if self.named && known.named {
            return self.positions(&column.name);
        }
        // Without names, all columns or those in use stand in the order that they had.
        let used = known.used.iter().position(|other| other.position == column.position);
        if self.width() == known.width { by_place(column.position) } else { used.map_or(vec![], by_place) }
    }

    /// The columns of an earlier table in this one. Those that give no value of `needed` may be missing; then
    /// a row has the needed values alone.
    pub(super) fn same_columns(&self, known: &TableRecord, needed: Option<&[usize]>) -> Result<TableRecord> {
        let found = self.columns_of(known);
        match needed.and_then(|needed| known.reduced_to(needed)) {
            Some(reduced) if found.is_err() => {
                let used = self.columns_of(&reduced).or(found)?;
                Ok(TableRecord { used, ..known.clone() })
            }
            _ => Ok(TableRecord { used: found?, ..known.clone() }),
        }
    }

    /// The columns in use of an earlier table, each at its place in this one.
    fn columns_of(&self, known: &TableRecord) -> Result<Vec<UsedColumn>> {
        let used_width = known.used.len();
        let by_name = self.named && known.named;
        if !by_name && ![known.width, used_width].contains(&self.width()) {
            return Err(Error::input("a table of another width than the run was trained on")
                .at(&self.place)
                .found(format!("{} columns", self.width()))
                .expected(format!("{} as in training, or the {used_width} in use", known.width)));
        }
        let mut used = Vec::with_capacity(used_width);
        for column in &known.used {
            let places = self.places_of(known, column);
            if places.is_empty() {
                used.extend(self.expanded(column)?);
                continue;
            }
            // Columns of one name are told apart by their order.
            let earlier = known.used.iter().take_while(|other| other.position != column.position);
            let nth = if by_name { earlier.filter(|other| other.name == column.name).count() } else { 0 };
            let Some(at) = places.get(nth) else {
                return Err(Error::input("fewer columns of one name than the run was trained on")
                    .at(&self.place)
                    .found(places.len())
                    .expected(format!("at least {} columns {}", nth + 1, short(&column.name))));
            };
            used.push(UsedColumn { position: *at, ..column.clone() });
        }
        Ok(used)
    }

    /// The columns `name=category` of a column of categories, as samples are written.
    fn expanded(&self, column: &UsedColumn) -> Result<Vec<UsedColumn>> {
        let missing = |name: &str| {
            Error::input("a column that the run was trained on is missing")
                .at(&self.place)
                .found(self.listed())
                .expected(format!("a column {}", short(name)))
                .remedy("add the column")
        };
        let one = |name: String| match self.positions(&name)[..] {
            [at, ..] => Ok(UsedColumn { name, position: at, ..UsedColumn::default() }),
            [] => Err(missing(&column.name)),
        };
        if column.categories.is_empty() {
            return Err(missing(&column.name));
        }
        column.value_names().into_iter().map(one).collect()
    }
}
