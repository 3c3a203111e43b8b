//! Models for use elsewhere.

mod graphs;
mod runtime;
