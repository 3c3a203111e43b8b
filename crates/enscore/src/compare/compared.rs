//! A run that was compared: whose it is, what it took, and what was measured of it.

use std::path::PathBuf;

use serde::Serialize;

use super::measured::Measured;
use super::sampled::Sampled;

/// A run that was compared: a training with one of its seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// The training's name in the file.
    pub name: String,
    /// The seed of the run.
    pub seed: u64,
    /// The name of the objective.
    pub objective: String,
    /// The folder of the run.
    pub run: PathBuf,
    /// What the run is opened with.
    #[serde(skip)]
    pub(super) sets: Vec<String>,
    /// Numbers in the parameters of the model that samples or scores rows; a critic's are not among them.
    pub parameters: u64,
    /// Updates done.
    pub steps: u64,
    /// Seconds spent training.
    pub seconds: f64,
    /// Seconds of training until the relative Fisher divergence was first at most the wanted quality; none
    /// where it never was, or the truth is not known.
    pub seconds_to_quality: Option<f64>,
    /// What was measured at the end.
    pub measured: Measured,
    /// What its samples are like; none where no samples were asked for.
    pub sampled: Option<Sampled>,
}
