//! The library's tests in one binary: its dependencies are linked once.
#![allow(clippy::unwrap_used, reason = "a test may stop where it is surprised")]

mod common;
mod data;
mod examples;
mod executors;
mod export;
mod layout;
mod lecture;
mod models;
mod objectives;
mod oracles;
mod reasons;
mod sampling;
mod settings;
mod training;
