//! Measures a trained model: Fisher divergence to the truth, score matching loss, log Z, held-out likelihood.

use enscore_program::Kind;

use super::likelihood;
use super::measured::Measured;
use super::truth::fisher_divergence;
use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::evaluate::{HeldOut, Mean, run_data};
use crate::executor::RowSlice;
use crate::model::{batch_shape, trace};
use crate::objective::ScoreMatching;
use crate::trained::Trained;

/// Rows whose score matching loss is taken, at most, and at once.
const MAX_ROWS: usize = 10_000;
const BATCH: usize = 128;
/// Dimensions beyond which the exact loss is not computed: it would take too long.
const MOST_DIMENSIONS: usize = 128;

/// What is said of a training that holds no rows out.
const NO_HELD_OUT: &str = "no rows are held out, so there are no figures of held-out rows; set data.validation or data.test_fraction";

pub(super) fn measure(trained: &Trained) -> Result<Measured> {
    let mut measured = Measured { fisher_divergence: fisher_divergence(trained)?, ..Measured::default() };
    let data = run_data(trained, None)?;
    let held_out = (data.origin != HeldOut::Training).then_some(&data.held_out);
    if held_out.is_none() {
        measured.warnings.push(NO_HELD_OUT.to_string());
    }
    if let Some(held_out) = held_out
        && trained.model.row_len() <= MOST_DIMENSIONS
        && trained.model.temperature == 1.0
        && trained.model.model.has_score()
        && !trained.model.model.support().is_discrete()
    {
        measured.score_matching_loss = Some(score_matching_loss(trained, held_out)?);
    }
    likelihood::add(&mut measured, trained, &data, held_out)?;
    Ok(measured)
}

/// The exact score matching loss of the model's rows.
fn score_matching_loss(trained: &Trained, held_out: &Subset) -> Result<Mean> {
    let model = &trained.model;
    let rows = rows_of(held_out, MAX_ROWS)?;
    let objective = ScoreMatching { tangents: 0 };
    let (program, _) = trace(model.parameters(), |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(BATCH, model.model.row_shape()));
        let parts = objective.parts(&model.model, parameters, x);
        let sum = parts.into_iter().reduce(|sum, part| sum + part);
        vec![("loss".to_string(), sum.unwrap_or_else(|| scope.constant(0.0).broadcast_to(&[BATCH])))]
    })?;
    let rows = RowSlice::new(&rows, model.row_len())?;
    let losses = model.compile(&program)?.over::<f32>(&rows).weights(&model.weights).per_row("loss")?;
    Mean::of(&losses)
}
