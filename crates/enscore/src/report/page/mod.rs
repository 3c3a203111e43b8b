//! The self-contained HTML page: what it holds, how it is written, and that of a run.

mod comparison;
mod contents;
mod html;
mod run_report;

pub use comparison::{Best, Cell, Column, Comparison};
pub use contents::{Content, Fact, Figure, Metric, Report, SigmaLoss, Timing};
pub use html::render;
pub use run_report::{WrittenReport, image_shape, picture, write_report, write_sheet};
