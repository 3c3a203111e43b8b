//! Pictures of pixels: images, what is drawn into them, sheets of them, PNG.

mod beside;
mod colour_ramp;
mod density_map;
mod filters;
pub(super) mod glyphs;
mod image;
pub mod png;
pub mod sheet;
mod strokes;

pub use beside::{TitledSheet, sheets_beside};
pub use density_map::{Panel, centres, density_sheet};
pub use filters::filters;
pub use image::{Image, MAX_BYTES};
