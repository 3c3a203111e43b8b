//! The loss of a noise-conditional score network by noise level.

use super::digits;
use crate::data::rows_of;
use crate::error::Result;
use crate::evaluate::{Rows, denoising_loss, linear_baseline, run_data};
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::report::{Figure, sigma_losses};
use crate::trained::Trained;

/// Rows that losses are measured on.
const ROWS: usize = 297;

const CAPTION: &str = "The denoising loss of held-out digits at each noise level, per dimension and times \
    the variance of the noise, beside what the best linear score reaches. At a loss of 1/2 nothing is \
    learnt. With much noise even a linear score does well; with little, the network has to know what \
    digits look like, and the distance between the two lines is what it knows.";

/// The loss at each level `(sigma, loss)` and that of the best linear score.
///
/// # Errors
/// As [`denoising_loss`] and [`linear_baseline`].
pub(super) fn by_level(studio: &Studio, trained: &Trained) -> Result<[Vec<(f64, f64)>; 2]> {
    let data = run_data(trained, None)?;
    let loss = denoising_loss(&trained.model, &data.held_out, ROWS, studio.seed, &mut |_, _| studio.go_on())?;
    let rows = rows_of(&data.training, usize::MAX)?;
    let sigmas: Vec<f64> = loss.levels.iter().map(|level| level.sigma).collect();
    let linear = linear_baseline(Rows::new(&rows, trained.model.row_len())?, &sigmas)?;
    Ok([
        loss.levels.iter().map(|level| (level.sigma, level.loss)).collect(),
        sigmas.into_iter().zip(linear.losses).collect(),
    ])
}

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let trained = digits::trained(studio)?;
    let [loss, linear] = by_level(studio, &trained)?;
    let mean =
        |series: &[(f64, f64)]| series.iter().map(|(_, loss)| loss).sum::<f64>() / series.len().max(1) as f64;
    let worst = loss.iter().map(|(_, loss)| *loss).fold(0.0, f64::max);
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::chart("Loss by noise level.", &sigma_losses(&loss, &linear))?],
        numbers: vec![
            Number::below(
                "mean loss over levels, over that of the best linear score",
                mean(&loss) / mean(&linear),
                studio.pick(1.0, 1.5),
            ),
            Number::below("largest loss of a level, per dimension", worst, studio.pick(0.6, 1.0)),
        ],
    })
}
