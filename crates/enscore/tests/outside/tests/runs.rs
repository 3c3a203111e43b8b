//! The project runs, in at most 40 lines.

use std::process::Command;

#[test]
fn it_trains_keeps_opens_samples_and_scores_its_own_model() {
    let lines = include_str!("../src/main.rs").lines().filter(|line| !line.starts_with("//!")).count();
    assert!(lines <= 40, "{lines} lines");
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_outside")).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let values = said.trim().trim_start_matches("scores [").trim_end_matches(']').split(", ");
    let values: Vec<f64> = values.map(|value| value.parse().unwrap()).collect();
    assert_eq!(values.len(), 10);
    assert!(values.iter().all(|value| value.is_finite()));
}
