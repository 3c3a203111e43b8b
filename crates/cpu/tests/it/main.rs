//! The executor against the reference interpreter.
#![allow(clippy::unwrap_used, reason = "a test may stop where it is surprised")]

mod against_reference;
mod crew;
mod each_operation;
mod edges;
mod work;
