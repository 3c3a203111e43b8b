//! The NCSN loss of a trained score on held-out rows, at each noise level, with its standard error.
//!
//! Per dimension: (1/D) ‖σ s(x + σ z, σ) + z‖², one draw of z for each row and level. Rows are independent,
//! so the standard error is the standard deviation over rows divided by √n.

use enscore_program::random::Key;
use serde::Serialize;

use crate::data::Subset;
use crate::error::{Error, Result};
use crate::evaluate::Mean;
use crate::objective::evaluation_program;
use crate::sample::TrainedModel;

/// Rows of the program: a row's loss does not depend on how many are evaluated.
const BATCH: usize = 64;

/// The loss at one noise level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LevelLoss {
    /// The noise's standard deviation.
    pub sigma: f64,
    /// The mean loss per dimension over the rows.
    pub loss: f64,
    /// The standard error of the loss.
    pub std_err: f64,
}

/// The losses at all levels, and their mean.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DenoisingLoss {
    /// The mean over levels of the loss per dimension.
    pub loss_per_dim: f64,
    /// Its standard error over rows.
    pub std_err: f64,
    /// Rows evaluated.
    pub rows: usize,
    /// The loss at each noise level, in the order of the levels.
    pub levels: Vec<LevelLoss>,
}

/// Evaluates the first `max_rows` rows of `subset` at every level of the score.
/// `progress` is told how many batches of how many are done, and may end the evaluation by returning an
/// error.
///
/// # Errors
/// Rows of another shape than the model's; a loss that is not finite, named; whatever `progress` returns.
pub fn denoising_loss(
    score: &TrainedModel,
    subset: &Subset,
    max_rows: usize,
    seed: u64,
    progress: &mut dyn FnMut(u64, u64) -> Result<()>,
) -> Result<DenoisingLoss> {
    let data = subset.dataset();
    let rows = &subset.rows()[..subset.rows().len().min(max_rows)];
    data.require_row_shape(&score.data.row_shape)?;
    let program = evaluation_program(&score.model, score.parameters(), BATCH)?;
    let mut routine = score.compile(&program)?;
    let row_len = score.row_len() as f64;
    let sigmas = score.levels.as_slice();
    let first = Subset::new(data, rows.to_vec())?;
    let total = (rows.len().div_ceil(BATCH) * sigmas.len()) as u64;
    let mut done = 0;
    let mut losses = Vec::with_capacity(sigmas.len());
    for (level, sigma) in sigmas.iter().enumerate() {
        let sigma = vec![*sigma as f32; BATCH];
        let mut tell = || {
            done += 1;
            progress(done, total)
        };
        let over = routine.over(&first).weights(&score.weights).with("sigma", &sigma);
        let of_level = over.key(Key::new(seed, level as u64)).after_each(&mut tell).per_row("loss")?;
        losses.push(of_level.iter().map(|loss| loss / row_len).collect::<Vec<f64>>());
    }
    summarise(sigmas, &losses)
}

fn summarise(sigmas: &[f64], losses: &[Vec<f64>]) -> Result<DenoisingLoss> {
    let rows = losses[0].len();
    let mean_over_levels: Vec<f64> = (0..rows)
        .map(|row| losses.iter().map(|level| level[row]).sum::<f64>() / sigmas.len() as f64)
        .collect();
    let level = |(sigma, losses): (&f64, &Vec<f64>)| {
        let Mean { value: loss, std_err, .. } = Mean::of(losses)?;
        Ok(LevelLoss { sigma: *sigma, loss, std_err })
    };
    let levels: Vec<LevelLoss> = sigmas.iter().zip(losses).map(level).collect::<Result<_>>()?;
    if let Some(bad) = levels.iter().find(|level| !level.loss.is_finite()) {
        return Err(Error::run("the loss is not finite").at(format!("sigma {}", bad.sigma)).found(bad.loss));
    }
    let Mean { value: loss_per_dim, std_err, .. } = Mean::of(&mean_over_levels)?;
    Ok(DenoisingLoss { loss_per_dim, std_err, rows, levels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_the_mean_over_levels() {
        let all = summarise(&[1.0, 0.1], &[vec![1.0, 3.0], vec![3.0, 5.0]]).unwrap();
        assert_eq!((all.loss_per_dim, all.std_err, all.rows), (3.0, 1.0, 2));
        assert_eq!(all.levels[1], LevelLoss { sigma: 0.1, loss: 4.0, std_err: 1.0 });
        assert!(summarise(&[1.0], &[vec![f64::NAN]]).is_err());
    }
}
