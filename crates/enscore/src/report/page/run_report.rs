//! The report of a run: what its folder holds, put on one page.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::collapse::collapsed;
use super::contents::{Fact, Metric, Report, SigmaLoss, Timing};
use super::curves::{column, curves, lowest};
use super::glossary::glossary;
use super::html::render;
use super::latents::add_latents;
use super::mixing::unmixed_chains;
use super::origin::{environment, files_beside};
use super::pictures::{add_filters, add_pictures};
use super::verdict::findings;
use crate::checkpoint::{REPORT, RunFolder, read_metrics_to};
use crate::data::Subset;
use crate::error::Result;
use crate::evaluate::{Evaluation, HeldOut, HeldOutFigure};
use crate::files::write_bytes_atomically;
use crate::report::citations::works;
use crate::report::measured;
use crate::trained::Trained;

/// A report on disk.
#[derive(Clone, Debug)]
pub struct WrittenReport {
    /// The page.
    pub path: PathBuf,
    /// Why it has no curves of the training, where it has none.
    pub damage: Option<String>,
}

/// What a report is made of.
pub struct ReportRequest<'a> {
    /// The run's folder.
    pub folder: &'a RunFolder,
    /// The folder that the report and its pictures are written to.
    pub out: &'a Path,
    /// The run.
    pub trained: &'a Trained,
    /// The rows that it learnt from.
    pub training: &'a Subset,
    /// The rows that it is evaluated on.
    pub held_out: &'a Subset,
    /// What its evaluation found.
    pub evaluation: &'a Evaluation,
    /// The command that asked for the report, as it was typed; none of a program.
    pub command: Option<&'a str>,
}

/// Writes report.html of a run, with the pictures of the evaluation beside it. Metrics that can't be read
/// leave the report without its curves, and with the reason.
///
/// # Errors
/// A folder that can't be written.
pub fn write_report(request: &ReportRequest) -> Result<WrittenReport> {
    let ReportRequest { folder, out, trained, training, held_out, evaluation, command } = *request;
    let read = read_metrics_to(&folder.metrics_path(), &trained.metrics);
    let damage = read.as_ref().err().map(|error| format!("no curves of the training: {error}"));
    let rows = read.map(|metrics| metrics.rows).unwrap_or_default();
    let (curves, constants) =
        if damage.is_none() { curves(&rows, evaluation)? } else { (Vec::new(), Vec::new()) };
    let mut report = Report {
        title: title(trained),
        summary: summary(trained, evaluation),
        figures: figures(trained, folder, evaluation).into_iter().chain(kept(trained, &rows)).collect(),
        findings: findings(evaluation, &column(&rows, "validation_loss_per_dim")),
        warnings: trained
            .warnings
            .iter()
            .chain(&evaluation.notes)
            .chain(&evaluation.warnings)
            .cloned()
            .chain(returns(&rows))
            .chain(unmixed_chains(&rows))
            .chain(collapsed(&rows))
            .chain(damage.clone())
            .collect(),
        curves,
        constants,
        metrics: evaluation.metrics.iter().map(metric).collect(),
        refused: refused(evaluation),
        sigma_losses: level_losses(evaluation),
        data: data_facts(trained, training),
        settings: trained.settings.to_toml(),
        timings: vec![Timing {
            name: "training".into(),
            seconds: trained.seconds,
            steps: Some(trained.step),
        }],
        environment: environment(folder, command),
        works: works(trained, evaluation),
        glossary: glossary(evaluation),
        ..Report::default()
    };
    add_filters(&mut report, out, trained)?;
    add_latents(&mut report, &trained.model, held_out)?;
    add_pictures(&mut report, out, trained, training, evaluation)?;
    report.files = files_beside(out);
    let path = out.join(REPORT);
    write_bytes_atomically(&path, render(&report).as_bytes())?;
    Ok(WrittenReport { path, damage })
}

/// The times that the training diverged and went back to a good state, one line each.
fn returns(rows: &[Map<String, Value>]) -> impl Iterator<Item = String> + '_ {
    rows.iter().filter_map(|row| {
        let why = row.get("rollback")?.as_str()?;
        let from = row.get("rollback_from")?.as_u64()?;
        let to = row.get("step")?.as_u64()?;
        let scale = row.get("rate_scale")?.as_f64()?;
        Some(format!(
            "Diverged at step {from}: {why}. Resumed from step {to} with {scale:.2e} of the learning rate."
        ))
    })
}

/// What was trained on what.
fn title(trained: &Trained) -> String {
    let noun = trained.settings.model().method().noun();
    let capital = noun[..1].to_uppercase();
    let what = format!("{capital}{}", &noun[1..]);
    format!("{what} trained on {}", trained.model.data.name)
}

fn summary(trained: &Trained, evaluation: &Evaluation) -> String {
    let Some(loss) = &evaluation.loss else {
        let figures = evaluation.figures.iter().map(|figure| format!("{} {}", figure.label, shown(figure)));
        let figures = figures.collect::<Vec<_>>().join("; ");
        return format!(
            "After {} steps by {}: {figures}.",
            trained.step,
            trained.settings.objective().name()
        );
    };
    let affine = evaluation.affine.as_ref().map(|losses| losses.iter().sum::<f64>() / losses.len() as f64);
    let beside = affine.map_or(String::new(), |affine| format!("; the best affine network has {affine:.4}"));
    let rows = if evaluation.held_out == HeldOut::Other { "rows of other data" } else { "held-out rows" };
    format!(
        "After {} steps the loss per dimension on {} {rows} is {:.4} ± {:.4}{beside}.",
        trained.step, loss.rows, loss.loss_per_dim, loss.std_err
    )
}

fn figures(trained: &Trained, folder: &RunFolder, evaluation: &Evaluation) -> Vec<Fact> {
    let is_other = evaluation.held_out == HeldOut::Other;
    let name = if is_other { "loss per dimension on other data" } else { "held-out loss per dimension" };
    let loss = evaluation.loss.iter();
    let mut facts: Vec<Fact> =
        loss.map(|loss| Fact::new(name, format!("{:.4}", loss.loss_per_dim))).collect();
    facts.extend(evaluation.figures.iter().map(|figure| Fact::new(&figure.label, shown(figure))));
    if trained.model.temperature != 1.0 {
        facts.push(Fact::new("temperature of the chains", format!("{:.4e}", trained.model.temperature)));
    }
    facts.extend([
        Fact::new("steps", trained.step),
        Fact::new("parameters", folder.manifest().parameters),
        Fact::new("steps per second", format!("{:.2}", trained.step as f64 / trained.seconds.max(1e-9))),
    ]);
    facts
}

/// Where the validation loss was lowest, and which of the two states this report is of.
fn kept(trained: &Trained, rows: &[Map<String, Value>]) -> Option<Fact> {
    let validation = column(rows, "validation_loss_per_dim");
    let (step, loss) = lowest(&validation)?;
    let here =
        if trained.step as f64 == step { "the state of this report" } else { "kept beside the last state" };
    Some(Fact::new("lowest validation loss", format!("{loss:.4} at step {step}, {here}")))
}

fn metric(metric: &crate::evaluate::TwoSample) -> Metric {
    Metric { name: metric.name.clone(), value: metric.value, null: Some(metric.null), n: Some(metric.n) }
}

fn refused(evaluation: &Evaluation) -> Vec<Fact> {
    evaluation.refused().iter().map(|refused| Fact::new(&refused.label, &refused.reason)).collect()
}

fn level_losses(evaluation: &Evaluation) -> Vec<SigmaLoss> {
    let affine = |i: usize| evaluation.affine.as_ref().map(|losses| losses[i]);
    let level = |(i, level): (usize, &crate::evaluate::LevelLoss)| SigmaLoss {
        sigma: level.sigma,
        loss: level.loss,
        baseline: affine(i),
    };
    evaluation.loss.iter().flat_map(|loss| &loss.levels).enumerate().map(level).collect()
}

/// A figure with its standard error and its unit.
fn shown(figure: &HeldOutFigure) -> String {
    let text = measured(figure.value, figure.std_err);
    if figure.unit.is_empty() { text } else { format!("{text} {}", figure.unit) }
}

fn data_facts(trained: &Trained, training: &Subset) -> Vec<Fact> {
    let data = &trained.model.data;
    vec![
        Fact::new("name", &data.name),
        Fact::new("source", training.dataset().source()),
        Fact::new("training rows", training.rows().len()),
        Fact::new("row shape", format!("{:?}", data.row_shape)),
        Fact::new("variance per element", format!("{:.5}", data.variance)),
        Fact::new("fingerprint", &data.fingerprint),
    ]
}
