//! `enscore score`: what a trained model says of each row of a data set.

use std::path::{Path, PathBuf};

use enscore::evaluate::{LogZEstimate, LogZOrigin, Mean, Normaliser, RowScores};
use enscore::files::write_bytes_atomically;
use enscore::report::{measured, table};
use enscore::sample::ModelFile;
use enscore::source::{ModelSource, Scored};
use enscore::{Error, Reason, Result};
use serde_json::{Map, json};

use super::evaluate::threads_of;
use super::logz::{is_another_model, refuse_sets_of_runs};
use crate::args::Score;
use crate::context::Context;
use crate::given;
use crate::output::{Answer, Lines, merged, text_of, with_error};
use crate::pictures::refuse_missing_folder;

/// A column of a table: its name and its numbers.
type Column = (String, Vec<f64>);

pub(crate) fn run(context: &Context, arguments: &Score) -> Result<Answer> {
    given::model_and_data(&arguments.run, &arguments.data)?;
    context.on_threads(threads_of(&arguments.run), || score(arguments))
}

fn score(arguments: &Score) -> Result<Answer> {
    let out = out_of(arguments)?;
    arguments.features.as_deref().map_or(Ok(()), refuse_other_ending)?;
    let log_z = arguments.log_z.map(finite).transpose()?;
    refuse_sets_of_runs(&arguments.run, &arguments.set)?;
    let source = ModelSource::open(&arguments.run, &arguments.set)?;
    let scored = source.score(&arguments.run, &arguments.data, log_z, arguments.draws as usize)?;
    let features = match &arguments.features {
        Some(path) => {
            let (values, units) = source.features(&arguments.data)?;
            let letter = if has_latents(&source) { "z" } else { "h" };
            let column = |unit: usize| values.iter().skip(unit).step_by(units.max(1)).copied().collect();
            let columns: Vec<Column> =
                (0..units).map(|unit| (format!("{letter}{}", unit + 1), column(unit))).collect();
            Some((path, columns))
        }
        None => None,
    };
    if let Some((path, columns)) = &features {
        write(path, columns, scored.scores.count(), scored.names.as_deref())?;
    }
    answer(arguments, &source, &scored, &out)
}

/// Whether features are latent variables, not hidden units.
fn has_latents(source: &ModelSource) -> bool {
    matches!(source, ModelSource::Run(trained) if trained.model.model.latent_variable().is_some())
}

/// Writes the rows, keeps the normaliser, and says both.
fn answer(arguments: &Score, source: &ModelSource, scored: &Scored, out: &Path) -> Result<Answer> {
    let Scored { scores, normaliser, names, notes } = scored;
    let normaliser = normaliser.as_ref();
    let refusal = normaliser.and_then(Normaliser::refusal);
    let usable = normaliser.filter(|_| refusal.is_none());
    let columns = columns(scores, usable.map(|normaliser| normaliser.log_z));
    let count = columns.first().map_or(0, |(_, column)| column.len());
    let mut said: Vec<String> = Normaliser::damage(&arguments.run).into_iter().collect();
    let written = match write(out, &columns, count, names.as_deref()) {
        // The means don't depend on a file that was not asked for.
        Err(error) if error.reason == Reason::Unwritable && arguments.out.is_none() => {
            said.push(format!(
                "the scores were not written: {}",
                error.remedy("name a file with --out FILE")
            ));
            None
        }
        written => written.map(|()| Some(out))?,
    };
    // A log Z that can't be read may be worth more than one that is found again: only the user replaces it.
    // That of a model under overrides is not that of the model as it is opened without them.
    let keeps = (said.is_empty() || arguments.log_z.is_some()) && !is_another_model(&arguments.set);
    if let Some(normaliser) = usable.filter(|_| keeps)
        && let Err(error) = normaliser.keep(&arguments.run)
    {
        said.push(format!("log Z was not stored: {error}"));
    }
    let mut means = columns
        .iter()
        .map(|(name, column)| Ok((name.as_str(), Mean::of(column)?)))
        .collect::<Result<Vec<_>>>()?;
    // The rows of log p share the error of log Z.
    let shared = usable.and_then(|normaliser| normaliser.error).unwrap_or(0.0);
    let of_log_p = means.iter_mut().filter(|(name, _)| name.starts_with("log_p"));
    of_log_p.for_each(|(_, mean)| mean.std_err = mean.std_err.hypot(shared));
    let path = arguments.run.display();
    let (first, more) = match source {
        ModelSource::Run(trained) => {
            let more = json!({"step": trained.step, "temperature": trained.model.temperature});
            let first = Lines::default().line("run", format!("{path}, step {}", trained.step));
            said.splice(0..0, trained.warnings.iter().cloned());
            (first, more)
        }
        ModelSource::File(_) => (Lines::default().line("model", path), json!({})),
    };
    said.extend(notes.iter().cloned());
    let mut lines = first.line("rows", format!("{count} of {}", arguments.data));
    if let Some(normaliser) = normaliser {
        let value = measured(normaliser.log_z, normaliser.error);
        lines = lines.line("log Z", format!("{value} nats, {}", of(normaliser)));
    }
    for (name, mean) in &means {
        lines =
            lines.line(&format!("mean {name}"), format!("{} {}", with_error(mean), unit_of(name, scores)));
    }
    if let Some(reason) = &refusal {
        lines = lines.line("log p", format!("not given: {reason}"));
    }
    said.extend(normaliser.map(Normaliser::warnings).unwrap_or_default());
    let values = means.iter().map(|(name, mean)| (name.to_string(), json!(mean.value)));
    let errors = means.iter().map(|(name, mean)| (name.to_string(), json!(mean.error())));
    let units = means.iter().map(|(name, _)| (name.to_string(), json!(unit_of(name, scores))));
    let json = json!({
        "run": text_of(&arguments.run), "rows": count,
        "columns": columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        "means": values.collect::<Map<_, _>>(), "std_errs": errors.collect::<Map<_, _>>(),
        "units": units.collect::<Map<_, _>>(), "log_p_left_out": refusal, "log_z": normaliser, "out": written.map(text_of), "warnings": said,
        "features": arguments.features.as_deref().map(text_of),
    });
    let json = merged(json, more.as_object().cloned().unwrap_or_default());
    lines = lines.warnings(&said);
    if let Some(out) = written {
        lines = lines.line("scores", out.display());
    }
    if let Some(path) = &arguments.features {
        lines = lines.line("features", path.display());
    }
    Ok(Answer::new(json, lines.text()))
}

fn of(normaliser: &Normaliser) -> String {
    let by = |estimate: &LogZEstimate| format!("by {}", estimate.method);
    match normaliser.origin {
        LogZOrigin::Learnt => "learnt in training".to_string(),
        LogZOrigin::Normalised => "the model is normalised".to_string(),
        LogZOrigin::Quadrature => "by quadrature".to_string(),
        LogZOrigin::Given => "given by --log-z".to_string(),
        LogZOrigin::Estimated => normaliser.estimate.as_ref().map_or("estimated".to_string(), by),
    }
}

/// What a column is counted in.
fn unit_of(column: &str, scores: &RowScores) -> &'static str {
    if column == "score_norm" { "per scaled unit" } else { scores.unit }
}

fn finite(log_z: f64) -> Result<f64> {
    if log_z.is_finite() {
        return Ok(log_z);
    }
    Err(Error::input("invalid log Z").at("--log-z").found(log_z).expected("a finite number, in nats"))
}

/// The columns by name; what is not known of rows has none.
fn columns(scores: &RowScores, log_z: Option<f64>) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    if let Some(log_density) = &scores.log_density {
        let [of_density, of_log_p] =
            if scores.is_bound { ["log_density_bound", "log_p_bound"] } else { ["log_density", "log_p"] };
        columns.push((of_density.into(), log_density.clone()));
        if let Some(log_z) = log_z {
            columns.push((of_log_p.into(), log_density.iter().map(|f| f - log_z).collect()));
        }
    }
    if !scores.score_norm.is_empty() {
        columns.push(("score_norm".into(), scores.score_norm.clone()));
    }
    columns
}

fn out_of(arguments: &Score) -> Result<PathBuf> {
    let default = || {
        let run = &arguments.run;
        if ModelFile::is_at(run) { run.with_extension("scores.csv") } else { run.join("scores.csv") }
    };
    let out = arguments.out.clone().unwrap_or_else(default);
    refuse_other_ending(&out)?;
    Ok(out)
}

/// Tables are written as CSV or npy.
fn refuse_other_ending(out: &Path) -> Result<()> {
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    if !matches!(ending.as_deref(), Some("csv" | "npy")) {
        return Err(Error::input("unsupported score format")
            .at(out.display())
            .expected("a file name ending in .csv or .npy"));
    }
    refuse_missing_folder(out)
}

/// A row a line; in a CSV file after its name, where it has one.
fn write(out: &Path, columns: &[Column], count: usize, names: Option<&[String]>) -> Result<()> {
    let row = |row: usize| columns.iter().map(move |(_, column)| column[row]);
    if out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        let values: Vec<f32> = (0..count).flat_map(row).map(|value| value as f32).collect();
        return write_bytes_atomically(out, &table::npy(&values, &[columns.len()])?);
    }
    let mut text = if names.is_some() { "file,".to_string() } else { String::new() };
    text += &(columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(",") + "\n");
    for number in 0..count {
        if let Some(name) = names.and_then(|names| names.get(number)) {
            text.push_str(&format!("{},", quoted(name)));
        }
        text.push_str(&row(number).map(|value| format!("{value:.9}")).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    write_bytes_atomically(out, text.as_bytes())
}

/// A cell of a CSV file.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_string()
}
