//! Compares trainings on the same data: time, quality against the truth where it is known, held-out
//! likelihood, in one table and one picture.

mod course;
mod measure;
mod outcome;
mod picture;
mod table;

use std::path::Path;

use crate::checkpoint::RunFolder;
use crate::error::{Error, Result};
use crate::settings::{Compare, Settings};
use crate::train::{Observer, Recorder, Request};
use crate::trained::Trained;
use course::Course;

pub use measure::{Measured, Truth};
pub use outcome::{Compared, Outcome};

/// Parts that a training is cut into: the quality is measured at the end of each.
const PARTS: u64 = 10;

/// Trains and measures everything that `compare` names, below the folder `out`, and writes `comparison.md`,
/// `comparison.json` and, for data in the plane, `comparison.png` there. Trainings that are done already are
/// not repeated.
///
/// # Errors
/// Whatever a training or a measurement refuses, named by the training.
pub fn compare(
    compare: &Compare,
    out: &Path,
    stop: &dyn Fn() -> Option<i32>,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let mut compared = Vec::new();
    for (name, settings) in &compare.trainings {
        let named = |error: Error| error.within(format_args!("run {name}"));
        observer.message(&format!("training {name}"));
        let run = out.join(name);
        let result = follow(name, settings, &run, compare.quality, stop, observer).map_err(named)?;
        let flow = flow_of(&result).map_err(named)?;
        compared.push(result);
        compared.extend(flow);
    }
    let first = Trained::open(&compared[0].run, &[])?;
    let truth = Truth::of(&first);
    let truth_log_likelihood = match &truth {
        Some(truth) => Some(truth.log_likelihood(&measure::held_out(&first)?)?),
        None => None,
    };
    let mut outcome = Outcome {
        compared,
        truth_log_likelihood,
        quality: compare.quality,
        text: String::new(),
        files: Vec::new(),
    };
    table::write(&mut outcome, out)?;
    picture::write(&mut outcome, truth.as_ref(), out)?;
    Ok(outcome)
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
    stop: &dyn Fn() -> Option<i32>,
    observer: &mut dyn Observer,
) -> Result<Compared> {
    let steps = settings.train().steps;
    let mut course = Course::of(run)?;
    let resume = RunFolder::open(run).is_ok();
    let request = Request { run: run.to_path_buf(), resume, until: None };
    let mut recorder = Recorder::open(settings, &request, observer)?;
    for part in 1..=PARTS {
        let until = (steps * part).div_ceil(PARTS);
        let outcome = recorder.until(until, stop, observer)?;
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
