//! A run folder made by version 0.1.0 (commit 5e68578) still opens: it is scored, sampled, and resumed to
//! the state that that version reached. The folder is never made anew: a format that it can't be read by is
//! a break.

use std::path::Path;

use crate::common::Folder;

/// The instructions that the run was trained with; others have other last bits.
const INSTRUCTIONS: &str = "avx512";

/// A copy of the old run, its data and what it answered then.
fn old_run() -> Folder {
    let folder = Folder::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old_run"), &folder.path(""));
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn numbers(text: &str) -> Vec<f64> {
    text.lines().skip(1).flat_map(|line| line.split(',')).map(|number| number.parse().unwrap()).collect()
}

#[test]
fn an_old_run_is_scored_as_it_was() {
    let folder = old_run();
    folder.succeed("score run points.csv --out again.csv");
    let then = numbers(&folder.text("scores.csv"));
    let now = numbers(&folder.text("again.csv"));
    assert_eq!(then.len(), 58);
    assert_eq!(now.len(), then.len());
    for (now, then) in now.iter().zip(&then) {
        assert!((now - then).abs() < 1e-5 * then.abs().max(1.0), "{now} {then}");
    }
    folder.succeed("sample run --num 4 --out drawn.npy");
    folder.succeed("evaluate run --json");
}

/// From the checkpoint before the last one, over a restart of chains and the end of an epoch.
#[test]
fn an_old_run_is_resumed_to_the_same_state() {
    let folder = old_run();
    let then = folder.tensors("run", 11);
    std::fs::remove_dir_all(folder.path("run/checkpoints/step-000000011")).unwrap();
    std::fs::write(folder.path("run/checkpoints/latest"), "step-000000009\n").unwrap();
    folder.succeed("train cd.toml --out run --resume --no-report");
    let now = folder.tensors("run", 11);
    let same_machine = instructions(&folder) == INSTRUCTIONS;
    assert!(then.contains_key("objective.chains") && then.contains_key("ema.output.weight"));
    for (name, then) in &then {
        let now = now.get(name).unwrap_or_else(|| panic!("no {name}"));
        if same_machine {
            assert_eq!(now, then, "{name}");
            continue;
        }
        assert_eq!(now.len(), then.len(), "{name}");
        let near = |(now, then): (&f32, &f32)| (now - then).abs() < 1e-3 * then.abs().max(1.0);
        assert!(now.iter().zip(then).all(near), "{name}");
    }
}

/// Those of this machine, by a run of its own.
fn instructions(folder: &Folder) -> String {
    folder.succeed("train cd.toml --out probe --no-report --set train.steps=1");
    let manifest: serde_json::Value = serde_json::from_str(&folder.text("probe/manifest.json")).unwrap();
    manifest["instructions"].as_str().unwrap().to_string()
}
