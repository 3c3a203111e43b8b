//! What a comparison came to.

use std::path::PathBuf;

use serde::Serialize;

use super::compared::Compared;
use super::over_seeds::OverSeeds;
use crate::evaluate::Mean;

/// A run that diverged.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// The training's name in the file.
    pub name: String,
    /// The seed of the run.
    pub seed: u64,
    /// What happened.
    pub why: String,
}

/// What a comparison came to.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The runs, in the order of the file and of the seeds.
    pub compared: Vec<Compared>,
    /// Each training over its runs, in the order of the file: the rows of the table.
    pub over_seeds: Vec<OverSeeds>,
    /// The runs that diverged, which are in no row of the table.
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

impl Outcome {
    /// The runs of each training, in the order of the file.
    pub(super) fn by_training(&self) -> Vec<Vec<&Compared>> {
        let mut trainings: Vec<Vec<&Compared>> = Vec::new();
        for run in &self.compared {
            match trainings.iter_mut().find(|runs| runs[0].name == run.name) {
                Some(runs) => runs.push(run),
                None => trainings.push(vec![run]),
            }
        }
        trainings
    }
}
