//! Models given as small TOML files: read, sampled, and seen as machines of two sides.

mod file_draws;
mod image_tables;
mod ising_sides;
mod lattice_couplings;
mod model_file;
mod reader;
mod row_map;
mod spin_averages;

pub use file_draws::{FileDrawing, draw_from_file, draw_spins};
pub use image_tables::read_image_tables;
pub use ising_sides::ising_sides;
pub use model_file::{ModelFile, RbmFile};
pub use row_map::RowMap;
pub use spin_averages::{Average, SpinAverages};
