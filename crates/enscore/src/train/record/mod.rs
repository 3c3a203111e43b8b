//! A training that a run's folder records: how it is asked for, where it starts, the loop around it, what it
//! does about divergence, and what would be lost if the process ended.

mod best;
mod last_state;
mod lines;
mod recorder;
mod request;
mod resume;
mod rollback;

pub use best::ValidationPoint;
pub use last_state::LastState;
pub use recorder::Recorder;
pub use request::{Observer, Outcome, Request, Silent};
pub(super) use resume::warm_start;
