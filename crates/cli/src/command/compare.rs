//! `enscore compare`: several trainings of the same data in one table and one picture.

use enscore::compare::compare;
use enscore::settings;
use enscore::{Error, Reason, Result};
use serde_json::json;

use super::train::default_run;
use crate::args::Compare;
use crate::context::Context;
use crate::given;
use crate::output::{Answer, Lines, text_of};
use crate::progress::Progress;

pub(crate) fn run(context: &Context, arguments: &Compare) -> Result<Answer> {
    given::settings(&arguments.settings)?;
    let wanted = settings::Compare::load(&arguments.settings, &arguments.set, &arguments.seeds)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => default_run(&arguments.settings)?,
    };
    let first = wanted.trainings.first().and_then(|training| training.runs.first());
    let threads = first.map_or(0, |run| run.settings.train().threads);
    let outcome = context.on_threads(threads, || {
        let mut progress = Progress::new(context);
        std::fs::create_dir_all(&out).map_err(|reason| {
            Error::new(Reason::Unwritable, "can't create the folder of the comparison")
                .at(out.display())
                .found_error(reason)
        })?;
        let outcome =
            compare(&wanted, &out, arguments.format.into(), &|| context.signals.came(), &mut progress)?;
        progress.end();
        Ok(outcome)
    })?;
    let files: Vec<String> = outcome.files.iter().map(|file| text_of(file)).collect();
    let mut json = json!(outcome);
    json["files"] = json!(files);
    let lines = Lines::default().warnings(&outcome.warnings);
    let lines = files.iter().fold(lines, |lines, file| lines.line("written", file));
    Ok(Answer::new(json, format!("{}\n{}", outcome.text, lines.text())))
}
