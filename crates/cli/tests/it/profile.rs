//! Where the time of an update goes: figures that add up, operations counted by hand, nothing written.

use crate::common::Folder;
use serde_json::Value;

/// Denoising score matching of the built-in digits by a perceptron 64-32-64.
const DIGITS: &str = r#"
[data]
name = "digits"
[model]
kind = "mlp"
hidden = [32]
embedding = 0
[objective]
kind = "dsm"
[train]
batch = 48
"#;

/// A Boltzmann machine of 64 and 20 units, three sweeps of persistent chains an update.
const MACHINE: &str = r#"
[data]
name = "digits"
binarise = true
[model]
kind = "rbm"
hidden = 20
[objective]
kind = "cd"
start = "persistent"
steps = 3
[train]
batch = 16
"#;

fn sum(rows: &Value, of: &str) -> f64 {
    rows.as_array().unwrap().iter().map(|row| row[of].as_f64().unwrap()).sum()
}

/// The profile, after checks that hold for every one.
fn profiled(folder: &Folder, arguments: &str) -> Value {
    let before = folder.names();
    let profile = folder.succeed(&format!("profile {arguments} --json")).json();
    assert_eq!(folder.names(), before);
    for rows in ["groups", "steps"] {
        let rows = &profile[rows];
        assert!((sum(rows, "share") - 1.0).abs() < 1e-9, "{profile}");
        for part in ["operations", "bytes", "limit_ms"] {
            let (parts, whole) = (sum(rows, part), profile[part].as_f64().unwrap());
            assert!((parts - whole).abs() <= 1e-9 * whole, "{part}: {parts} of {whole}");
        }
        assert!((sum(rows, "ms") / profile["steps_ms"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    }
    for figure in ["update_ms", "compile_ms", "arena_bytes", "limit_ms", "peak_gflops", "copy_gb_per_s"] {
        assert!(profile[figure].as_f64().unwrap() > 0.0, "{figure} in {profile}");
    }
    profile
}

#[test]
fn a_perceptron_has_five_products() {
    let folder = Folder::new();
    folder.write("digits.toml", DIGITS.as_bytes());
    let profile = profiled(&folder, "digits.toml --updates 3 --threads 2");
    // Two layers forward, their weights' gradients, and the cotangent of the hidden layer, for 48 rows.
    assert_eq!(profile["operations"], (5 * 2 * 48 * 64 * 32) as f64);
    assert_eq!((&profile["updates"], &profile["threads"]), (&3.into(), &2.into()));
    assert_eq!(profile["parameters"], 64 * 32 + 32 + 32 * 64 + 64);
    let larger = profiled(&folder, "digits.toml --updates 2 --threads 1 --set train.batch=96");
    assert_eq!(larger["operations"], (5 * 2 * 96 * 64 * 32) as f64);
}

#[test]
fn chains_are_part_of_an_update() {
    let folder = Folder::new();
    folder.write("machine.toml", MACHINE.as_bytes());
    let profile = profiled(&folder, "machine.toml --updates 2");
    let programs = profile["programs"].as_array().unwrap();
    let runs: Vec<(&str, f64)> = programs
        .iter()
        .map(|program| (program["name"].as_str().unwrap(), program["runs"].as_f64().unwrap()))
        .collect();
    assert_eq!(runs, [("update", 1.0), ("chains", 3.0)]);
    let of_chains = |row: &&Value| row["program"] == "chains";
    let steps = profile["steps"].as_array().unwrap();
    let operations: f64 = steps.iter().filter(of_chains).map(|row| row["operations"].as_f64().unwrap()).sum();
    // A sweep goes up and down.
    assert_eq!(operations, (3 * 2 * 2 * 16 * 64 * 20) as f64);
}

#[test]
fn the_table_is_for_readers() {
    let folder = Folder::new();
    let ran = folder.succeed("profile unet.toml --updates 1 --set train.batch=8");
    for part in ["update ", "limit ", "peak ", "GFLOP/s", "convolutions", "conv2d 3x3 of 8x8x8x"] {
        assert!(ran.stdout.contains(part), "no {part:?} in {}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() < 140), "{}", ran.stdout);
}

#[test]
fn what_can_not_be_profiled_is_refused() {
    let folder = Folder::new();
    let before = folder.names();
    let cases = [
        ("profile nowhere.toml", "nowhere.toml"),
        ("profile mlp.toml --updates 0", "--updates"),
        ("profile mlp.toml --set data.path=nowhere.csv", "nowhere.csv"),
        ("profile mlp.toml --set train.memory_limit_gib=0.00001", "train.memory_limit_gib"),
        ("profile mlp.toml --set train.warm_start=nowhere", "nowhere"),
    ];
    for (arguments, part) in cases {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments}: {ran:?}");
        assert!(ran.stderr.lines().count() == 1 && ran.stderr.contains(part), "{arguments}: {ran:?}");
    }
    assert_eq!(folder.names(), before);
}
