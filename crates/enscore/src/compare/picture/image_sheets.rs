//! The comparison of models of images as one picture: held-out images, then samples of every training.

use crate::compare::{Compared, Outcome};
use crate::data::rows_of;
use crate::error::Result;
use crate::evaluate::run_data;
use crate::report::{Picture, TitledSheet, picture, sheets_beside};
use crate::sample::draw;
use crate::trained::Trained;

/// Images on a sheet.
const SHEET: usize = 64;
/// The seed of samples.
const SEED: u64 = 0;

/// The sheets, `columns` in a row; none of rows that are not images that can be drawn.
pub(super) fn sheets(outcome: &Outcome, columns: usize) -> Result<Option<Picture>> {
    let trainings = outcome.by_training();
    let firsts: Vec<&Compared> = trainings.iter().filter_map(|runs| runs.first().copied()).collect();
    let Some(first) = firsts.first() else { return Ok(None) };
    let trained = Trained::open(&first.run, &[])?;
    let real = run_data(&trained, None)?.held_out;
    let Some(image) = picture(&rows_of(&real, SHEET)?, &trained.model.data.row_shape)? else {
        return Ok(None);
    };
    let source = trained.model.data.name.clone();
    let mut sheets = vec![TitledSheet { title: "data".to_string(), subtitle: source, image }];
    for compared in firsts {
        sheets.extend(sheet(compared)?);
    }
    sheets_beside(&sheets, columns.min(sheets.len())).map(Some)
}

/// Samples of a training; none where they can't be drawn, which the table says.
fn sheet(compared: &Compared) -> Result<Option<TitledSheet>> {
    if compared.sampled.as_ref().is_some_and(|sampled| sampled.seconds.is_none()) {
        return Ok(None);
    }
    let trained = Trained::open(&compared.run, &compared.sets)?;
    let drawn = draw(&trained.model, trained.settings.sampler(), SHEET, SEED, 0, &mut |_, _| Ok(()))?;
    let Some(image) = picture(drawn.shown(), &trained.model.data.row_shape)? else { return Ok(None) };
    let measured = &compared.measured;
    let subtitle = match (measured.bits_per_dim, measured.likelihood.is_bound()) {
        (Some(bits), true) => format!("at most {:.3} bits", bits.value),
        (Some(bits), false) => format!("{:.3} bits", bits.value),
        (None, _) => String::new(),
    };
    Ok(Some(TitledSheet { title: compared.name.clone(), subtitle, image }))
}
