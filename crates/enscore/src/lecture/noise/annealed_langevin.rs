//! Annealed Langevin dynamics from noise to digits.

use super::digits::{self, LEVELS, ROW_SHAPE};
use crate::data::rows_of;
use crate::error::Result;
use crate::evaluate::run_data;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::report::{Figure, sheet::sheet, sheet::trajectory};
use crate::sample;

const CHAINS: usize = 8;
const SHOWN: usize = 32;

const CAPTION: &str = "Each row is one chain: uniform noise at the left, then the state at the end of \
    every noise level, from the largest to the smallest. The score of much noise settles where the \
    strokes are, the score of little noise sharpens them. Below, samples at the end of the last level.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let trained = digits::trained(studio)?;
    let sampler = trained.settings.sampler();
    let drawn =
        sample::draw(&trained.model, sampler, SHOWN, studio.seed, CHAINS, &mut |_, _| studio.go_on())?;
    let strip = trajectory(&drawn.trajectory, CHAINS, ROW_SHAPE, 5, 2)?;
    let pixels = drawn.rows.iter().map(|x| f64::from(*x));
    let mean = pixels.clone().sum::<f64>() / drawn.rows.len().max(1) as f64;
    let rows = rows_of(&run_data(&trained, None)?.training, usize::MAX)?;
    let data = rows.iter().map(|x| f64::from(*x)).sum::<f64>() / rows.len().max(1) as f64;
    let outside =
        pixels.filter(|x| !(-0.25..=1.25).contains(x)).count() as f64 / drawn.rows.len().max(1) as f64;
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![
            Figure::picture(format!("{CHAINS} chains through {LEVELS} noise levels."), &strip)?,
            Figure::picture("Samples.", &sheet(&drawn.rows, ROW_SHAPE, 16, 5, 2)?)?,
        ],
        numbers: vec![
            Number::beside(
                "mean grey of the samples, beside the data's",
                mean,
                data,
                studio.pick(0.05, 0.15),
            ),
            Number::below("share of pixels far outside [0, 1]", outside, studio.pick(0.01, 0.25)),
        ],
    })
}
