//! A training from its settings to its run.

mod apart;
mod divergence;
mod executor_update;
mod in_memory;
mod loop_by_hand;
mod mnist_settings;
mod resume;
mod resume_settings;
mod run_folder;
mod small_machines;
mod tabular;
mod validation;
