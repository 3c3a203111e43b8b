//! Reads data sets, keeps their values as they were, and fixes the order in which training sees them.
//!
//! A [`Dataset`] holds rows of one shape with the [`Scale`] that maps raw values to [0, 1]; [`load`] reads
//! one from a name, a file or a folder. A [`Subset`] picks rows, [`split_validation`] holds some out, and a
//! [`BatchOrder`] says which rows batch k takes. Files are treated as hostile: sizes that a header claims are
//! checked against what the file can hold before anything is allocated, and formats that would run code
//! (pickles) are never opened.

mod array;
mod binary_image;
mod csv_table;
mod dataset;
mod digits;
mod element;
mod fetch;
mod folder;
mod idx;
mod image;
mod input;
mod known;
mod load;
mod npy;
mod npz;
mod order;
mod prepare;
mod scale;
mod shuffle;
mod split;
mod statistics;
mod subset;
mod tensor;
mod toy;
mod whiten;

pub use array::{Array, read_array};
pub use binary_image::{BinaryImage, read_binary_image};
pub use dataset::{Dataset, Values};
pub use digits::digits;
pub use fetch::{Fetched, FetchedFile, fetch};
pub use image::read_image;
pub use known::{Availability, Known, KnownFile, known};
pub use load::{load, load_as, load_test};
pub use order::{BatchOrder, permutation};
pub use prepare::{Prepared, prepare, prepare_other};
pub use scale::Scale;
pub use split::Split;
pub use statistics::{Statistics, statistics};
pub use subset::{Parts, Subset, hold_out, split, split_validation};
pub use toy::{ToyDensity, toy, toy_names};
pub use whiten::{Whitening, WhiteningSettings};

#[cfg(test)]
mod hostile;
