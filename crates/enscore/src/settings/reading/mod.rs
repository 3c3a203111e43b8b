//! From text to checked values, whatever the tables mean: what was typed and where, the values of each type,
//! the declaration of keys, and what was read.

mod raw;
mod reader;
mod value;
mod words;

pub use reader::KeyReference;

pub(super) use raw::{Entry, Raw};
pub(super) use reader::{Reader, keys};
pub(super) use value::{ListOf, Setting, Taken, Value, above, at_least, choice, from_to_below, within};
#[cfg(test)]
pub(super) use words::TABLES;
pub(super) use words::{COMPARE, nearest};
