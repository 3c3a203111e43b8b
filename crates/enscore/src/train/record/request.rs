//! How a training of a run is asked for, what it tells meanwhile, and what it came to.

use std::path::PathBuf;

use super::best::ValidationPoint;
use super::last_state::LastState;
use crate::train::memory::MemoryNeed;

/// What a training reports while it runs; all calls come from the training's thread.
pub trait Observer {
    /// Training starts at `step` of `steps`, with this many parameters.
    fn begin(&mut self, step: u64, steps: u64, parameters: u64);
    /// A step is done, with its loss per dimension.
    fn step(&mut self, step: u64, loss_per_dim: f64);
    /// Something worth a line: a validation, a checkpoint, a warning.
    fn message(&mut self, text: &str);
    /// What the user must know, also where messages are not shown: a return after divergence, a checkpoint
    /// that was damaged.
    fn warning(&mut self, text: &str) {
        self.message(text);
    }
    /// Takes what would be lost if the process ended now, in place of what it held before: given before work
    /// that may take long. None: no more than the last checkpoint has.
    fn holds(&mut self, _state: Option<LastState>) {}
    /// A checkpoint is being written from here on, or stands: worth waiting for.
    fn saving(&mut self, _now: bool) {}
    /// What began is over: from here on nothing would be lost.
    fn ended(&mut self) {}
}

/// An observer that ignores everything.
pub struct Silent;

impl Observer for Silent {
    fn begin(&mut self, _step: u64, _steps: u64, _parameters: u64) {}
    fn step(&mut self, _step: u64, _loss_per_dim: f64) {}
    fn message(&mut self, _text: &str) {}
}

/// How a training was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The run's folder.
    pub run: PathBuf,
    /// Go on with a run that is there.
    pub resume: bool,
    /// Stop with a checkpoint after this step, though the settings ask for more.
    pub until: Option<u64>,
}

/// What a training came to.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Outcome {
    /// The run's folder.
    pub run: PathBuf,
    /// Steps done.
    pub step: u64,
    /// Steps asked for.
    pub steps: u64,
    /// Seconds spent training, over all parts of the run.
    pub seconds: f64,
    /// What the losses below are: `loss_per_dim`, or the name of what the objective reports in its place.
    pub loss_name: &'static str,
    /// The last logged training loss per dimension.
    pub loss_per_dim: Option<f64>,
    /// The last validation loss per dimension, with averaged weights.
    pub validation_loss_per_dim: Option<f64>,
    /// The validation with the lowest loss, whose state is kept.
    pub best: Option<ValidationPoint>,
    /// What it was expected to take of memory.
    pub memory: MemoryNeed,
    /// What the user must know: returns after divergence, damaged checkpoints, a validation loss that rose.
    pub warnings: Vec<String>,
}
