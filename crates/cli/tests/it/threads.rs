//! `--threads` and `train.threads` are how many threads compute.

use std::process::Child;

use crate::common::Folder;

/// Threads of a running process, as Linux lists them.
fn threads_of(child: &Child) -> usize {
    std::fs::read_dir(format!("/proc/{}/task", child.id())).map_or(0, Iterator::count)
}

/// The most threads that were seen while a training ran, whose end is the test's.
fn threads_while_training(folder: &Folder, run: &str, options: &str) -> usize {
    let mut seen = 0;
    let command = format!("train mlp.toml --out {run} --no-report --set train.steps=1000000 {options}");
    folder.stopped_after(&command, 10, |child| {
        seen = threads_of(child);
        child.kill().unwrap();
    });
    seen
}

/// Beside the threads that compute there are others: the main one, and one that waits for signals.
#[test]
fn as_many_threads_compute_as_were_asked_for() {
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: threads are counted on Linux alone");
        return;
    }
    let folder = Folder::new();
    let one = threads_while_training(&folder, "one", "--threads 1");
    assert!(one > 0, "no threads of a running training were seen");
    for more in [4, 7] {
        let found = threads_while_training(&folder, &format!("run{more}"), &format!("--threads {more}"));
        assert_eq!(found, one + more - 1, "--threads {more} beside --threads 1");
    }
    let set = threads_while_training(&folder, "set", "--set train.threads=5");
    assert_eq!(set, one + 4, "train.threads = 5 beside --threads 1");
    let both = threads_while_training(&folder, "both", "--set train.threads=5 --threads 2");
    assert_eq!(both, one + 1, "--threads 2 goes before train.threads = 5");
}
