//! How soon the binary answers: what it loads and sets up before it reads its arguments.

use std::time::{Duration, Instant};

use crate::common::Folder;

/// Other work on the machine makes single runs slow; the best of ten is the program's own time.
const RUNS: usize = 10;

#[test]
fn help_comes_within_20_milliseconds() {
    let folder = Folder::new();
    let times = (0..RUNS).map(|_| {
        let began = Instant::now();
        let ran = folder.succeed("--help");
        let took = began.elapsed();
        assert!(ran.stdout.contains("Usage: enscore"), "{ran:?}");
        took
    });
    let best = times.min().unwrap();
    assert!(best < Duration::from_millis(20), "{best:?}");
}
