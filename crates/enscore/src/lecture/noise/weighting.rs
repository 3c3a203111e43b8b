//! The weights λ(σ) of noise levels compared: which level a training listens to.

use super::digits;
use super::levels::by_level;
use crate::error::Result;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::report::{Chart, Figure, Mark, Scale, Series};

const CAPTION: &str = "The share of each noise level in the whole loss of a trained network, if squared \
    errors of the score are weighted by λ(σ) = 1, σ or σ². Unweighted, the score of the smallest noise is \
    longest, as 1/σ, and its level is all that the training hears; λ = σ² makes the loss of all levels of \
    one size, as Song and Ermon (2019) chose.";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let trained = digits::trained(studio)?;
    let [loss, _] = by_level(studio, &trained)?;
    // The loss as it stands is weighted by σ².
    let shares = |power: i32| -> Vec<(f64, f64)> {
        let weighted = |(sigma, loss): &(f64, f64)| loss * sigma.powi(power - 2);
        let all: f64 = loss.iter().map(weighted).sum();
        loss.iter().map(|level| (level.0, weighted(level) / all)).collect()
    };
    let smallest = |series: &[(f64, f64)]| series.last().map_or(f64::NAN, |(_, share)| *share);
    let largest = |series: &[(f64, f64)]| series.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    let [none, once, twice] = [shares(0), shares(1), shares(2)];
    let chart = Chart {
        title: "Share of the loss".into(),
        x_label: "noise level sigma (data units)".into(),
        y_label: "share of the whole loss".into(),
        x_scale: Scale::Log,
        y_scale: Scale::Linear,
        series: vec![
            Series::new("λ = 1", &none, Mark::Dots),
            Series::new("λ = σ", &once, Mark::Dots),
            Series::new("λ = σ²", &twice, Mark::Dots),
        ],
    };
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::chart("Each level's share of the loss, by the weighting.", &chart)?],
        numbers: vec![
            Number::above("share of the smallest level with λ = 1", smallest(&none), 0.5),
            Number::below("largest share of a level with λ = σ²", largest(&twice), 0.35),
        ],
    })
}
