//! Derivatives as transforms of the growing graph: they add nodes, so they nest to any order.

mod forward;
mod reverse;
