//! The comparison of models of tables as one picture: the distributions of a few columns, data beside
//! samples, a line a training.

use crate::compare::{Compared, Outcome};
use crate::data::rows_of;
use crate::error::Result;
use crate::evaluate::{Rows, compare_columns, run_data};
use crate::report::{Pairs, Picture};
use crate::sample::draw;
use crate::trained::Trained;

/// Columns of a line: a picture has this many side by side.
const COLUMNS: usize = 4;
/// Rows of data and samples that are drawn.
const ROWS: usize = 1000;
/// The seed of samples.
const SEED: u64 = 0;

/// Data and samples of one training, in the units of the data: as many rows of each.
struct Drawn {
    name: String,
    names: Vec<String>,
    data: Vec<f32>,
    samples: Vec<f32>,
    rows: usize,
    width: usize,
}

/// The picture; none of single columns, or where no training draws samples.
pub(super) fn marginals(outcome: &Outcome) -> Result<Option<Picture>> {
    let mut all: Vec<Drawn> = Vec::new();
    for compared in outcome.by_training().iter().filter_map(|runs| runs.first()) {
        all.extend(drawn(compared)?);
    }
    // Trainings that prepare the data in other ways may have other columns: those are not side by side.
    let Some((names, width)) = all.first().map(|one| (one.names.clone(), one.width)) else { return Ok(None) };
    all.retain(|one| one.names == names && one.width == width);
    let rows = all.iter().map(|one| one.rows).min().unwrap_or(0);
    let chosen = most_different(&all, width)?;
    if rows < 2 || chosen.len() < 2 {
        return Ok(None);
    }
    let mut titles = Vec::new();
    let (mut data, mut samples) = (Vec::new(), Vec::new());
    for one in &all {
        titles.extend(chosen.iter().map(|&column| format!("{}: {}", one.name, names[column])));
    }
    for row in 0..rows {
        for one in &all {
            let at = |values: &[f32], column: usize| values[row * width + column];
            data.extend(chosen.iter().map(|&column| at(&one.data, column)));
            samples.extend(chosen.iter().map(|&column| at(&one.samples, column)));
        }
    }
    let every: Vec<usize> = (0..titles.len()).collect();
    let (data, samples) = (Rows::new(&data, titles.len())?, Rows::new(&samples, titles.len())?);
    let title = "Columns that differ most, held-out rows beside samples";
    Pairs::new(title, &titles, data, samples, &every)?.picture().map(Some)
}

fn drawn(compared: &Compared) -> Result<Option<Drawn>> {
    if compared.sampled.as_ref().is_some_and(|sampled| sampled.seconds.is_none()) {
        return Ok(None);
    }
    let trained = Trained::open(&compared.run, &compared.sets)?;
    let model = &trained.model;
    let samples = draw(model, trained.settings.sampler(), ROWS, SEED, 0, &mut |_, _| Ok(()))?.rows;
    let data = rows_of(&run_data(&trained, None)?.held_out, ROWS)?;
    let [data, samples] = [model.raw_rows(&data)?, model.raw_rows(&samples)?];
    let width = model.data.whitening.as_ref().map_or(model.row_len(), |whitening| whitening.kept.len());
    let names = match model.data.value_names() {
        Some(names) if names.len() == width => names,
        _ => (1..=width).map(|column| format!("x{column}")).collect(),
    };
    let rows = data.len().min(samples.len()) / width.max(1);
    Ok(Some(Drawn { name: compared.name.clone(), names, data, samples, rows, width }))
}

/// The columns in which samples differ most from data, as a mean over trainings, in their own order.
fn most_different(all: &[Drawn], width: usize) -> Result<Vec<usize>> {
    let mut distances = vec![0.0; width];
    for one in all {
        let whole = |values: &'_ [f32]| values.len() / width.max(1) * width;
        let data = Rows::new(&one.data[..whole(&one.data)], width)?;
        let samples = Rows::new(&one.samples[..whole(&one.samples)], width)?;
        for column in compare_columns(data, samples)? {
            distances[column.column] += column.distance;
        }
    }
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|a, b| distances[*b].total_cmp(&distances[*a]));
    order.truncate(COLUMNS);
    order.sort_unstable();
    Ok(order)
}
