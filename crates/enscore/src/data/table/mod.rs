//! Tables as readers find them, with words, missing values and columns that are no data, and what becomes
//! of them: rows of numbers.

mod choose;
mod describe;
mod known;
mod raw;
mod record;
mod rows;

pub use describe::{ColumnSummary, TableSummary};
pub use record::{TableRecord, UsedColumn};

pub(in crate::data) use describe::summarise;
pub(in crate::data) use raw::{Cell, Table};
