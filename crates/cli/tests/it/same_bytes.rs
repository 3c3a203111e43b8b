//! The same seed gives the same checkpoint bytes: on any number of threads, and through any interruption.

use std::time::{Duration, Instant};

use crate::common::{Folder, signal};

#[test]
fn a_training_writes_the_same_bytes_on_one_thread_and_on_two() {
    let folder = Folder::new();
    for threads in [1, 2] {
        folder.succeed(&format!(
            "train unet.toml --out run{threads} --threads {threads} --no-report --set train.steps=30 --seed 7"
        ));
        folder.succeed(&format!("sample run{threads} --num 5 --threads {threads} --out {threads}.npy"));
    }
    assert_eq!(folder.state("run1", 30), folder.state("run2", 30));
    assert_eq!(folder.read("1.npy"), folder.read("2.npy"));
    folder.succeed("train unet.toml --out other --no-report --set train.steps=30 --seed 8");
    assert_ne!(folder.state("run1", 30), folder.state("other", 30));
}

/// A training that is stopped on the way and resumed ends with the bytes of one that was not.
#[test]
fn a_training_resumed_after_a_signal_writes_the_same_bytes() {
    let folder = Folder::new();
    folder.succeed("train unet.toml --out whole --no-report");
    let whole = folder.state("whole", 60);
    for (name, code) in [("KILL", None), ("TERM", Some(143)), ("INT", Some(130))] {
        let run = stop_on_the_way(&folder, name, code);
        folder.succeed(&format!("train unet.toml --out {run} --no-report --resume"));
        assert_eq!(folder.latest_step(&run), 60);
        assert!(folder.state(&run, 60) == whole, "{name}");
        let without_seconds = |run: &str| {
            let mut rows = folder.metrics(run);
            rows.iter_mut().for_each(|row| drop(row.as_object_mut().unwrap().remove("seconds")));
            rows.into_iter().filter(|row| row["step"].as_u64().unwrap() > 40).collect::<Vec<_>>()
        };
        assert_eq!(without_seconds(&run), without_seconds("whole"), "{name}");
    }
}

/// Stops a new training after its first checkpoint; where it ended before the signal came, tries again.
fn stop_on_the_way(folder: &Folder, name: &str, code: Option<i32>) -> String {
    for attempt in 0..5 {
        let run = format!("{name}{attempt}");
        let arguments = format!("train unet.toml --out {run} --no-report");
        let found = folder.stopped_after(&arguments, 20, |child| signal(child, name));
        if found != Some(0) {
            assert_eq!(found, code, "{name}");
            assert!((20..60).contains(&folder.latest_step(&run)), "{name}");
            return run;
        }
    }
    panic!("the training always ended before {name} came");
}

/// Starts what takes minutes, in steps of about a second, and sends it SIGINT `times` times.
fn interrupted(folder: &Folder, arguments: &str, times: usize) -> (Option<i32>, String) {
    let slow = "--set sampler.batch=20000 --set sampler.steps_per_level=1000";
    let child = folder.command(&format!("{arguments} {slow}")).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    for _ in 0..times {
        signal(&child, "INT");
        std::thread::sleep(Duration::from_millis(20));
    }
    let began = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(began.elapsed().as_secs() < 30);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_signal_ends_sampling_and_evaluation() {
    let folder = Folder::new();
    folder.succeed("train unet.toml --out run --no-report --set train.steps=1");
    let (code, said) = interrupted(&folder, "sample run --num 20000", 1);
    assert_eq!((code, said.as_str()), (Some(130), "enscore: sampling was interrupted\n"));
    assert!(!folder.exists("run/samples/sample-seed0.png"));
    let (code, said) = interrupted(&folder, "evaluate run --samples 20000", 1);
    assert!(code == Some(130) && said.contains("interrupted") && said.lines().count() == 1, "{said}");
    assert!(!folder.exists("run/report.html"));
    // A second signal finds nothing left to end.
    let (code, said) = interrupted(&folder, "sample run --num 20000", 2);
    assert_eq!((code, said.as_str()), (Some(130), "enscore: sampling was interrupted\n"));
}
