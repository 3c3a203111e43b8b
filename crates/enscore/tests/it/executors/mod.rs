//! What holds for every executor, and for a library that is handed one.

mod contract;
mod far;
mod names;
mod programs;
