//! Every figure that is printed, written or drawn, beside the same figure from the checkpoint's tensors and
//! the rows of the data, one row at a time in double precision.

mod answers_in_files;
mod compared;
mod drawn;
mod evaluation;
mod filled;
mod log_z;
mod metrics;
mod options;
mod pictures;
pub mod plain;
mod report;
mod row_scores;
mod watched;
