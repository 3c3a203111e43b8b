//! The shape of the code: files and folders use only what comes before them, crates depend in one direction,
//! files are short and say what they are, nothing panics on purpose, and nothing names the machine that it
//! was written on.

mod circles;
mod crates;
mod files;
mod folders;
mod imports;
mod source;
mod words;
