//! Reads data sets, keeps their values as they were, and fixes the order in which training sees them.
//!
//! A [`Dataset`] holds rows of one shape with the [`Scale`] that maps raw values to [0, 1]; [`load`] reads
//! one from a name, a file or a folder. A [`Subset`] picks rows, [`split`] holds some out, and a
//! [`BatchOrder`] says which rows batch k takes. Files are treated as hostile: sizes that a header claims are
//! checked against what the file can hold before anything is allocated, and formats that would run code
//! (pickles) are never opened.

mod dataset;
mod digits;
mod encoding;
mod fetch;
mod folder;
mod formats;
mod known;
mod load;
mod prepare;
mod reading;
mod require;
mod rows;
mod scale;
mod settings;
mod split;
mod statistics;
mod table;
mod toy;
mod whiten;

pub use dataset::{Dataset, Labels};
pub use digits::digits;
pub use encoding::Encoding;
pub use fetch::{Fetched, FetchedFile, fetch};
pub use formats::{Array, read_array, read_image};
#[cfg(test)]
pub(crate) use formats::{npy_file, png_file};
pub use known::{Availability, Known, KnownFile, known};
pub use load::{describe_table, load, load_as, load_held_out, load_test, load_with};
pub(crate) use prepare::LikeTraining;
pub use prepare::{Prepared, prepare, prepare_other};
pub use reading::{Colour, Header, Missing, Reading};
pub(crate) use rows::uniform_row;
pub use rows::{BatchOrder, Parts, Subset, permutation, rows_of, split, wide_rows_of};
pub use scale::{Scale, Values};
pub use settings::{DataSettings, Grey, Preprocess, Source};
pub use split::Split;
pub use statistics::{Statistics, statistics};
pub use table::{ColumnSummary, TableRecord, TableSummary, UsedColumn};
pub use toy::{ToyDensity, toy, toy_names};
pub use whiten::{Whitening, WhiteningSettings};
