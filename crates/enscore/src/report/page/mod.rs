//! The self-contained HTML page: what it holds, how it is written, and that of a run.

mod chapters;
mod collapse;
mod comparison;
mod contents;
mod curves;
mod glossary;
mod html;
mod latents;
mod mixing;
mod origin;
mod pictures;
mod run_report;
mod verdict;

pub use chapters::{Chapter, Claim, render_chapters};
pub use collapse::{COVERAGE, COVERAGE_OF_DATA, collapsed};
pub use comparison::{Best, Cell, Column, Comparison, Rated};
pub use contents::{ColumnTable, Content, Fact, Figure, Metric, Report, SigmaLoss, Timing};
pub use html::render;
pub use mixing::{CORRELATION, LIKELIHOOD, unmixed_chains};
pub use pictures::{image_shape, picture, write_sheet};
pub use run_report::{ReportRequest, WrittenReport, write_report};
pub use verdict::{Finding, findings};
