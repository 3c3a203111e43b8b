//! `enscore logz`: log Z of a model, with what says how far to trust it.

use std::path::Path;

use enscore::evaluate::{LogZEstimate, LogZMethod, LogZSettings, Normaliser, Temperatures};
use enscore::memory::MemoryLimit;
use enscore::report::measured;
use enscore::sample::ModelFile;
use enscore::source::ModelSource;
use enscore::text::decimal;
use enscore::trained::key_of;
use enscore::{Error, Result};
use serde_json::json;

use super::evaluate::threads_of;
use crate::args::{Logz, Method};
use crate::context::Context;
use crate::given;
use crate::output::{Answer, Lines, text_of};
use crate::progress::Progress;

pub(crate) fn run(context: &Context, arguments: &Logz) -> Result<Answer> {
    given::model(&arguments.model)?;
    arguments.data.as_deref().map_or(Ok(()), given::data)?;
    let settings = settings_of(arguments)?;
    let work = || {
        let mut progress = Progress::new(context);
        let mut tell = |phase: &str, done, total| progress.phase(phase, done, total);
        refuse_sets_of_runs(&arguments.model, &arguments.set)?;
        let source = ModelSource::open(&arguments.model, &arguments.set)?;
        refuse_beyond_memory(&source, arguments)?;
        let data = arguments.data.as_deref();
        let normaliser = source.log_z(&arguments.model, data, &settings, &mut tell)?;
        progress.end();
        // What took so long to compute is said, whether it can be stored or not.
        let better = normaliser.better_kept(&arguments.model);
        let unkept = if is_another_model(&arguments.set) {
            Some("log Z was not stored: it is that of the model under --set".to_string())
        } else if better.is_none() {
            normaliser.keep(&arguments.model).err().map(|error| format!("log Z was not stored: {error}"))
        } else {
            None
        };
        Ok((normaliser, better, unkept))
    };
    let (found, better, unkept) = context.on_threads(threads_of(&arguments.model), work)?;
    let estimate = found.estimate.as_ref().ok_or_else(|| Error::run("log Z was not estimated"))?;
    Ok(answer(&arguments.model, estimate, better.as_ref(), unkept))
}

/// A weight of each chain is held, and the samples that reverse chains start from.
fn refuse_beyond_memory(source: &ModelSource, arguments: &Logz) -> Result<()> {
    let row_len: usize = source.row_shape().iter().product();
    let samples = match arguments.method {
        Method::ReverseAis | Method::Bracket => 8.0 * row_len as f64,
        Method::Exact | Method::Ais => 0.0,
    };
    let chains = arguments.chains;
    let needed = f64::from(chains) * (64.0 + samples);
    let refused = MemoryLimit::free().refuse_beyond("the chains need", &format!("--chains {chains}"), needed);
    refused.map_err(|error| error.remedy("ask for fewer chains, or more --temperatures"))
}

/// Of a run only the state can be chosen: other keys don't change what it says of rows.
pub(crate) fn refuse_sets_of_runs(model: &Path, sets: &[String]) -> Result<()> {
    let other = sets.iter().find(|set| !["train.keep", "data.path"].contains(&key_of(set)));
    match other.filter(|_| !ModelFile::is_at(model)) {
        Some(set) => {
            Err(Error::input("this key can't be set for a run").at(format!("--set {set}")).expected(
                "train.keep=best, train.keep=last, or data.path=FILE where the training data has moved",
            ))
        }
        None => Ok(()),
    }
}

/// Whether overrides choose another model than the one that is opened without them.
pub(crate) fn is_another_model(sets: &[String]) -> bool {
    sets.iter().any(|set| key_of(set) != "data.path")
}

fn settings_of(arguments: &Logz) -> Result<LogZSettings> {
    let method = match arguments.method {
        Method::Exact => LogZMethod::Exact,
        Method::Ais => LogZMethod::Ais,
        Method::ReverseAis => LogZMethod::ReverseAis,
        Method::Bracket => LogZMethod::Bracket,
    };
    if arguments.chains < 2 {
        return Err(Error::input("too few chains")
            .at("--chains")
            .found(arguments.chains)
            .expected("at least 2"));
    }
    if arguments.width.is_nan() || arguments.width <= 0.0 {
        return Err(Error::input("invalid bracket width")
            .at("--width")
            .found(arguments.width)
            .expected("a number above 0, in nats"));
    }
    let temperatures = arguments.temperatures.as_deref().map(temperatures).transpose()?;
    Ok(LogZSettings {
        method,
        chains: arguments.chains as usize,
        temperatures,
        sweeps: arguments.sweeps as usize,
        width: arguments.width,
        seed: arguments.seed,
    })
}

fn temperatures(text: &str) -> Result<Temperatures> {
    match text {
        "published" => Temperatures::published(),
        text => match text.parse::<u32>() {
            Ok(0) => {
                Err(Error::input("too few temperatures").at("--temperatures").found(0).expected("at least 1"))
            }
            Ok(steps) => Temperatures::linear(steps as usize),
            Err(_) if text.parse::<f64>().is_ok() => Err(Error::input("invalid number of temperatures")
                .at("--temperatures")
                .found(text)
                .expected("a whole number of steps, at least 1, `published` or a file")),
            Err(_) => Temperatures::read(Path::new(text)),
        },
    }
}

/// `better` is an exact value that stays kept instead of an estimate.
fn answer(
    model: &Path,
    estimate: &LogZEstimate,
    better: Option<&Normaliser>,
    unkept: Option<String>,
) -> Answer {
    let kept = (unkept.is_none() && better.is_none()).then(|| Normaliser::file(model));
    let warnings: Vec<String> = estimate.warnings().into_iter().chain(unkept).collect();
    let json = json!({
        "model": text_of(model), "log_z": estimate.log_z, "std_err": estimate.std_err, "ess": estimate.ess,
        "chains": estimate.chains, "temperatures": estimate.temperatures, "method": estimate.method,
        "detail": estimate.detail, "lower": estimate.lower, "upper": estimate.upper, "reverse": estimate.reverse,
        "upper_variance": estimate.upper_variance, "pareto_shape": estimate.pareto_shape,
        "kept": kept.is_some(), "out": kept.as_deref().map(text_of), "warnings": warnings,
    });
    let mut lines = Lines::default()
        .line("model", model.display())
        .line("log Z", in_nats(estimate.log_z, estimate.std_err))
        .line("method", format!("{}, {}", estimate.method, estimate.detail));
    if let (Some(ess), Some(chains), Some(steps)) = (estimate.ess, estimate.chains, estimate.temperatures) {
        lines =
            lines.line("chains", format!("{chains}, effective sample size {ess:.1}; {steps} temperatures"));
    }
    if let Some(reverse) = &estimate.reverse {
        let value = measured(reverse.log_z, Some(reverse.std_err));
        let text = format!("{value} nats, effective sample size {:.1}", reverse.ess);
        lines = lines.line("reverse", text);
    }
    for (name, bound) in [("lower", estimate.lower), ("upper", estimate.upper)] {
        if let Some(bound) = bound.filter(|bound| *bound != estimate.log_z) {
            lines = lines
                .line(name, format!("{} nats, two standard errors beyond the estimate", decimal(bound, 4)));
        }
    }
    lines = lines.warnings(&warnings);
    if let Some(kept) = &kept {
        lines = lines.line("written", kept.display());
    }
    if let Some(exact) = better {
        let file = Normaliser::file(model);
        let text = format!("exact value {:.4} nats stays in {}", exact.log_z, file.display());
        lines = lines.line("kept", text);
    }
    Answer::new(json, lines.text())
}

/// An exact value has no error to show.
fn in_nats(log_z: f64, std_err: f64) -> String {
    let exact = if std_err > 0.0 { "" } else { ", exact" };
    format!("{} nats{exact}", measured(log_z, Some(std_err)))
}
