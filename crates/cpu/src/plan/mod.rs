//! From a program to steps: what is computed together, in which order, and where every value lives.

mod graph;
mod group;
mod memory;
mod order;
mod place;

pub(crate) use graph::{Class, Form, Graph};
pub(crate) use group::Grouping;
pub(crate) use memory::{Request, place};
pub(crate) use order::{Schedule, order};
pub(crate) use place::{Place, Span, Stored};
