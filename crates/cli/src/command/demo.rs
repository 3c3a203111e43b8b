//! `enscore demo`: the built-in digits, learnt, drawn and reported on.

use std::time::Instant;

use enscore::settings::Settings;
use enscore::train::Request;
use enscore::{Error, Result};
use serde_json::json;

use super::train::{train_and_report, warnings_of};
use crate::args::Demo;
use crate::context::Context;
use crate::output::{Answer, Lines, text_of};

/// A copy of `settings/digits.toml`: the package of this crate holds nothing from outside its folder.
const SETTINGS: &str = include_str!("demo.toml");

pub(crate) fn run(context: &Context, arguments: &Demo) -> Result<Answer> {
    let out = &arguments.out;
    if out.join("manifest.json").exists() {
        return Err(Error::input("the demo was already run here").at(out.display()).remedy(format!(
            "open {}, or choose another folder with --out DIR",
            out.join("report.html").display()
        )));
    }
    let began = Instant::now();
    let sets: Vec<String> = arguments.seed.map(|seed| format!("train.seed={seed}")).into_iter().collect();
    let settings = Settings::parse(SETTINGS, "settings/digits.toml", &sets)?;
    let request = Request { run: out.clone(), resume: false, until: None };
    let (outcome, evaluated) = train_and_report(context, &settings, &request, true)?;
    let Some(evaluated) = evaluated else { return Err(Error::run("the demo was not evaluated")) };
    let seconds = began.elapsed().as_secs_f64();
    let samples = out.join("samples.png");
    let json = evaluated.json(json!({
        "run": text_of(out), "seconds": seconds, "step": outcome.step, "samples": text_of(&samples),
        "warnings": warnings_of(&outcome, Some(&evaluated)),
    }));
    let text = Lines::default()
        .line("run", out.display())
        .line("steps", format!("{} in {:.1} s", outcome.step, outcome.seconds))
        .evaluation(&evaluated.evaluation)
        .line("seconds", format!("{seconds:.1}"))
        .line("samples", samples.display())
        .shown_warnings(&outcome.warnings)
        .warnings(&evaluated.warnings)
        .report(evaluated.report.as_deref());
    Ok(Answer::new(json, text.text()))
}
