//! The binary's tests: each runs `enscore` in a fresh folder.
#![allow(clippy::unwrap_used, reason = "a test may stop where it is surprised")]

#[path = "../../../enscore/tests/it/common/families/mod.rs"]
mod families;

mod asked;
mod bad_input;
mod behaviour;
mod common;
mod denoise;
mod energies;
mod figures;
mod hardship;
mod logz;
mod machines;
mod old_run;
mod profile;
mod reports;
mod same_bytes;
mod threads;
mod training;
