//! Where programs run, and how the library calls them: by the names of what goes in and what comes out.
//!
//! [`default_executor`] runs on this machine's processor. Whatever meets the contract of
//! [`crate::program::executor`] can take its place. [`Routine`] is a compiled program, [`Weights`] are the
//! parameters' values where it runs, and [`Over`] takes rows through it, batch by batch.

mod executors;
mod over;
mod processor;
mod routine;
mod rows;
pub mod spins;
mod weights;
mod whole;

pub use executors::Executors;
pub use over::{BatchMean, Over};
pub use processor::{Processor, default_executor};
pub use routine::{Call, Routine};
pub use rows::{RowSlice, RowSource};
pub use weights::{Weights, WeightsView};
pub use whole::{row_count, whole_rows};
