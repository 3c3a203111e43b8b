//! Objectives that match scores: exactly, along directions, or by denoising.

mod dsm;
mod ncsn;
mod score_matching;
mod sliced_score_matching;

pub use dsm::{Dsm, DsmSettings};
pub use ncsn::{Ncsn, NcsnSettings, denoising_loss, loss_at};
pub use score_matching::{ScoreMatching, ScoreMatchingSettings};
pub use sliced_score_matching::{Directions, SlicedScoreMatching, SlicedScoreMatchingSettings};
