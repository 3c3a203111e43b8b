//! What the program computes, pinned: for one small run of every family the checksums of the checkpoint, of
//! samples, and of every number of `evaluate --json`, `score` and `logz --json`. A change of these is a
//! change of seeded results: it is made on purpose (`ENSCORE_BLESS=1` writes `tests/behaviour.json` anew) and
//! noted in the changelog.
//!
//! The last bits depend on the instructions of the processor and on the system's elementary functions.
//! Elsewhere than on a machine like the one that the file was written on, the numbers themselves are compared
//! instead.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::common::Folder;
use crate::families::data::{Data, write_data};
use crate::families::{FAMILIES, Family};

/// Relative difference of numbers on another kind of machine: single precision, over a dozen steps.
const TOLERANCE: f64 = 2e-3;

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every number of an answer in the order in which it stands there, whatever it is called.
fn numbers(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Number(number) => found.push(number.as_f64().unwrap()),
        Value::Array(items) => items.iter().for_each(|item| numbers(item, found)),
        Value::Object(map) => map.values().for_each(|value| numbers(value, found)),
        _ => {}
    }
}

/// A number for the file: rounded, so that the file stays small.
fn rounded(value: f64) -> Value {
    json!(format!("{value:.6e}").parse::<f64>().unwrap())
}

/// The checksum of numbers to the last bit, and the numbers.
fn record(values: &[f64]) -> Value {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_bits().to_le_bytes()).collect();
    json!({ "sha256": checksum(&bytes), "numbers": values.iter().map(|v| rounded(*v)).collect::<Vec<_>>() })
}

/// Elementary functions of the system, which host code uses in double precision.
fn elementary() -> String {
    let point = |i: u32| 0.001 + f64::from(i) * 0.0173;
    let values = (0..2000).flat_map(|i| {
        let x = point(i);
        [(-x).exp(), x.ln(), x.sin(), x.cos(), x.tanh(), x.powf(1.7), x.ln_1p(), (-x).exp_m1()]
    });
    let bytes: Vec<u8> = values.flat_map(|value| value.to_bits().to_le_bytes()).collect();
    checksum(&bytes)[..16].to_string()
}

/// What the last bits depend on besides the version.
fn machine(folder: &Folder, run: &str) -> String {
    let manifest: Value = serde_json::from_slice(&folder.read(&format!("{run}/manifest.json"))).unwrap();
    let instructions = manifest["instructions"].as_str().unwrap().to_string();
    format!("{} {instructions} {}", std::env::consts::ARCH, elementary())
}

/// Everything of a family's run.
fn observe(folder: &Folder, family: &Family) -> Map<String, Value> {
    let run = family.name;
    folder.write("family.toml", family.text.as_bytes());
    let (argument, data) = match family.data {
        Data::Points => ("data.path=points.csv", "points.csv"),
        Data::Bits => ("data.path=bits.csv", "bits.csv"),
        Data::Digits => ("data.name=digits", "digits"),
    };
    folder.succeed(&format!("train family.toml --out {run} --no-report --set {argument}"));
    let checkpoints = format!("{run}/checkpoints/step-{:09}/state.safetensors", folder.latest_step(run));
    folder.succeed(&format!("sample {run} --num 5 --seed 3 --out samples.npy"));
    let evaluated = folder.succeed(&format!("evaluate {run} --json --samples 8 --seed 2")).json();
    let mut record_of = Map::new();
    record_of.insert("checkpoint".into(), json!(checksum(&folder.read(&checkpoints))));
    record_of.insert("samples".into(), json!(checksum(&folder.read("samples.npy"))));
    let mut answers = vec![("evaluate", evaluated)];
    let score = format!("score {run} {data} --json --out scores.csv");
    if run.contains("gan-") {
        let refused = folder.run(&score);
        assert!(refused.stderr.contains("has no likelihood"), "{}", refused.stderr);
    } else {
        answers.push(("score", folder.succeed(&score).json()));
        record_of.insert("scores".into(), json!(checksum(&folder.read("scores.csv"))));
    }
    if run.starts_with("rbm") || run.starts_with("dbm") {
        let bracket = "--method bracket --temperatures 50 --chains 20 --width 9";
        answers.push(("logz", folder.succeed(&format!("logz {run} --json {bracket}")).json()));
        answers.push(("logz exact", folder.succeed(&format!("logz {run} --json --method exact")).json()));
    }
    for (name, answer) in answers {
        let mut found = Vec::new();
        numbers(&answer, &mut found);
        record_of.insert(name.into(), record(&found));
    }
    record_of
}

fn file() -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/behaviour.json")
}

/// What of a record differs: to the last bit on a machine like the recorded one, else beyond rounding.
fn differences(family: &str, found: &Map<String, Value>, known: &Value, same_machine: bool) -> Vec<String> {
    let mut different = Vec::new();
    for (name, found) in found {
        let known = &known[name];
        if same_machine {
            if found["sha256"] != known["sha256"] || (found.is_string() && found != known) {
                different.push(format!("{family}: {name} is another: {known} before, {found} now"));
            }
            continue;
        }
        let (Some(found), Some(known)) = (found["numbers"].as_array(), known["numbers"].as_array()) else {
            continue;
        };
        let near = |(a, b): (&Value, &Value)| {
            let [a, b] = [a, b].map(|value| value.as_f64().unwrap());
            (a - b).abs() <= TOLERANCE * (1.0 + a.abs().max(b.abs()))
        };
        if found.len() != known.len() || !found.iter().zip(known).all(near) {
            different.push(format!("{family}: {name} is another: {known:?} before, {found:?} now"));
        }
    }
    different
}

#[test]
fn seeded_results_are_those_of_the_record() {
    let folder = Folder::new();
    write_data(&folder.path(""));
    let mut observed = BTreeMap::new();
    let mut here = String::new();
    for family in &FAMILIES {
        observed.insert(family.name, observe(&folder, family));
        here = machine(&folder, family.name);
    }
    if std::env::var_os("ENSCORE_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&json!({ "machine": here, "families": observed })).unwrap();
        std::fs::write(file(), compact(&text)).unwrap();
    }
    let known: Value = serde_json::from_slice(&std::fs::read(file()).unwrap()).unwrap();
    let same_machine = known["machine"] == here.as_str();
    if !same_machine {
        crate::common::say(&format!(
            "checksums not compared: written on {}, this is {here}",
            known["machine"]
        ));
    }
    let recorded: Vec<&String> = known["families"].as_object().unwrap().keys().collect();
    assert_eq!(recorded, observed.keys().collect::<Vec<_>>(), "families of tests/behaviour.json");
    let different: Vec<String> = observed
        .iter()
        .flat_map(|(name, found)| differences(name, found, &known["families"][*name], same_machine))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Lists of numbers on one line.
fn compact(text: &str) -> String {
    let mut lines = String::new();
    let mut inside = false;
    for line in text.lines() {
        let word = line.trim_start();
        lines.push_str(if inside { word } else { line });
        inside = (inside || line.ends_with('[')) && !word.starts_with(']');
        lines.push(if inside { ' ' } else { '\n' });
    }
    lines
}
