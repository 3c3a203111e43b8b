//! What a comparison came to.

use std::path::PathBuf;

use serde::Serialize;

use super::measure::Measured;
use crate::evaluate::Mean;

/// A training that was compared.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// Its name in the file.
    pub name: String,
    /// The name of the objective.
    pub objective: String,
    /// The folder of the run.
    pub run: PathBuf,
    /// What the run is opened with.
    #[serde(skip)]
    pub(super) sets: Vec<String>,
    /// Updates done.
    pub steps: u64,
    /// Seconds spent training.
    pub seconds: f64,
    /// Seconds of training until the relative Fisher divergence was first at most the wanted quality; none
    /// where it never was, or the truth is not known.
    pub seconds_to_quality: Option<f64>,
    /// What was measured at the end.
    pub measured: Measured,
}

/// A training that diverged.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// Its name in the file.
    pub name: String,
    /// What happened.
    pub why: String,
}

/// What a comparison came to.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The trainings, in the order of the file.
    pub compared: Vec<Compared>,
    /// Those that diverged, which have no row in the table.
    pub failed: Vec<Failed>,
    /// What the user must know of the others.
    pub warnings: Vec<String>,
    /// Mean log density of the truth on the held-out rows, nats, where the truth is known.
    pub truth_log_likelihood: Option<Mean>,
    /// The relative Fisher divergence whose time was taken.
    pub quality: f64,
    /// The table as text.
    #[serde(skip)]
    pub text: String,
    /// The files written: the table, the numbers, the picture if there is one.
    pub files: Vec<PathBuf>,
}
