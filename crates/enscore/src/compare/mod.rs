//! Compares trainings on the same data: time, quality against the truth where it is known, held-out
//! likelihood, in one table and one picture.

mod course;
mod measure;
mod outcome;
mod picture;
mod table;

use std::path::Path;

use crate::checkpoint::RunFolder;
use crate::error::{Error, Reason, Result};
use crate::report::PictureFormat;
use crate::settings::{Compare, Settings};
use crate::train::{Observer, Recorder, Request};
use crate::trained::Trained;
use course::Course;

pub use measure::{Measured, Truth};
pub use outcome::{Compared, Failed, Outcome};

/// Parts that a training is cut into: the quality is measured at the end of each.
const PARTS: u64 = 10;

/// Trains and measures everything that `compare` names, below the folder `out`, and writes `comparison.md`,
/// `comparison.json` and, for data in the plane, a picture there, such as `comparison.png`. Trainings that
/// are done already are not repeated.
///
/// A training that diverges is named, and the others are compared.
///
/// # Errors
/// Whatever a training or a measurement refuses, named by the training; every training diverged.
pub fn compare(
    compare: &Compare,
    out: &Path,
    format: PictureFormat,
    stop: &dyn Fn() -> Option<i32>,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let mut compared = Vec::new();
    let mut failed = Vec::new();
    let mut warnings = Vec::new();
    for (name, settings) in &compare.trainings {
        let named = |error: Error| error.within(format_args!("run {name}"));
        observer.message(&format!("training {name}"));
        let run = out.join(name);
        let followed = follow(name, settings, &run, compare.quality, &mut warnings, stop, observer);
        let result = match followed.map_err(named) {
            Err(error) if error.reason == Reason::Diverged => {
                observer.warning(&error.to_string());
                failed.push(Failed { name: name.clone(), why: error.to_string() });
                continue;
            }
            followed => followed?,
        };
        let flow = flow_of(&result).map_err(named)?;
        compared.push(result);
        compared.extend(flow);
    }
    let Some(first) = compared.first() else { return Err(all_diverged(&failed)) };
    let first = Trained::open(&first.run, &[])?;
    let truth = Truth::of(&first);
    let held_out = if truth.is_some() { measure::held_out(&first)? } else { None };
    let truth_log_likelihood = match (&truth, held_out) {
        (Some(truth), Some(rows)) => Some(truth.log_likelihood(&rows)?),
        _ => None,
    };
    let mut outcome = Outcome {
        compared,
        failed,
        warnings,
        truth_log_likelihood,
        quality: compare.quality,
        text: String::new(),
        files: Vec::new(),
    };
    table::write(&mut outcome, out)?;
    picture::write(&mut outcome, truth.as_ref(), out, format)?;
    Ok(outcome)
}

fn all_diverged(failed: &[Failed]) -> Error {
    let why: Vec<&str> = failed.iter().map(|failed| failed.why.as_str()).collect();
    Error::new(Reason::Diverged, "no training is left to compare").found(why.join("; "))
}

/// Of flow contrastive estimation the flow, which is a model of its own.
fn flow_of(compared: &Compared) -> Result<Option<Compared>> {
    let sets = vec!["sampler.kind=exact".to_string()];
    let settings = Trained::open(&compared.run, &[])?.settings;
    if !settings.objective().method().sampling(settings.model().method().family()).has_flow {
        return Ok(None);
    }
    let measured = measure::measure(&Trained::open(&compared.run, &sets)?)?;
    let name = format!("{}, its flow", compared.name);
    Ok(Some(Compared { name, sets, seconds_to_quality: None, measured, ..compared.clone() }))
}

/// Trains in parts, measuring the divergence from the truth between them.
fn follow(
    name: &str,
    settings: &Settings,
    run: &Path,
    quality: f64,
    warnings: &mut Vec<String>,
    stop: &dyn Fn() -> Option<i32>,
    observer: &mut dyn Observer,
) -> Result<Compared> {
    let steps = settings.train().steps;
    let mut course = Course::of(run)?;
    let resume = RunFolder::open(run).is_ok();
    let request = Request { run: run.to_path_buf(), resume, until: None };
    let mut recorder = Recorder::open(settings, &request, observer)?;
    let mut said = Vec::new();
    for part in 1..=PARTS {
        let until = (steps * part).div_ceil(PARTS);
        let outcome = recorder.until(until, stop, observer)?;
        said = outcome.warnings;
        let trained = Trained::open(run, &[])?;
        if !course.knows(trained.step)
            && let Some(divergence) = measure::fisher_divergence(&trained)?
        {
            course.add(run, trained.step, trained.seconds, divergence.relative)?;
        }
        if outcome.step < until {
            break;
        }
    }
    warnings.extend(said.into_iter().map(|warning| format!("run {name}: {warning}")));
    let trained = Trained::open(run, &[])?;
    Ok(Compared {
        name: name.to_string(),
        objective: settings.objective().name().to_string(),
        run: run.to_path_buf(),
        sets: Vec::new(),
        steps: trained.step,
        seconds: trained.seconds,
        seconds_to_quality: course.reached(quality),
        measured: measure::measure(&trained)?,
    })
}
