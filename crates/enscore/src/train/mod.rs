//! Training: the update as a program, its schedules.

pub mod adam;
pub mod schedule;
pub mod update;
