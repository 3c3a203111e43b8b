//! Pictures of pixels: images, sheets of them, PNG.

mod filters;
mod image;
pub mod png;
pub mod sheet;

pub use filters::filters;
pub use image::{Image, MAX_BYTES};
