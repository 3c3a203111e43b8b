//! What a training leaves in its folder: what the manifests say, each number computed once more, and a
//! damaged checkpoint that is made again.

use std::path::Path;

use enscore::checkpoint::{CheckpointManifest, RunFolder, Tensors};
use enscore::data::{Dataset, Scale, Split, Subset, load_as, prepare};
use enscore::files::sha256;
use enscore::settings::Settings;
use enscore::train::{Observer, Request, train};

use crate::common::runs::{Folder, Run};

/// Keeps what it is told.
#[derive(Default)]
struct Heard(Vec<String>);

impl Observer for Heard {
    fn begin(&mut self, _: u64, _: u64, _: u64) {}
    fn step(&mut self, _: u64, _: f64) {}
    fn message(&mut self, text: &str) {
        self.0.push(text.to_string());
    }
}

fn rows(subset: &Subset) -> Vec<Vec<f64>> {
    let row = |row: &u32| {
        let mut out = vec![0.0; subset.dataset().row_len()];
        subset.dataset().copy_row_f64(*row as usize, &mut out).unwrap();
        out
    };
    subset.rows().iter().map(row).collect()
}

fn near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-9 * (1.0 + expected.abs()),
            "{what}: {found}, expected {expected}"
        );
    }
}

/// The data set of these settings, and its training rows as the model sees them.
fn data(settings: &Settings) -> (Dataset, Vec<Vec<f64>>) {
    let dataset = load_as(settings.data(), Split::Train).unwrap();
    let prepared = prepare(&dataset, settings.data(), settings.train().seed, None).unwrap();
    let training = rows(&prepared.parts.training);
    (dataset, training)
}

/// Moments are those of the training rows alone, after the map; elements' own only where a model is built
/// from them.
#[test]
fn a_manifest_describes_the_rows_that_the_training_saw() {
    let folder = Folder::new();
    for (name, changes, has_moments) in [
        ("ncsn-mlp", &["data.validation=0.4"][..], false),
        ("sm-energy", &["data.validation=0.4", "train.seed=9"], true),
        ("sm-dkef", &[], true),
        ("ssm-mlp", &[], false),
        ("ml-flow", &["data.test_fraction=0.3"], true),
        ("rbm-tempered", &[], true),
        ("cd-short-run", &[], true),
    ] {
        let settings = folder.settings(name, changes);
        let run = folder.stopped(name, &settings, 0);
        let manifest = RunFolder::open(run.path()).unwrap().manifest().clone();
        let (dataset, training) = data(&settings);
        let (n, d) = (training.len() as f64, training[0].len());
        let mean: Vec<f64> = (0..d).map(|j| training.iter().map(|x| x[j]).sum::<f64>() / n).collect();
        let square = |j: usize| training.iter().map(|x| (x[j] - mean[j]).powi(2)).sum::<f64>() / n;
        let all: Vec<f64> = training.concat();
        let centre = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / all.len() as f64;
        let (low, high) = all.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        let found = &manifest.data;
        near(&format!("{name}: variance"), &[found.variance], &[variance]);
        near(&format!("{name}: range"), &found.range, &[low, high]);
        let moments = if has_moments { mean.clone() } else { Vec::new() };
        near(&format!("{name}: mean"), &found.mean, &moments);
        let deviations = if has_moments { (0..d).map(|j| square(j).sqrt()).collect() } else { Vec::new() };
        near(&format!("{name}: deviation"), &found.deviation, &deviations);
        let scale: Scale = serde_json::from_value(found.scale.clone()).unwrap();
        assert_eq!((scale, &found.fingerprint), (dataset.scale(), &dataset.fingerprint()), "{name}");
        assert_eq!(found.row_shape.iter().product::<usize>(), d, "{name}");
        let learnt: usize =
            run.tensors().iter().filter(|(name, _)| name.starts_with("ema.")).map(|(_, v)| v.len()).sum();
        assert_eq!((manifest.seed, manifest.parameters), (settings.train().seed, learnt as u64), "{name}");
    }
}

/// The temperature of chains whose noise isn't that of their step.
#[test]
fn a_manifest_names_a_temperature_other_than_one() {
    let folder = Folder::new();
    let of = |run: &str, changes: &[&str]| {
        let run = folder.stopped(run, &folder.settings("cd-persistent", changes), 0);
        RunFolder::open(run.path()).unwrap().manifest().temperature
    };
    assert!((of("own noise", &[]).unwrap() - 0.25).abs() < 1e-12);
    assert_eq!(of("of the step", &["objective.noise_std=0"]), None);
}

fn manifest_of(run: &Run, step: u64) -> CheckpointManifest {
    let text = run.text(&format!("checkpoints/step-{step:09}/manifest.json"));
    serde_json::from_str(&text).unwrap()
}

/// Step, key of the next one, how far the metrics went, size and hash of the state.
#[test]
fn a_checkpoint_says_where_the_training_stood() {
    let folder = Folder::new();
    let changes = ["train.seed=6", "train.checkpoint_every=5", "train.log_every=2", "train.steps=11"];
    let run = folder.train("run", &folder.settings("cd-persistent", &changes));
    assert_eq!(run.checkpoints(), [10, 11]);
    assert!(run.text("checkpoints/latest").starts_with("step-000000011 "));
    let metrics = run.text("metrics.jsonl");
    for step in [10, 11] {
        let manifest = manifest_of(&run, step);
        let until: Vec<&str> = metrics
            .split_inclusive('\n')
            .filter(|line| {
                let of = serde_json::from_str::<serde_json::Value>(line).unwrap()["step"].as_u64().unwrap();
                // The last step's own line is none of a training that goes on.
                of <= step && of < 11
            })
            .collect();
        assert_eq!((manifest.step, manifest.metrics.lines), (step, until.len() as u64));
        assert_eq!(manifest.metrics.bytes, until.concat().len() as u64);
        assert_eq!((manifest.key.seed, manifest.key.step, manifest.key.row), (6, step + 1, 0));
        let [file] = &manifest.files[..] else { panic!("{:?}", manifest.files) };
        let state = run.state(step);
        assert_eq!((file.name.as_str(), file.bytes), ("state.safetensors", state.len() as u64));
        assert_eq!(file.sha256, sha256(&state));
    }
    assert!(manifest_of(&run, 10).seconds <= manifest_of(&run, 11).seconds);
}

/// Every parameter four times in its shape, chains, the watch.
#[test]
fn a_state_has_these_tensors_in_these_shapes() {
    let folder = Folder::new();
    let shapes = |name: &str| -> Vec<(String, Vec<usize>)> {
        let run = folder.train(name, &folder.settings(name, &[]));
        let tensors: Tensors =
            RunFolder::open(run.path()).unwrap().latest_checkpoint().unwrap().unwrap().tensors;
        // What is remembered for lines of metrics has the shape of what steps report.
        let states = tensors.iter().filter(|(name, _)| !name.starts_with("log."));
        states.map(|(name, tensor)| (name.to_string(), tensor.shape().to_vec())).collect()
    };
    let of = |parameters: &[(&str, &[usize])], further: &[(&str, &[usize])]| {
        let each = ["", "ema.", "moment1.", "moment2."];
        let mut all: Vec<(String, Vec<usize>)> = each
            .iter()
            .flat_map(|prefix| {
                parameters.iter().map(move |(name, shape)| (format!("{prefix}{name}"), shape.to_vec()))
            })
            .chain(further.iter().map(|(name, shape)| (name.to_string(), shape.to_vec())))
            .collect();
        all.sort();
        all
    };
    let watch: (&str, &[usize]) = ("stability.watch", &[6]);
    let gaussian: [(&str, &[usize]); 2] = [("mean", &[2]), ("precision", &[2, 2])];
    assert_eq!(shapes("cd-data"), of(&gaussian, &[watch]));
    let machine: [(&str, &[usize]); 3] =
        [("weights", &[6, 4]), ("visible_bias", &[6]), ("hidden_bias", &[4])];
    assert_eq!(shapes("rbm-tempered"), of(&machine, &[watch, ("objective.chains", &[3, 5, 6])]));
    let chains = shapes("cd-persistent").into_iter().find(|(name, _)| name == "objective.chains").unwrap();
    assert_eq!(chains.1, [20, 2]);
}

fn damage(run: &Path, step: u64) {
    let file = run.join(format!("checkpoints/step-{step:09}/state.safetensors"));
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

/// The training says so, goes on from the checkpoint before, cuts the metrics back to it, and comes to the
/// same end.
#[test]
fn a_damaged_checkpoint_is_passed_over_and_made_again() {
    let folder = Folder::new();
    for name in ["cd-persistent", "rbm-tempered", "fce-energy"] {
        let changes = ["train.checkpoint_every=4", "train.steps=10", "train.log_every=2"];
        let settings = folder.settings(name, &changes);
        let whole = folder.train(&format!("{name} whole"), &settings);
        let run = folder.train(&format!("{name} damaged"), &settings);
        assert_eq!(run.state(10), whole.state(10), "{name}");
        damage(run.path(), 10);
        let (mut heard, path) = (Heard::default(), run.path().to_path_buf());
        train(&settings, &Request { run: path, resume: true, until: None }, &|| None, &mut heard).unwrap();
        assert!(heard.0.iter().any(|line| line.contains("damaged file")), "{name}: {:?}", heard.0);
        assert_eq!(run.state(10), whole.state(10), "{name}");
        assert_eq!(run.metrics(), whole.metrics(), "{name}");
    }
}
