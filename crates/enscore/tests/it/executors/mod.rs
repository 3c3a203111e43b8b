//! What holds for every executor, and for a library that is handed one.

mod contract;
mod programs;
