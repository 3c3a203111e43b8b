//! What would be lost if the process ended now: the state after the last update, for whoever ends it. A
//! training writes a checkpoint between two updates; one update, a validation or a picture may take longer
//! than a user who asks for an end waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checkpoint::{Progress, Run, Tensors};
use crate::error::Result;

/// Work that takes less ends soon enough by itself.
const LONG: Duration = Duration::from_millis(200);
/// Updates that a first validation takes about as long as.
const VALIDATION: u32 = 16;
/// Time between two copies of the state, in times that a copy takes.
const APART: u32 = 50;

/// The state of a training after an update, which has no checkpoint yet.
pub struct LastState {
    run: Arc<Run>,
    step: u64,
    tensors: Tensors,
    progress: Progress,
}

impl LastState {
    pub(super) fn new(run: Arc<Run>, step: u64, tensors: Tensors, progress: Progress) -> LastState {
        LastState { run, step, tensors, progress }
    }

    /// Updates done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Writes it as a checkpoint, unless the training has written a later one; a checkpoint that is being
    /// written is waited for.
    ///
    /// # Errors
    /// As [`Run::save_checkpoint`].
    pub fn write(&self) -> Result<()> {
        self.run.save_later_checkpoint(self.step, &self.tensors, self.progress.clone())
    }
}

/// Says when the state is worth a copy: before updates that take long, and so seldom that copies take no
/// time.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// How long the last update and the last validation took.
    update: Duration,
    validation: Option<Duration>,
    /// When the state was last copied, and how long that took.
    copied: Option<(Instant, Duration)>,
}

impl Keeping {
    /// Notes how long an update took.
    pub(super) fn update_took(&mut self, time: Duration) {
        self.update = time;
    }

    /// Notes how long a validation took.
    pub(super) fn validation_took(&mut self, time: Duration) {
        self.validation = Some(time);
    }

    /// Notes that a copy, begun then, is made.
    pub(super) fn copied(&mut self, began: Instant) {
        self.copied = Some((Instant::now(), began.elapsed()));
    }

    /// Whether the next update may take so long that its start is worth a copy.
    pub(super) fn is_due(&self) -> bool {
        let rested = self.copied.is_none_or(|(at, took)| at.elapsed() >= APART * took);
        self.update >= LONG && rested
    }

    /// Whether the next validation may take so long.
    pub(super) fn is_due_for_validation(&self) -> bool {
        self.validation.unwrap_or(VALIDATION * self.update) >= LONG
    }
}
