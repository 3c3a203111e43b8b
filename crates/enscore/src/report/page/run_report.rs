//! The report of a run: what its folder holds, put on one page.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::contents::{Fact, Figure, Metric, Report, SigmaLoss, Timing};
use super::html::render;
use crate::checkpoint::{REPORT, RunFolder, read_metrics_to};
use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::evaluate::{Evaluation, HeldOutFigure, Rows, nearest};
use crate::files::write_bytes_atomically;
use crate::report::citations::works;
use crate::report::{
    Chart, Image, Mark, Scale, Scatter, Series, diagnostic, filters, gradient_norm, learning_rate,
    loss_curve, measured, png, sheet, sigma_losses,
};
use crate::sample::{TrainedModel, draw};
use crate::settings::Settings;
use crate::trained::Trained;

/// Samples on a sheet, and pairs of a sample with its nearest training row.
const SHEET: usize = 64;

/// A report on disk.
#[derive(Clone, Debug)]
pub struct WrittenReport {
    /// The page.
    pub path: PathBuf,
    /// Why it has no curves of the training, where it has none.
    pub damage: Option<String>,
}

/// The seed of the pictures drawn while training.
const PICTURE_SEED: u64 = 0;

/// An image's three extents, if rows are images that can be drawn.
pub fn image_shape(row_shape: &[usize]) -> Option<[usize; 3]> {
    row_shape.try_into().ok().filter(|[_, _, channels]: &[usize; 3]| *channels == 1 || *channels == 3)
}

/// A sheet of rows that are images; for rows of two numbers none (they are drawn as a scatter).
///
/// # Errors
/// Values that are not finite.
pub fn picture(rows: &[f32], row_shape: &[usize]) -> Result<Option<Image>> {
    match image_shape(row_shape) {
        Some(shape) => {
            let len = (SHEET * shape.iter().product::<usize>()).min(rows.len());
            sheet::sheet(&rows[..len], shape, sheet::COLUMNS, sheet::enlargement(shape), sheet::GAP).map(Some)
        }
        None => Ok(None),
    }
}

/// Draws a sheet of samples into the run's folder while it trains. Rows that are not images are not drawn.
///
/// # Errors
/// A sampler that diverges, a folder that can't be written.
pub fn write_sheet(model: &TrainedModel, settings: &Settings, folder: &RunFolder, step: u64) -> Result<()> {
    if image_shape(&model.data.row_shape).is_none() {
        return Ok(());
    }
    let count = settings.sampler().count.min(SHEET);
    let drawn = draw(model, settings.sampler(), count, PICTURE_SEED, 0, &mut |_, _| Ok(()))?;
    match picture(drawn.shown(), &model.data.row_shape)? {
        Some(image) => png::write(&folder.samples_path().join(format!("step-{step:09}.png")), &image),
        None => Ok(()),
    }
}

/// Writes report.html of a run into the folder `out`, with the pictures of `evaluation` beside it. Metrics
/// that can't be read leave the report without its curves, and with the reason.
///
/// # Errors
/// A folder that can't be written.
pub fn write_report(
    folder: &RunFolder,
    out: &Path,
    trained: &Trained,
    training: &Subset,
    evaluation: &Evaluation,
) -> Result<WrittenReport> {
    let read = read_metrics_to(&folder.metrics_path(), &trained.metrics);
    let damage = read.as_ref().err().map(|error| format!("no curves of the training: {error}"));
    let rows = read.map(|metrics| metrics.rows).unwrap_or_default();
    let shape = &trained.model.data.row_shape;
    let mut report = Report {
        title: title(trained),
        summary: summary(trained, evaluation),
        figures: figures(trained, folder, evaluation).into_iter().chain(kept(trained, &rows)).collect(),
        warnings: trained
            .warnings
            .iter()
            .chain(&evaluation.notes)
            .cloned()
            .chain(returns(&rows))
            .chain(damage.clone())
            .collect(),
        curves: if damage.is_none() { curves(&rows, evaluation) } else { Vec::new() },
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
        environment: environment(folder),
        works: works(trained, evaluation),
        ..Report::default()
    };
    add_filters(&mut report, out, trained)?;
    add_pictures(&mut report, out, training, shape, evaluation)?;
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
    format!(
        "After {} steps the loss per dimension on {} held-out rows is {:.4} ± {:.4}{beside}.",
        trained.step, loss.rows, loss.loss_per_dim, loss.std_err
    )
}

fn figures(trained: &Trained, folder: &RunFolder, evaluation: &Evaluation) -> Vec<Fact> {
    let loss = evaluation.loss.iter();
    let mut facts: Vec<Fact> = loss
        .map(|loss| Fact::new("held-out loss per dimension", format!("{:.4}", loss.loss_per_dim)))
        .collect();
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

fn metric(metric: &crate::evaluate::TwoSample) -> Metric {
    Metric { name: metric.name.clone(), value: metric.value, null: Some(metric.null), n: Some(metric.n) }
}

fn refused(evaluation: &Evaluation) -> Vec<Fact> {
    let refused = evaluation.refused_figures.iter().chain(&evaluation.refused_metrics);
    refused.map(|refused| Fact::new(&refused.label, &refused.reason)).collect()
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

/// Points of one column of the metrics over steps.
fn column(rows: &[Map<String, Value>], name: &str) -> Vec<(f64, f64)> {
    let number = |row: &Map<String, Value>, key: &str| row.get(key).and_then(Value::as_f64);
    rows.iter().filter_map(|row| Some((number(row, "step")?, number(row, name)?))).collect()
}

/// The first validation with the lowest loss: the state that is kept beside the last.
fn lowest(validation: &[(f64, f64)]) -> Option<(f64, f64)> {
    validation.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Where the validation loss was lowest, and which of the two states this report is of.
fn kept(trained: &Trained, rows: &[Map<String, Value>]) -> Option<Fact> {
    let validation = column(rows, "validation_loss_per_dim");
    let (step, loss) = lowest(&validation)?;
    let here =
        if trained.step as f64 == step { "the state of this report" } else { "kept beside the last state" };
    Some(Fact::new("lowest validation loss", format!("{loss:.4} at step {step}, {here}")))
}

fn curves(rows: &[Map<String, Value>], evaluation: &Evaluation) -> Vec<Figure> {
    let train = column(rows, "loss_per_dim");
    let validation = column(rows, "validation_loss_per_dim");
    let levels: Vec<_> = evaluation.loss.iter().flat_map(|loss| &loss.levels).collect();
    let losses: Vec<(f64, f64)> = levels.iter().map(|level| (level.sigma, level.loss)).collect();
    let affine = evaluation.affine.iter().flatten();
    let affine: Vec<(f64, f64)> =
        levels.iter().zip(affine).map(|(level, loss)| (level.sigma, *loss)).collect();
    // A logarithmic axis has no place for losses that fall below 0.
    let scale =
        if train.iter().chain(&validation).all(|(_, loss)| *loss > 0.0) { Scale::Log } else { Scale::Linear };
    let mut loss = loss_curve(&train, &validation, scale, None);
    if let Some(lowest) = lowest(&validation) {
        loss.series.push(Series::new("lowest validation", &[lowest], Mark::Dots));
    }
    let mut charts: Vec<(&str, Chart)> = vec![("Loss over training", loss)];
    if !losses.is_empty() {
        charts.push(("Held-out loss per dimension at each noise level", sigma_losses(&losses, &affine)));
    }
    for (caption, name, axis) in DIAGNOSTICS {
        let points = column(rows, name);
        if !points.is_empty() {
            charts.push((caption, diagnostic(&points, axis)));
        }
    }
    charts.push(("Learning rate", learning_rate(&column(rows, "learning_rate"))));
    charts.push(("Norm of the gradient", gradient_norm(&column(rows, "gradient_norm"))));
    charts.into_iter().map(|(caption, chart)| Figure::chart(caption, chart)).collect()
}

/// Further curves, where the objective reports them: caption, key of the metrics, axis.
const DIAGNOSTICS: [(&str, &str, &str); 9] = [
    ("Energy gap: mean log density of data minus that of chains", "energy_gap", "nats"),
    (
        "Mean log density of training rows minus that of validation rows, with averaged weights",
        "free_energy_gap",
        "nats",
    ),
    ("Pseudo-log-likelihood of validation rows", "pseudo_log_likelihood", "nats"),
    ("Reconstruction error of validation rows", "validation_reconstruction_error", "squared units"),
    ("Reconstruction error of training batches", "reconstruction_error", "squared units"),
    ("Acceptance rate of swaps between tempered chains", "swapped", "fraction"),
    ("Learnt log Z", "log_z", "nats"),
    ("Accuracy of data against noise", "accuracy", "fraction"),
    ("Log-likelihood of the flow on training batches", "flow_log_likelihood", "nats"),
];

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

fn environment(folder: &RunFolder) -> Vec<Fact> {
    let manifest = folder.manifest();
    vec![
        Fact::new("enscore", &manifest.enscore),
        Fact::new("instructions", &manifest.instructions),
        Fact::new("seed", manifest.seed),
    ]
}

/// The weights of the hidden units of a machine of images.
fn add_filters(report: &mut Report, out: &Path, trained: &Trained) -> Result<()> {
    let Some(name) = trained.settings.model().method().filters() else { return Ok(()) };
    let Some(shape) = image_shape(&trained.model.data.row_shape) else { return Ok(()) };
    let weights = trained.model.weights.get(name)?;
    if let Some(image) = filters(&weights, shape, sheet::enlargement(shape))? {
        png::write(&out.join("filters.png"), &image)?;
        let caption =
            "Weights of the hidden units with the largest norm: white excites the unit, black inhibits it";
        report.filters = Some(Figure::picture(caption, &image)?);
    }
    Ok(())
}

fn add_pictures(
    report: &mut Report,
    out: &Path,
    training: &Subset,
    row_shape: &[usize],
    evaluation: &Evaluation,
) -> Result<()> {
    if evaluation.samples.is_empty() {
        return Ok(());
    }
    let row_len: usize = row_shape.iter().product();
    let real = rows_of(training, SHEET.max(2000))?;
    let Some(shape) = image_shape(row_shape) else {
        if row_len == 2 {
            let scatter = Scatter::new("Samples and data", ["x1", "x2"], &real, &evaluation.samples, 2)?;
            report.samples = Some(Figure::scatter("Samples over training rows", scatter));
        }
        return Ok(());
    };
    let save = |name: &str, image: &Image| png::write(&out.join(name), image);
    if let Some(image) = picture(&evaluation.samples, row_shape)? {
        save("samples.png", &image)?;
        report.samples = Some(Figure::picture("Samples", &image)?);
    }
    if let Some(image) = picture(&real, row_shape)? {
        report.real = Some(Figure::picture("Training data", &image)?);
    }
    let pairs = nearest_pairs(training, evaluation, shape)?;
    save("nearest.png", &pairs)?;
    report.nearest =
        Some(Figure::picture("Each sample (left) with its nearest training image (right)", &pairs)?);
    if !evaluation.trajectory.is_empty() {
        let chains = evaluation.trajectory.len() / row_len / evaluation.stages.max(1);
        let strip =
            sheet::trajectory(&evaluation.trajectory, chains, shape, sheet::enlargement(shape), sheet::GAP)?;
        save("trajectory.png", &strip)?;
        report.trajectory = Some(Figure::picture(
            "One chain per row: the start, then the end of each noise level or part of the chain",
            &strip,
        )?);
    }
    Ok(())
}

fn nearest_pairs(training: &Subset, evaluation: &Evaluation, shape: [usize; 3]) -> Result<Image> {
    let row_len: usize = shape.iter().product();
    let samples = &evaluation.samples[..(SHEET * row_len).min(evaluation.samples.len())];
    let all = rows_of(training, usize::MAX)?;
    let found = nearest(Rows::new(samples, row_len)?, Rows::new(&all, row_len)?)?;
    let rows: Vec<f32> = found
        .iter()
        .flat_map(|near| all[near.index * row_len..(near.index + 1) * row_len].iter().copied())
        .collect();
    sheet::pairs(samples, &rows, shape, sheet::COLUMNS, sheet::enlargement(shape), sheet::GAP)
}
