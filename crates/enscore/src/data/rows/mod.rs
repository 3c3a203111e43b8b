//! Which rows of a data set are for what, and the order in which training sees them.

mod noise;
mod order;
mod shuffle;
mod subset;
mod values;

pub(crate) use noise::uniform_row;
pub use order::{BatchOrder, permutation};
pub use subset::{Parts, Subset, split};
pub use values::{rows_of, wide_rows_of};
