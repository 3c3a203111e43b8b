//! The binary's tests: each runs `enscore` in a fresh folder.
#![allow(clippy::unwrap_used, reason = "a test may stop where it is surprised")]

mod answers;
mod bad_input;
mod common;
mod denoise;
mod energies;
mod figures;
mod logz;
mod machines;
mod profile;
mod same_bytes;
mod start_up;
mod threads;
mod training;
