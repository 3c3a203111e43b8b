//! Trainings in a folder of their own, and what they leave there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use enscore::checkpoint::{RunFolder, Tensor, TensorData, Tensors, read_metrics};
use enscore::settings::Settings;
use enscore::train::{Outcome, Request, Silent, train};
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::families::data::write_data;
use super::families::{Family, family};

/// A folder with the families' data.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        let folder = tempfile::tempdir().unwrap();
        write_data(folder.path());
        Folder(folder)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The settings of a family, with changes.
    pub fn settings(&self, name: &str, changes: &[&str]) -> Settings {
        self.of_family(family(name), changes)
    }

    pub fn of_family(&self, family: &Family, changes: &[&str]) -> Settings {
        let names_data = changes.iter().any(|c| c.starts_with("data.name=") || c.starts_with("data.path="));
        let mut sets = Vec::new();
        if !names_data {
            sets.push(family.data.argument(self.0.path()));
        }
        sets.extend(changes.iter().map(|change| change.to_string()));
        Settings::parse(family.text, family.name, &sets).unwrap_or_else(|e| panic!("{}: {e}", family.name))
    }

    /// Trains a new run to its end.
    pub fn train(&self, run: &str, settings: &Settings) -> Run {
        self.ask(run, settings, false, None).unwrap_or_else(|error| panic!("{run}: {error}"));
        self.run(run)
    }

    /// Trains a new run, stopped after `steps`.
    pub fn stopped(&self, run: &str, settings: &Settings, steps: u64) -> Run {
        self.ask(run, settings, false, Some(steps)).unwrap_or_else(|error| panic!("{run}: {error}"));
        self.run(run)
    }

    /// Goes on with a run to its end.
    pub fn resumed(&self, run: &str, settings: &Settings) -> Run {
        self.ask(run, settings, true, None).unwrap_or_else(|error| panic!("{run}: {error}"));
        self.run(run)
    }

    pub fn ask(
        &self,
        run: &str,
        settings: &Settings,
        resume: bool,
        until: Option<u64>,
    ) -> enscore::Result<Outcome> {
        let request = Request { run: self.path(run), resume, until };
        train(settings, &request, &|| None, &mut Silent)
    }

    pub fn run(&self, run: &str) -> Run {
        Run { path: self.path(run) }
    }
}

/// What a training left.
pub struct Run {
    pub path: PathBuf,
}

impl Run {
    /// The tensors of the newest checkpoint.
    pub fn tensors(&self) -> BTreeMap<String, Vec<f32>> {
        values(&RunFolder::open(&self.path).unwrap().latest_checkpoint().unwrap().unwrap().tensors)
    }

    /// The bytes of the tensors of the checkpoint of `step`.
    pub fn state(&self, step: u64) -> Vec<u8> {
        std::fs::read(self.path.join(format!("checkpoints/step-{step:09}/state.safetensors"))).unwrap()
    }

    /// The tensors of the checkpoint of `step`.
    pub fn tensors_at(&self, step: u64) -> BTreeMap<String, Vec<f32>> {
        values(&Tensors::from_bytes(&self.state(step), "a checkpoint").unwrap())
    }

    /// The steps with a checkpoint.
    pub fn checkpoints(&self) -> Vec<u64> {
        let entries = std::fs::read_dir(self.path.join("checkpoints")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut steps: Vec<u64> = names.filter_map(|name| name.strip_prefix("step-")?.parse().ok()).collect();
        steps.sort_unstable();
        steps
    }

    /// The lines of metrics.jsonl, without the seconds, which the clock makes.
    pub fn metrics(&self) -> Vec<Map<String, Value>> {
        let mut rows = read_metrics(&self.path.join("metrics.jsonl")).unwrap().rows;
        rows.iter_mut().for_each(|row| drop(row.remove("seconds")));
        rows
    }

    /// Step and value of every line with this key.
    pub fn metric(&self, key: &str) -> Vec<(u64, f64)> {
        let of = |row: &Map<String, Value>| Some((row["step"].as_u64()?, row.get(key)?.as_f64()?));
        self.metrics().iter().filter_map(of).collect()
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path.join(name)).unwrap()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The tensors of single precision; what steps reported since the last line of metrics is in double
/// precision.
fn values(tensors: &Tensors) -> BTreeMap<String, Vec<f32>> {
    let single = |tensor: &Tensor| match tensor.data() {
        TensorData::F32(values) => Some(values.clone()),
        _ => None,
    };
    tensors.iter().filter_map(|(name, tensor)| Some((name.to_string(), single(tensor)?))).collect()
}
