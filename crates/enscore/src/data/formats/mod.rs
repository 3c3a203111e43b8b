//! Readers of files, each of which takes its bytes for hostile: IDX, npy, npz, tables in text, Parquet,
//! MATLAB, safetensors, CIFAR's records, PNG and JPEG.

pub(super) mod cifar;
pub(super) mod csv;
mod element;
pub(super) mod failure;
pub(super) mod foreign;
mod guarded;
mod gzip;
pub(super) mod idx;
pub(super) mod image;
pub(super) mod input;
pub(super) mod matlab;
pub(super) mod numpy;
pub(super) mod parquet;
pub(super) mod safetensors;
mod tensor;

/// The formats that are read, for errors.
pub(super) const READABLE: &str =
    "CSV, Parquet, npy, npz, IDX, MATLAB 5 to 7, safetensors, CIFAR, PNG or JPEG";

pub use image::read_image;
pub use numpy::{Array, read_array};

/// Files that tests read, by their header and values.
#[cfg(test)]
pub(crate) use {image::tests::file as png_file, numpy::npy::tests::file as npy_file};

#[cfg(test)]
mod hostile;
