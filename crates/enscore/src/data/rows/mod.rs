//! Which rows of a data set are for what, and the order in which training sees them.

mod order;
mod shuffle;
mod subset;

pub use order::{BatchOrder, permutation};
pub use subset::{Parts, Subset, hold_out, split, split_validation};
