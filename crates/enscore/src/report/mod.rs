//! Pictures, charts, tables and the report of a run, from numbers to bytes.

mod chart;
mod citations;
mod draw;
mod markup;
mod page;
mod plot;
pub mod table;

pub use chart::{
    Chart, MOST_PAIRED, Mark, Pairs, Panel, Scatter, Series, TitledSheet, centres, density_sheet, diagnostic,
    gradient_norm, learning_rate, loss_curve, sheets_beside, sigma_losses,
};
pub use draw::{Image, MAX_BYTES, filters, png, sheet};
pub use markup::measured;
pub use page::{
    Best, CORRELATION, COVERAGE, COVERAGE_OF_DATA, Cell, Chapter, Claim, Column, ColumnTable, Comparison,
    Content, Fact, Figure, Finding, LIKELIHOOD, Metric, Rated, Report, ReportRequest, SigmaLoss, Timing,
    WrittenReport, collapsed, findings, image_shape, picture, render, render_chapters, unmixed_chains,
    write_report, write_sheet,
};
pub use plot::{Picture, PictureFormat, Scale};
