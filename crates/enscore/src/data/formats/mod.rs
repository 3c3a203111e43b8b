//! Readers of files, each of which takes its bytes for hostile: IDX, npy, npz, CSV, PNG.

mod array;
pub(super) mod csv_table;
mod element;
pub(super) mod idx;
pub(super) mod image;
pub(super) mod input;
pub(super) mod npy;
pub(super) mod npz;
mod tensor;

pub use array::{Array, read_array};
pub use image::read_image;

/// Files that tests read, by their header and values.
#[cfg(test)]
pub(crate) use {image::tests::file as png_file, npy::tests::file as npy_file};

#[cfg(test)]
mod hostile;
