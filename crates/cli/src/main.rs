//! The command line of enscore: raw arguments, checked settings, run.

fn main() {}
