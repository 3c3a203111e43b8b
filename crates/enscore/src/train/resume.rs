//! Where a training starts: a new run, a checkpoint to go on from, or another run's weights.

use std::path::Path;

use super::request::{Observer, Request};
use super::state::State;
use super::training::Training;
use crate::checkpoint::{MetricsMark, Run, RunFolder, RunManifest, Tensors};
use crate::error::{Error, Result};
use crate::settings::Settings;

/// Where a run stands before its next step.
#[derive(Default)]
pub(super) struct Resumed {
    pub(super) seconds: f64,
    pub(super) metrics: MetricsMark,
    /// What the checkpoint holds, where there is one.
    pub(super) tensors: Option<Tensors>,
}

/// Creates the run, or opens it to go on with it; `training` gets the state that it starts from.
pub(super) fn open(
    settings: &Settings,
    training: &mut Training,
    manifest: &RunManifest,
    request: &Request,
    observer: &mut dyn Observer,
) -> Result<(Run, Resumed)> {
    let text = settings.to_toml();
    if !request.resume {
        warm_start(settings, training)?;
        return Ok((Run::create(&request.run, &text, manifest)?, Resumed::default()));
    }
    let run = Run::open(&request.run)?;
    refuse_another_training(settings, manifest, &run)?;
    run.write_settings(&text)?;
    let Some(loaded) = run.folder().latest_checkpoint()? else {
        observer.message("the run has no checkpoint yet; starting from the beginning");
        warm_start(settings, training)?;
        return Ok((run, Resumed::default()));
    };
    loaded.warnings.iter().for_each(|warning| observer.message(warning));
    training.restore(&loaded.tensors, loaded.step)?;
    let seconds = loaded.manifest.seconds;
    let metrics = loaded.manifest.metrics;
    Ok((run, Resumed { seconds, metrics, tensors: Some(loaded.tensors) }))
}

/// A resumed run keeps what its bits depend on: data, network, objective, seed and batch.
fn refuse_another_training(settings: &Settings, manifest: &RunManifest, run: &Run) -> Result<()> {
    let recorded = &run.folder().manifest().data;
    let found = &manifest.data;
    if recorded.fingerprint != found.fingerprint {
        return Err(Error::input("the run was trained on other data")
            .at(run.folder().path().display())
            .found(format!("{} ({})", found.name, &found.fingerprint))
            .expected(format!("{} ({})", recorded.name, recorded.fingerprint)));
    }
    let before = Settings::load(&run.folder().settings_path(), &[])?;
    let is_fixed = |key: &str| {
        let table = key.split('.').next().unwrap_or_default();
        ["model", "objective"].contains(&table)
            || ["train.seed", "train.batch"].contains(&key)
            || (table == "data" && !["data.name", "data.path"].contains(&key))
    };
    let old = before.resolved().iter().filter(|(key, _)| is_fixed(key));
    for (key, value) in settings.resolved().iter().filter(|(key, _)| is_fixed(key)) {
        match old.clone().find(|(other, _)| other == key) {
            Some((_, recorded)) if recorded == value => {}
            recorded => {
                let expected = recorded.map_or("no such key", |(_, recorded)| recorded);
                return Err(Error::input("a resumed run can't change this setting")
                    .at(key)
                    .found(value)
                    .expected(expected)
                    .remedy("start a new run, with train.warm_start to keep the weights"));
            }
        }
    }
    Ok(())
}

/// Starts a new training from another run's averaged weights, where the settings name one: as parameters
/// and averages; moments start at 0.
pub(super) fn warm_start(settings: &Settings, training: &mut Training) -> Result<()> {
    let Some(path) = settings.train().warm_start_run() else { return Ok(()) };
    let averages = averages_of(path, training)?;
    let moments: Vec<Vec<f32>> = averages.iter().map(|values| vec![0.0; values.len()]).collect();
    let moments = [moments.clone(), moments];
    training.start_from(&State { parameters: averages.clone(), moments, averages })
}

/// The averaged weights of the run at `path`.
fn averages_of(path: &Path, training: &Training) -> Result<Vec<Vec<f32>>> {
    let Some(loaded) = RunFolder::open(path)?.latest_checkpoint()? else {
        return Err(Error::input("the warm-start run has no checkpoint").at(path.display()));
    };
    Ok(State::of_tensors(training.parameters(), &loaded.tensors)?.averages)
}
