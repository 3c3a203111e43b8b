//! Data on a manifold: the loss of score matching has no minimum there, and a little noise gives it one.

use crate::error::Result;
use crate::lecture::drawn::{Drawn, Number};
use crate::lecture::studio::Studio;
use crate::report::{Chart, Figure, Mark, Scale, Series};

/// Losses are averaged over this many steps for the picture.
const MEAN_OF: usize = 10;

const CAPTION: &str = "The loss of sliced score matching over training, of digits as they are and of \
    digits with uniform noise as wide as one grey level. Pixels that are 0 in every image put all data on \
    a manifold of fewer dimensions: there the density has no score, and the loss falls for ever as the \
    model grows steeper around the manifold. With noise the data fill the space and the loss settles \
    (Song and Ermon 2019, figure 1).";

/// Draws the figure.
pub(in crate::lecture) fn draw(studio: &Studio) -> Result<Drawn> {
    let steps: u64 = studio.pick(4000, 1200);
    let without = losses(studio, steps, false)?;
    let with = losses(studio, steps, true)?;
    // A symmetric logarithm: the one loss is thousands of times the other.
    let shown = |losses: &[f64]| -> Vec<(f64, f64)> {
        let means = losses.chunks_exact(MEAN_OF).map(|part| part.iter().sum::<f64>() / MEAN_OF as f64);
        means
            .enumerate()
            .map(|(part, mean)| ((MEAN_OF * (part + 1)) as f64, mean.signum() * (1.0 + mean.abs()).log10()))
            .collect()
    };
    let end = |losses: &[f64]| {
        let part = &losses[losses.len() - losses.len() / 10..];
        part.iter().sum::<f64>() / part.len().max(1) as f64
    };
    let chart = Chart {
        title: "Sliced score matching of digits".into(),
        x_label: "step".into(),
        y_label: "sign(loss) log10(1 + |loss|)".into(),
        x_scale: Scale::Linear,
        y_scale: Scale::Linear,
        series: vec![
            Series::new("without noise", &shown(&without), Mark::Line),
            Series::new("with noise", &shown(&with), Mark::Line),
        ],
    };
    Ok(Drawn {
        caption: CAPTION.to_string(),
        figures: vec![Figure::chart("Loss of data on a manifold, and of the same data with noise.", &chart)?],
        numbers: vec![Number::above(
            "loss at the end without noise over that with noise, both negative",
            end(&without) / end(&with),
            studio.pick(2.0, 1.2),
        )],
    })
}

fn losses(studio: &Studio, steps: u64, dequantise: bool) -> Result<Vec<f64>> {
    let settings = format!(
        "data = {{ name = 'digits', dequantise = {dequantise} }}\nmodel = {{ kind = 'mlp', hidden = [256, 256] }}\n\
         objective = {{ kind = 'ssm', variance_reduction = true }}\n\
         optimiser = {{ learning_rate = 2e-3 }}\ntrain = {{ steps = {steps}, batch = 128 }}"
    );
    let mut training = studio.training(&settings)?;
    let mut losses = Vec::new();
    while training.steps_done() < steps {
        studio.go_on()?;
        losses.push(training.step()?.loss_per_dim);
    }
    Ok(losses)
}
