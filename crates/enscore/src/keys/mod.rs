//! Keys of settings, whatever they mean: what was typed and where, the values of each type, the declaration
//! of keys and of kinds, and what was read. Knows no method.

mod kinds;
mod raw;
mod reader;
mod value;
mod words;

pub use reader::KeyReference;
pub use words::nearest;

pub(crate) use kinds::{Fit, Kind, KindTable, Listed, kinds};
pub(crate) use raw::{Entry, Raw};
pub(crate) use reader::{Keys, Reader, keys};
pub(crate) use value::{
    LARGEST_STEP, ListOf, Setting, Taken, Value, above, at_least, choice, from_to_below, within,
};
pub(crate) use words::{COMPARE, TABLES};
