//! Where a training starts: a new run, a checkpoint to go on from, or another run's weights.

use std::path::Path;

use super::request::{Observer, Request};
use crate::checkpoint::{Loaded, MetricsMark, Run, RunFolder, RunManifest, Tensors};
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::train::state::State;
use crate::train::training::Training;

/// Where a run stands before its next step.
#[derive(Default)]
pub(super) struct Resumed {
    pub(super) seconds: f64,
    pub(super) metrics: MetricsMark,
    /// What the checkpoint holds, where there is one.
    pub(super) tensors: Option<Tensors>,
    /// Why a newer checkpoint was passed over.
    pub(super) warnings: Vec<String>,
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
    let loaded = run.folder().latest_checkpoint()?;
    refuse_fewer_steps(settings, loaded.as_ref())?;
    run.write_settings(&text)?;
    let Some(loaded) = loaded else {
        observer.message("the run has no checkpoint yet; starting from the beginning");
        warm_start(settings, training)?;
        return Ok((run, Resumed::default()));
    };
    let step = loaded.step;
    let resumed = |warning| format!("resumed from step {step}, for a newer checkpoint is damaged: {warning}");
    let warnings = loaded.warnings.into_iter().map(resumed).collect();
    training.restore(&loaded.tensors, loaded.step)?;
    let seconds = loaded.manifest.seconds;
    let metrics = loaded.manifest.metrics;
    Ok((run, Resumed { seconds, metrics, tensors: Some(loaded.tensors), warnings }))
}

/// A run can't be trained back.
fn refuse_fewer_steps(settings: &Settings, loaded: Option<&Loaded>) -> Result<()> {
    let steps = settings.train().steps;
    match loaded.filter(|loaded| loaded.step > steps) {
        Some(loaded) => Err(Error::input("the run has done more steps than asked for")
            .at("train.steps")
            .found(steps)
            .expected(format!("at least {}, the steps done", loaded.step))
            .remedy("raise train.steps, or train fewer steps in a new folder")),
        None => Ok(()),
    }
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
    run.folder().check_settings()?;
    let before = Settings::reopen(&run.folder().settings_path(), &[])?;
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
pub(in crate::train) fn warm_start(settings: &Settings, training: &mut Training) -> Result<()> {
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
