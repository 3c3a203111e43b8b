//! What a trained model says of each row: its log density up to log Z, its log density where log Z is known, the length of
//! its score.

use enscore_cpu::Argument;
use enscore_program::Kind;

use super::rows_of;
use crate::data::Subset;
use crate::error::Result;
use crate::model::{HostDensity, Network, Score, batch_shape, trace};
use crate::sample::{Trained, TrainedDensity, TrainedModel, refused};

/// Rows that a program takes at once.
const BATCH: usize = 256;

/// A column for each thing that is known of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowScores {
    /// f/T of each row, nats up to log Z; none of a score network.
    pub log_density: Option<Vec<f64>>,
    /// ‖s(x)‖ of each row, s the gradient of f/T; of a score network at its smallest noise level.
    pub score_norm: Vec<f64>,
}

/// Scores the rows of a subset.
///
/// # Errors
/// A model that does not fit the rows.
pub fn score_rows(trained: &Trained, rows: &Subset) -> Result<RowScores> {
    let values = rows_of(rows, usize::MAX)?;
    let len = trained.model.row_len();
    let norm = |score: &[f64]| score.iter().map(|s| s * s).sum::<f64>().sqrt();
    if matches!(trained.model.model, Network::Score(_)) {
        let scores = network_scores(&trained.model, &values)?;
        return Ok(RowScores { log_density: None, score_norm: scores.chunks_exact(len).map(norm).collect() });
    }
    let mut density = TrainedDensity::new(&trained.model)?;
    let (mut log_density, mut score_norm) = (Vec::new(), Vec::new());
    for chunk in values.chunks(BATCH * len) {
        let rows: Vec<f64> = chunk.iter().map(|value| f64::from(*value)).collect();
        log_density.extend(density.log_density(&rows)?);
        score_norm.extend(density.score(&rows)?.chunks_exact(len).map(norm));
    }
    Ok(RowScores { log_density: Some(log_density), score_norm })
}

/// The scores of a score network at its smallest noise level: `[rows, row_len]`.
fn network_scores(model: &TrainedModel, values: &[f32]) -> Result<Vec<f64>> {
    let len = model.row_len();
    let (program, _) = trace(&model.parameters, |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(BATCH, Score::row_shape(&model.model)));
        let sigma = scope.constant(model.levels.last()).broadcast_to(&[BATCH]);
        vec![("score".to_string(), model.model.score(parameters, x, sigma))]
    })?;
    let mut executable = model.compile(&program)?;
    let (mut x, mut out, mut scores) = (vec![0.0; BATCH * len], vec![0.0; BATCH * len], Vec::new());
    for chunk in values.chunks(BATCH * len) {
        x[..chunk.len()].copy_from_slice(chunk);
        let mut inputs = model.arguments();
        inputs.push(Argument::Float(&x));
        executable.run(&inputs, &mut [&mut out]).map_err(refused)?;
        scores.extend(out[..chunk.len()].iter().map(|value| f64::from(*value)));
    }
    Ok(scores)
}
