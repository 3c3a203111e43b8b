//! Pictures, charts, tables and the report of a run, from numbers to bytes.

pub mod axis;
pub mod chart;
pub mod citations;
mod colour_ramp;
pub mod comparison;
pub mod contents;
pub mod density_map;
pub mod filters;
mod frame;
mod glyphs;
pub mod html;
pub mod image;
mod markup;
pub mod png;
pub mod run_report;
pub mod scatter;
pub mod sheet;
mod strokes;
pub mod table;

pub use axis::Scale;
pub use chart::{Chart, Mark, Series};
pub use comparison::Comparison;
pub use contents::{Content, Fact, Figure, Metric, Report, SigmaLoss, Timing};
pub use density_map::Panel;
pub use html::render;
pub use image::Image;
pub use scatter::Scatter;
