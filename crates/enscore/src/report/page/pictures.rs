//! The pictures of a run: sheets of samples and data, filters, points and their density, columns of a table.

use std::path::Path;

use super::contents::{ColumnTable, Figure, Report};
use crate::checkpoint::RunFolder;
use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::evaluate::{
    Evaluation, LatentBound, Rows, compare_columns, distance_by_chance, log_z_by_quadrature, nearest,
};
use crate::report::{Image, MOST_PAIRED, Pairs, Panel, Scatter, density_sheet, filters, png, sheet};
use crate::sample::{TrainedDensity, TrainedModel, draw};
use crate::settings::Settings;
use crate::trained::Trained;

/// Samples on a sheet, and pairs of a sample with its nearest training row.
const SHEET: usize = 64;

/// Rows of the data that pictures show, at most.
const MOST_REAL: usize = 2000;

/// Columns whose distributions are drawn, and whose figures are listed, at most: those that differ most.
const MOST_DRAWN: usize = 16;
const MOST_LISTED: usize = 40;

/// Places along each side of a density, and arrows of its score.
const PLACES: usize = 112;
const ARROWS: usize = 14;

/// Importance-weighted draws for each place of a density.
const BOUND_DRAWS: usize = 64;

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

/// The weights of the hidden units of a machine of images.
pub(super) fn add_filters(report: &mut Report, out: &Path, trained: &Trained) -> Result<()> {
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

pub(super) fn add_pictures(
    report: &mut Report,
    out: &Path,
    trained: &Trained,
    training: &Subset,
    evaluation: &Evaluation,
) -> Result<()> {
    if evaluation.samples.is_empty() {
        return Ok(());
    }
    let row_shape = &trained.model.data.row_shape;
    let row_len: usize = row_shape.iter().product();
    let real = rows_of(training, MOST_REAL)?;
    let Some(shape) = image_shape(row_shape) else {
        if row_len == 2 {
            add_points(report, trained, &real, evaluation)?;
        }
        return add_columns(report, trained, &real, evaluation);
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
            "One sample per row: the start, then the end of each noise level or part of the chain",
            &strip,
        )?);
    }
    Ok(())
}

/// The names of the columns of a row, in the units in which rows are shown.
fn column_names(trained: &Trained, row_len: usize) -> Vec<String> {
    match trained.model.data.value_names() {
        Some(names) if names.len() == row_len => names,
        _ => (1..=row_len).map(|column| format!("x{column}")).collect(),
    }
}

/// Samples over data, and the density beside them.
fn add_points(report: &mut Report, trained: &Trained, real: &[f32], evaluation: &Evaluation) -> Result<()> {
    let names = column_names(trained, 2);
    let title = format!("{}: samples and data", trained.model.data.name);
    let scatter = Scatter::new(&title, [&names[0], &names[1]], real, &evaluation.samples, 2)?;
    report.samples = Some(Figure::scatter("Samples over training rows", &scatter)?);
    let panels = density_panels(trained, real, &evaluation.rows)?;
    let panels: Vec<Panel> =
        panels.into_iter().map(|panel| panel.with_labels([&names[0], &names[1]])).collect();
    let caption = "Left the data, in the middle the samples, right the model: its density where it has one \
                   (brightness follows the square root), the length of its score where it has none, \
                   and its score as arrows";
    report.density = Some(Figure::drawing(caption, density_sheet(&panels, panels.len())?));
    Ok(())
}

/// Data, samples and model over one window.
fn density_panels(trained: &Trained, real: &[f32], samples: &[f32]) -> Result<Vec<Panel>> {
    let window = window(real);
    let points = |rows: &[f32]| -> Vec<[f64; 2]> {
        rows.chunks_exact(2).map(|row| [f64::from(row[0]), f64::from(row[1])]).collect()
    };
    let panel = |title: &str, subtitle: &str| Panel::new(title, subtitle, window);
    let rows = vec![
        panel("Data", &format!("{} rows", real.len() / 2))?.with_points(points(real)),
        panel("Samples", &format!("{} rows", samples.len() / 2))?.with_points(points(samples)),
    ];
    let shown = |model: Panel| -> Result<Vec<Panel>> { Ok(rows.iter().cloned().chain([model]).collect()) };
    if trained.model.model.generator().is_some() {
        return Ok(rows);
    }
    if trained.model.model.latent_variable().is_some() {
        let mut bound = LatentBound::new(&trained.model, BOUND_DRAWS)?;
        return shown(panel("Model", "density")?.density_of(&mut bound, 0.0, PLACES)?);
    }
    let mut density = TrainedDensity::new(&trained.model)?;
    let log_z = match (trained.learnt_log_z, log_z_by_quadrature(trained)) {
        (_, Ok(Some(log_z))) => Some(log_z.value),
        (learnt, _) => learnt,
    };
    let model = match log_z {
        Some(log_z) => panel("Model", "density and score")?.density_of(&mut density, log_z, PLACES)?,
        None => panel("Model", "score alone")?,
    };
    shown(model.score_of(&mut density, ARROWS)?)
}

/// A box around points, somewhat wider, with equal sides.
fn window(rows: &[f32]) -> [[f64; 2]; 2] {
    let range = |axis: usize| {
        let values = rows.iter().skip(axis).step_by(2).map(|value| f64::from(*value));
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)])
    };
    let ranges = [range(0), range(1)];
    let half = ranges.iter().map(|[low, high]| 0.65 * (high - low)).fold(0.0, f64::max);
    let half = if half > 0.0 && half.is_finite() { half } else { 1.0 };
    ranges.map(|[low, high]| [(low + high) / 2.0 - half, (low + high) / 2.0 + half])
}

/// Columns of a table, in the units of the data: distributions, pairs, moments and quantiles.
fn add_columns(report: &mut Report, trained: &Trained, real: &[f32], evaluation: &Evaluation) -> Result<()> {
    let model = &trained.model;
    let [real, samples] = [real, &evaluation.rows].map(|rows| model.raw_rows(rows));
    let [real, samples] = [real?, samples?];
    let row_len = model.row_len();
    let row_len = model.data.whitening.as_ref().map_or(row_len, |whitening| whitening.kept.len());
    let [real, samples] = [Rows::new(&real, row_len)?, Rows::new(&samples, row_len)?];
    if real.count() < 2 || samples.count() < 2 {
        return Ok(());
    }
    let names = column_names(trained, row_len);
    let mut columns = compare_columns(real, samples)?;
    columns.sort_by(|a, b| b.distance.total_cmp(&a.distance));
    let chosen = |most: usize| {
        let mut chosen: Vec<usize> = columns.iter().take(most).map(|column| column.column).collect();
        chosen.sort_unstable();
        chosen
    };
    let some = |most: usize| if row_len > most { ", those that differ most" } else { "" };
    let title = format!("{}: columns", model.data.name);
    if row_len > MOST_PAIRED {
        let pairs = Pairs::new(&title, &names, real, samples, &chosen(MOST_DRAWN))?;
        let caption = format!("Distribution of each column{}", some(MOST_DRAWN));
        report.columns.push(Figure::pairs(caption, &pairs)?);
    }
    let pairs = Pairs::new(&title, &names, real, samples, &chosen(MOST_PAIRED))?;
    let caption = format!("Distribution of each column, and pairs of columns{}", some(MOST_PAIRED));
    report.columns.push(Figure::pairs(caption, &pairs)?);
    columns.truncate(MOST_LISTED);
    columns.sort_by_key(|column| column.column);
    let by_chance = distance_by_chance(real.count(), samples.count());
    report.column_table = Some(ColumnTable { names, columns, by_chance });
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
