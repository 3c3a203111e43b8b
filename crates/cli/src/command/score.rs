//! `enscore score`: what a trained model says of each row of a data set.

use std::path::{Path, PathBuf};

use enscore::checkpoint::atomic::write_bytes_atomically;
use enscore::evaluate::{Normaliser, Origin, RowScores, normaliser, rows_for, score_rows};
use enscore::report::table;
use enscore::sample::Trained;
use enscore::{Error, Result};
use serde_json::json;

use super::evaluate::threads_of;
use crate::Context;
use crate::args::Score;
use crate::output::{Answer, Lines, text_of};

pub(crate) fn run(context: &Context, arguments: &Score) -> Result<Answer> {
    context.on_threads(threads_of(&arguments.run), || score(arguments))
}

fn score(arguments: &Score) -> Result<Answer> {
    let out = out_of(arguments)?;
    let trained = Trained::open(&arguments.run, &[])?;
    let normaliser = normaliser_of(arguments, &trained)?;
    let rows = rows_for(&trained, &arguments.data)?;
    let scores = score_rows(&trained, &rows)?;
    let (names, values) = columns(&scores, normaliser.map(|normaliser| normaliser.log_z));
    write(&out, &names, &values)?;
    if let Some(normaliser) = &normaliser {
        normaliser::keep(&arguments.run, normaliser)?;
    }
    let count = scores.score_norm.len();
    let means: Vec<(&str, f64)> = names
        .iter()
        .enumerate()
        .map(|(i, name)| (*name, values.iter().skip(i).step_by(names.len()).sum::<f64>() / count as f64))
        .collect();
    let mut lines = Lines::default()
        .line("run", format!("{}, step {}", arguments.run.display(), trained.step))
        .line("rows", format!("{count} of {}", arguments.data));
    if let Some(normaliser) = &normaliser {
        let error = normaliser.error.map_or(String::new(), |error| format!(" ± {error:.1e}"));
        lines =
            lines.line("log Z", format!("{:.4}{error} nats, {}", normaliser.log_z, of(normaliser.origin)));
    }
    for (name, mean) in &means {
        lines = lines.line(&format!("mean {name}"), format!("{mean:.4}"));
    }
    let json = json!({
        "run": text_of(&arguments.run), "step": trained.step, "rows": count, "columns": names,
        "means": means.iter().map(|(name, mean)| (name.to_string(), json!(mean))).collect::<serde_json::Map<_, _>>(),
        "log_z": normaliser, "temperature": trained.model.temperature, "out": text_of(&out),
        "warnings": trained.warnings,
    });
    Ok(Answer::new(json, lines.warnings(&trained.warnings).line("scores", out.display()).text()))
}

fn of(origin: Origin) -> &'static str {
    match origin {
        Origin::Learnt => "learnt with the model",
        Origin::Normalised => "the model is normalised",
        Origin::Quadrature => "by quadrature",
        Origin::Given => "as given",
    }
}

/// What the user gave, else what is known.
fn normaliser_of(arguments: &Score, trained: &Trained) -> Result<Option<Normaliser>> {
    match arguments.log_z {
        Some(log_z) if !log_z.is_finite() => {
            Err(Error::input("not a log Z").at("--log-z").found(log_z).expected("a finite number of nats"))
        }
        Some(_) if !trained.model.model.has_density() => Err(Error::input("a score network has no log Z")
            .at("--log-z")
            .remedy("leave --log-z out: the length of the score is written")),
        Some(log_z) => Ok(Some(Normaliser { log_z, origin: Origin::Given, error: None, step: trained.step })),
        None => normaliser::known(&arguments.run, trained),
    }
}

/// The columns' names, and the values row by row.
fn columns(scores: &RowScores, log_z: Option<f64>) -> (Vec<&'static str>, Vec<f64>) {
    let mut columns: Vec<(&'static str, Vec<f64>)> = Vec::new();
    if let Some(log_density) = &scores.log_density {
        columns.push(("log_density", log_density.clone()));
        if let Some(log_z) = log_z {
            columns.push(("log_p", log_density.iter().map(|f| f - log_z).collect()));
        }
    }
    columns.push(("score_norm", scores.score_norm.clone()));
    let rows = 0..scores.score_norm.len();
    let values = rows.flat_map(|row| columns.iter().map(move |(_, column)| column[row])).collect();
    (columns.iter().map(|(name, _)| *name).collect(), values)
}

fn out_of(arguments: &Score) -> Result<PathBuf> {
    let out = arguments.out.clone().unwrap_or_else(|| arguments.run.join("scores.csv"));
    let ending = out.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    if !matches!(ending.as_deref(), Some("csv" | "npy")) {
        return Err(Error::input("scores are written as .csv or .npy").at(out.display()));
    }
    super::sample::refuse_missing_folder(&out)?;
    Ok(out)
}

fn write(out: &Path, names: &[&str], values: &[f64]) -> Result<()> {
    if out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        return write_bytes_atomically(out, &table::npy(&values, &[names.len()])?);
    }
    let mut text = names.join(",") + "\n";
    for row in values.chunks_exact(names.len()) {
        text.push_str(&row.iter().map(|value| format!("{value:.9}")).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    write_bytes_atomically(out, text.as_bytes())
}
