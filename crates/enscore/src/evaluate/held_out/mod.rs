//! Held-out rows: which they are, the losses and figures of a model on them, what a model says of each.

mod auroc;
mod bits_per_dim;
mod data;
mod denoising_loss;
mod drift;
mod figure;
mod figures;
mod independent_units;
mod latent_bound;
mod row_scores;
mod unit_figures;

pub use auroc::{Auroc, auroc};
pub use bits_per_dim::{bits_per_dim, flow_bits_per_dim};
pub use data::{HeldOut, RunData, learning_rows_for, rows_for, run_data, unit_rows};
pub use denoising_loss::{DenoisingLoss, LevelLoss, denoising_loss};
pub use drift::{Drift, drift};
pub use figure::{Figures, HeldOutFigure, Refused, log_unit};
pub use figures::{against, model_figures};
pub use independent_units::independent_units;
pub use latent_bound::LatentBound;
pub use row_scores::{RowScores, score_rows};
pub use unit_figures::{pseudo_likelihood_program, pseudo_log_likelihood, reconstruction_error};
