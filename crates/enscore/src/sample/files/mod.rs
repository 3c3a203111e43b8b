//! Models given as small TOML files: read, sampled, and seen as machines of two sides.

mod file_draws;
mod ising_sides;
mod model_file;
mod row_map;

pub use file_draws::{FileDrawing, draw_from_file};
pub use ising_sides::ising_sides;
pub use model_file::{ModelFile, RbmFile};
pub use row_map::RowMap;
