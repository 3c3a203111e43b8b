//! What users' accidents and habits bring: signals, damaged files, limits, words of other programs.

mod given;
mod integrity;
mod memory;
mod signals;
mod words;
