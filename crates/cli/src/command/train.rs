//! `enscore train`: a training as a settings file says, then its evaluation and report.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use enscore::settings::Settings;
use enscore::text::decimal;
use enscore::train::{Outcome, Request, train};
use enscore::{Error, Reason, Result};
use serde_json::{Value, json};

use super::evaluate::{Evaluated, Wanted, evaluate};
use crate::args::Train;
use crate::context::Context;
use crate::given;
use crate::output::{Answer, Lines, text_of};
use crate::progress::Progress;

/// Steps of a training that ends by the clock.
const ENDLESS: u64 = 1_000_000_000;
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
        let mut progress = Progress::new(context).within(settings.train().wall_time());
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
            // Something ran and was written, whatever the evaluation was refused for.
            let reason = if error.reason.is_refusal() { Reason::Failed } else { error.reason };
            let mut error = error.within("training finished, but the evaluation failed").remedy(remedy);
            error.reason = reason;
            error
        })?;
        Ok((outcome, Some(evaluated)))
    })
}

pub(crate) fn run(context: &Context, arguments: &Train) -> Result<Answer> {
    given::settings(&arguments.settings)?;
    let mut sets: Vec<String> = arguments.time.iter().flat_map(|minutes| timed(*minutes)).collect();
    sets.extend(arguments.set.iter().cloned());
    sets.extend(arguments.seed.map(|seed| format!("train.seed={seed}")));
    let run = match &arguments.out {
        Some(out) => out.clone(),
        None => default_run(&arguments.settings)?,
    };
    let of_run = run.join("settings.toml");
    let settings = if arguments.resume && of_run.exists() {
        Settings::load_to_resume(&arguments.settings, &sets, &of_run)?
    } else {
        Settings::load(&arguments.settings, &sets)?
    };
    say_notes(&settings);
    let request = Request { run, resume: arguments.resume, until: None };
    let (outcome, evaluated) = train_and_report(context, &settings, &request, !arguments.no_report)?;
    Ok(Answer::new(json_of(&outcome, evaluated.as_ref()), lines_of(&outcome, evaluated.as_ref())))
}

/// What a training that ends by the clock sets: more steps than it will do.
fn timed(minutes: f64) -> [String; 3] {
    [
        format!("train.wall_time_minutes={minutes}"),
        "train.decay_by=time".to_string(),
        format!("train.steps={ENDLESS}"),
    ]
}

/// Says what of a settings file the arguments replaced.
pub(crate) fn say_notes(settings: &Settings) {
    for note in settings.notes() {
        // Where stderr is gone there is nobody to tell.
        let _ = writeln!(stderr(), "enscore: {note}");
    }
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
        "report": evaluated.and_then(|evaluated| evaluated.report.as_deref()).map(text_of),
        "best_validation": outcome.best,
        "memory_expected_bytes": outcome.memory.total(),
        "warnings": warnings_of(outcome, evaluated),
    })
}

fn lines_of(outcome: &Outcome, evaluated: Option<&Evaluated>) -> String {
    let of = if outcome.steps == ENDLESS { String::new() } else { format!(" of {}", outcome.steps) };
    let steps = format!("{}{of} in {:.1} s", outcome.step, outcome.seconds);
    let mut lines = Lines::default().line("run", outcome.run.display()).line("steps", steps);
    let (name, unit) = match outcome.loss_name {
        "loss_per_dim" => ("loss".to_string(), " per dimension"),
        other => (other.replace('_', " "), ""),
    };
    for (rows, loss) in [("training", outcome.loss_per_dim), ("validation", outcome.validation_loss_per_dim)]
    {
        if let Some(loss) = loss {
            lines = lines.line(&format!("{rows} {name}"), format!("{}{unit}", decimal(loss, 4)));
        }
    }
    if let Some(best) = outcome.best.filter(|best| best.step != outcome.step) {
        lines =
            lines.line("lowest validation", format!("{}{unit} at step {}", decimal(best.loss, 4), best.step));
    }
    if let Some(evaluated) = evaluated {
        lines = lines.evaluation(&evaluated.evaluation);
    }
    lines = lines.shown_warnings(&outcome.warnings);
    lines = evaluated.iter().fold(lines, |lines, evaluated| lines.warnings(&evaluated.warnings));
    lines.report(evaluated.and_then(|evaluated| evaluated.report.as_deref())).text()
}

/// What the user must know of the training and of its evaluation.
pub(crate) fn warnings_of(outcome: &Outcome, evaluated: Option<&Evaluated>) -> Vec<String> {
    let further = evaluated.iter().flat_map(|evaluated| &evaluated.warnings);
    outcome.warnings.iter().chain(further).cloned().collect()
}
