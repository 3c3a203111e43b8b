//! Where a training starts: a new run, a checkpoint to go on from, or another run's weights.

use crate::checkpoint::{MetricsMark, Run, RunFolder, Tensors};
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::train::plan::Plan;
use crate::train::state::from_tensors;
use crate::train::{Observer, Request};

/// Where a run stands before its next step.
#[derive(Default)]
pub(super) struct Resumed {
    pub(super) step: u64,
    pub(super) seconds: f64,
    pub(super) metrics: MetricsMark,
    /// What the checkpoint holds, where there is one.
    pub(super) tensors: Option<Tensors>,
}

/// Creates the run, or opens it to go on with it.
pub(super) fn open(
    plan: &Plan,
    request: &Request,
    observer: &mut dyn Observer,
) -> Result<(Run, Vec<Vec<f32>>, Resumed)> {
    let settings = plan.settings.to_toml();
    if !request.resume {
        let values = first_values(plan)?;
        return Ok((Run::create(&request.run, &settings, &plan.manifest())?, values, Resumed::default()));
    }
    let run = Run::open(&request.run)?;
    refuse_another_training(plan, &run)?;
    run.write_settings(&settings)?;
    let Some(loaded) = run.folder().latest_checkpoint()? else {
        observer.message("the run has no checkpoint yet: it starts from the beginning");
        return Ok((run, first_values(plan)?, Resumed::default()));
    };
    loaded.warnings.iter().for_each(|warning| observer.message(warning));
    let values = from_tensors(plan.update(), &loaded.tensors)?;
    let (seconds, metrics) = (loaded.manifest.seconds, loaded.manifest.metrics);
    let tensors = Some(loaded.tensors);
    Ok((run, values, Resumed { step: loaded.step, seconds, metrics, tensors }))
}

/// A resumed run keeps what its bits depend on: data, network, objective, seed and batch.
fn refuse_another_training(plan: &Plan, run: &Run) -> Result<()> {
    let (recorded, found) = (&run.folder().manifest().data, &plan.record);
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
    for (key, value) in plan.settings.resolved().iter().filter(|(key, _)| is_fixed(key)) {
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

/// What a training starts from that has no checkpoint.
pub(super) fn first_values(plan: &Plan) -> Result<Vec<Vec<f32>>> {
    match plan.settings.train().warm_start_run() {
        Some(path) => warm_start(plan, path),
        None => Ok(plan.update().initial_state(plan.settings.train().seed)),
    }
}

/// The averaged weights of another run as parameters and averages; moments start at 0.
fn warm_start(plan: &Plan, path: &std::path::Path) -> Result<Vec<Vec<f32>>> {
    let folder = RunFolder::open(path)?;
    let Some(loaded) = folder.latest_checkpoint()? else {
        return Err(Error::input("the run to start from has no checkpoint").at(path.display()));
    };
    let other = from_tensors(plan.update(), &loaded.tensors)?;
    let count = plan.update().parameters.len();
    let averages = other[3 * count..].to_vec();
    let zeros = |values: &[Vec<f32>]| values.iter().map(|values| vec![0.0; values.len()]).collect::<Vec<_>>();
    let moments = zeros(&averages);
    Ok([averages.clone(), moments.clone(), moments, averages].concat())
}
