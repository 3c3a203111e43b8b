//! What a trained model says of each row: its log density up to log Z and the length of its score.

use super::figure::log_unit;
use super::latent_bound::LatentBound;
use crate::data::{Subset, rows_of};
use crate::error::{Error, Result};
use crate::model::HostDensity;
use crate::sample::{TrainedDensity, WeightedBipartite};
use crate::trained::Trained;

/// Rows that are widened to double precision at once.
const BATCH: usize = 1024;

/// A column for each thing that is known of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowScores {
    /// f/T of each row in the data's own units ([`Trained::log_volume`]), nats up to log Z; none of a score
    /// network. log Z is the same number in both units.
    pub log_density: Option<Vec<f64>>,
    /// What it is counted in.
    pub unit: &'static str,
    /// Whether it is a lower bound: the variational one of a machine with layers of hidden units.
    pub is_bound: bool,
    /// ‖s(x)‖ of each row, s the gradient of f/T along the row as the model sees it, per scaled unit; of a
    /// score network at its smallest noise level; empty for units in {0, 1}, which have no gradient.
    pub score_norm: Vec<f64>,
}

impl RowScores {
    /// Rows scored.
    pub fn count(&self) -> usize {
        self.log_density.as_ref().map_or(self.score_norm.len(), Vec::len)
    }
}

/// Scores the rows of a subset; a latent variable model by `draws` importance-weighted draws of each row.
///
/// # Errors
/// A model that does not fit the rows.
pub fn score_rows(trained: &Trained, rows: &Subset, draws: usize) -> Result<RowScores> {
    if trained.model.model.generator().is_some() {
        let what = "a generative adversarial network has no likelihood to score rows with";
        return Err(Error::input(what)
            .at("model.kind")
            .remedy("`enscore evaluate` compares its samples with data"));
    }
    let values = rows_of(rows, usize::MAX)?;
    if let Some(target) = WeightedBipartite::of(&trained.model)?.filter(WeightedBipartite::is_binary) {
        return Ok(RowScores {
            log_density: Some(target.log_densities(&values)?),
            unit: log_unit(true),
            is_bound: target.model.is_bound(),
            score_norm: Vec::new(),
        });
    }
    let len = trained.model.row_len();
    let of_bits = trained.model.model.support().is_discrete();
    if trained.model.model.latent_variable().is_some() {
        let log_volume = trained.log_volume()?;
        let bounds = LatentBound::new(&trained.model, draws)?.of_rows(&values, 0)?;
        return Ok(RowScores {
            log_density: Some(bounds.into_iter().map(|bound| bound + log_volume).collect()),
            unit: log_unit(of_bits),
            is_bound: true,
            score_norm: Vec::new(),
        });
    }
    let norm = |score: &[f64]| score.iter().map(|s| s * s).sum::<f64>().sqrt();
    let log_volume = trained.log_volume()?;
    let mut density = TrainedDensity::new(&trained.model)?;
    let mut log_density = trained.model.model.has_density().then(Vec::new);
    let mut score_norm = Vec::new();
    for chunk in values.chunks(BATCH * len) {
        let rows: Vec<f64> = chunk.iter().map(|value| f64::from(*value)).collect();
        if let Some(log_density) = &mut log_density {
            log_density
                .extend(density.log_density(&rows)?.into_iter().map(|log_density| log_density + log_volume));
        }
        if of_bits {
            continue;
        }
        score_norm.extend(density.score(&rows)?.chunks_exact(len).map(norm));
    }
    Ok(RowScores { log_density, unit: log_unit(of_bits), is_bound: false, score_norm })
}
