//! `enscore train`: a training as a settings file says, then its evaluation and report.

use std::path::{Path, PathBuf};

use enscore::settings::Settings;
use enscore::train::{Outcome, Request, train};
use enscore::{Error, Result};
use serde_json::{Value, json};

use super::evaluate::{Evaluated, Wanted, evaluate};
use crate::args::Train;
use crate::context::Context;
use crate::output::{Answer, Lines, text_of};
use crate::progress::Progress;

/// Samples that the report of a training shows and compares.
const SAMPLES: usize = 64;
/// Held-out rows for its loss, at most: the standard error is below a percent, and `enscore evaluate` takes
/// all.
const ROWS: usize = 2000;

/// Trains, then evaluates and reports if asked to.
pub(crate) fn train_and_report(
    context: &Context,
    settings: &Settings,
    request: &Request,
    report: bool,
) -> Result<(Outcome, Option<Evaluated>)> {
    context.on_threads(settings.train().threads, || {
        let mut progress = Progress::new(context);
        let outcome = train(settings, request, &|| context.signals.came(), &mut progress)?;
        progress.end();
        if !report {
            return Ok((outcome, None));
        }
        let wanted = Wanted { samples: Some(SAMPLES), max_rows: Some(ROWS), ..Wanted::default() };
        let evaluated = evaluate(&request.run, &wanted, &mut progress).map_err(|error| {
            let run = request.run.display();
            let remedy = format!("run `enscore evaluate {run}` to evaluate it and write the report");
            let remedy = if error.remedy.is_empty() { remedy } else { format!("{}; {remedy}", error.remedy) };
            error.within("training finished, but the evaluation failed").remedy(remedy)
        })?;
        Ok((outcome, Some(evaluated)))
    })
}

pub(crate) fn run(context: &Context, arguments: &Train) -> Result<Answer> {
    let mut sets = arguments.set.clone();
    sets.extend(arguments.seed.map(|seed| format!("train.seed={seed}")));
    let settings = Settings::load(&arguments.settings, &sets)?;
    let run = match &arguments.out {
        Some(out) => out.clone(),
        None => default_run(&arguments.settings)?,
    };
    let request = Request { run, resume: arguments.resume, until: None };
    let (outcome, evaluated) = train_and_report(context, &settings, &request, !arguments.no_report)?;
    Ok(Answer::new(json_of(&outcome, evaluated.as_ref()), lines_of(&outcome, evaluated.as_ref())))
}

/// `runs/` and the settings file's name without its ending.
pub(crate) fn default_run(settings: &Path) -> Result<PathBuf> {
    match settings.file_stem() {
        Some(stem) => Ok(Path::new("runs").join(stem)),
        None => Err(Error::input("no name for the run")
            .at(settings.display())
            .remedy("name its folder with --out RUN")),
    }
}

fn json_of(outcome: &Outcome, evaluated: Option<&Evaluated>) -> Value {
    let evaluation = evaluated.map(|evaluated| evaluated.json(json!({})));
    json!({
        "run": text_of(&outcome.run),
        "step": outcome.step,
        "steps": outcome.steps,
        "seconds": outcome.seconds,
        "loss_name": outcome.loss_name,
        "loss_per_dim": outcome.loss_per_dim,
        "validation_loss_per_dim": outcome.validation_loss_per_dim,
        "evaluation": evaluation,
        "report": evaluated.map(|evaluated| text_of(&evaluated.report)),
    })
}

fn lines_of(outcome: &Outcome, evaluated: Option<&Evaluated>) -> String {
    let steps = format!("{} of {} in {:.1} s", outcome.step, outcome.steps, outcome.seconds);
    let mut lines = Lines::default().line("run", outcome.run.display()).line("steps", steps);
    let (name, unit) = match outcome.loss_name {
        "loss_per_dim" => ("loss".to_string(), " per dimension"),
        other => (other.replace('_', " "), ""),
    };
    for (rows, loss) in [("training", outcome.loss_per_dim), ("validation", outcome.validation_loss_per_dim)]
    {
        if let Some(loss) = loss {
            lines = lines.line(&format!("{rows} {name}"), format!("{loss:.4}{unit}"));
        }
    }
    if let Some(evaluated) = evaluated {
        lines = lines.evaluation(&evaluated.evaluation).line("report", evaluated.report.display());
    }
    lines.text()
}
