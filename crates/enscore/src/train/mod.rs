//! Training: the update as a program, its schedules, and the loop around it that saves, validates, samples
//! and reports.

mod batches;
mod chains;
mod diagnose;
mod from_settings;
mod memory;
mod options;
mod players;
mod profile;
mod record;
mod report;
pub mod schedule;
mod state;
mod stepper;
mod suitability;
mod training;
pub mod update;
mod watch;

use crate::error::Result;
use crate::settings::Settings;

pub use memory::MemoryNeed;
pub use options::TrainingOptions;
pub use profile::{ProgramProfile, TrainingProfile, WorkRow, profile};
pub use record::{LastState, Observer, Outcome, Recorder, Request, Silent, ValidationPoint};
pub use report::StepReport;
pub use training::Training;
pub use update::adam;

/// Trains as `settings` say, writing to the run's folder. `stop` is asked between steps for the number of a
/// signal that asks for an end.
///
/// # Errors
/// Wrong input before anything is written; a run that diverged or could not be written, with its last good
/// checkpoint kept; [`crate::Reason::Interrupted`] after a signal, with a checkpoint written.
pub fn train(
    settings: &Settings,
    request: &Request,
    stop: &dyn Fn() -> Option<i32>,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let until = request.until.unwrap_or(settings.train().steps);
    Recorder::open(settings, request, observer)?.until(until, stop, observer)
}
