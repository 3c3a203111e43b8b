//! Programs and their derivatives.
#![allow(clippy::unwrap_used, reason = "a test may stop where it is surprised")]

mod by_hand;
mod common;
mod derivatives;
mod divergence;
mod laplacian;
