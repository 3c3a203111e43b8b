//! A training from its settings to its run.

mod compile_time;
mod divergence;
mod executor_update;
mod loop_by_hand;
mod run_folder;
mod tabular;
