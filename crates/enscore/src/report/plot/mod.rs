//! How everything is drawn: one style, one font, one way from a drawing to a file.

mod axis;
mod backend;
mod elements;
mod font;
mod picture;
mod ramp;
mod style;

pub use axis::Scale;
pub(super) use axis::{Axis, Ruled};
pub(super) use backend::{Area, Svg, units};
pub(super) use elements::{Arrow, Dashed, Heat};
pub(super) use font::{fitted, width};
pub(super) use picture::{Drawn, draw};
pub use picture::{Picture, PictureFormat};
pub(super) use ramp::Ramp;
pub(super) use style::{BODY, COLOURS, FAINT, FRAME, GRID, INK, SMALL, TITLE, line, text, text_at, title};
