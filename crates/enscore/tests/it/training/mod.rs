//! A training from its settings to its run.

mod compile_time;
mod executor_update;
mod loop_by_hand;
mod resume;
mod resume_settings;
mod tabular;
