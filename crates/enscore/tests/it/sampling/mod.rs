//! Samples beside the same samples drawn plainly: one chain at a time, in double precision.

mod any_number;
mod defaults;
mod densities;
mod file_chains;
mod file_models;
mod frozen_flow;
mod metropolis;
mod plain;
mod spin_chains;
mod starts;
mod step_sizes;
mod trained_chains;
