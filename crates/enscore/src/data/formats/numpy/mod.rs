//! Readers of NumPy's formats.

mod array;
pub(in crate::data) mod npy;
pub(in crate::data) mod npz;

pub use array::{Array, read_array};
