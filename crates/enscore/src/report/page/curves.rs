//! The curves of a training, from what its metrics hold. A number that stays the same is said, not drawn.

use serde_json::{Map, Value};

use super::contents::{Fact, Figure};
use crate::error::Result;
use crate::evaluate::Evaluation;
use crate::report::markup::number;
use crate::report::{
    Chart, Mark, Scale, Series, diagnostic, gradient_norm, learning_rate, loss_curve, sigma_losses,
};

/// Points of one column of the metrics over steps.
pub(super) fn column(rows: &[Map<String, Value>], name: &str) -> Vec<(f64, f64)> {
    let number = |row: &Map<String, Value>, key: &str| row.get(key).and_then(Value::as_f64);
    rows.iter().filter_map(|row| Some((number(row, "step")?, number(row, name)?))).collect()
}

/// The charts of what changes, and the facts of what does not.
///
/// # Errors
/// As [`Chart::picture`].
pub(super) fn curves(
    rows: &[Map<String, Value>],
    evaluation: &Evaluation,
) -> Result<(Vec<Figure>, Vec<Fact>)> {
    let mut charts = vec![("Loss over training", loss(rows))];
    let levels: Vec<_> = evaluation.loss.iter().flat_map(|loss| &loss.levels).collect();
    if !levels.is_empty() {
        let losses: Vec<(f64, f64)> = levels.iter().map(|level| (level.sigma, level.loss)).collect();
        let affine = evaluation.affine.iter().flatten();
        let affine: Vec<(f64, f64)> =
            levels.iter().zip(affine).map(|(level, loss)| (level.sigma, *loss)).collect();
        let caption = "Held-out loss per dimension at each noise level";
        charts.push((caption, sigma_losses(&losses, &affine)));
    }
    for (caption, title, name, axis) in DIAGNOSTICS {
        let points = column(rows, name);
        if !points.is_empty() {
            charts.push((caption, diagnostic(title, &points, axis)));
        }
    }
    charts.push(("Learning rate", learning_rate(&column(rows, "learning_rate"))));
    charts.push(("Norm of the gradient", gradient_norm(&column(rows, "gradient_norm"))));
    let mut drawn = Vec::new();
    let mut constant = Vec::new();
    for (caption, chart) in charts {
        match chart.constants() {
            Some(values) => {
                let fact = |(series, value): (&str, f64)| {
                    Fact::new(format!("{}: {series}", chart.title), number(value))
                };
                constant.extend(values.into_iter().map(fact));
            }
            None => drawn.push(Figure::chart(caption, &chart)?),
        }
    }
    Ok((drawn, constant))
}

/// The loss on training batches and on validation rows.
fn loss(rows: &[Map<String, Value>]) -> Chart {
    let train = column(rows, "loss_per_dim");
    let validation = column(rows, "validation_loss_per_dim");
    // A logarithmic axis has no place for losses that fall below 0.
    let is_positive = train.iter().chain(&validation).all(|(_, loss)| *loss > 0.0);
    let scale = if is_positive { Scale::Log } else { Scale::Linear };
    let mut chart = loss_curve(&train, &validation, scale, None);
    if let Some(lowest) = lowest(&validation) {
        chart.series.push(Series::new("lowest validation", &[lowest], Mark::Dots));
    }
    chart
}

/// The first validation with the lowest loss: the state that is kept beside the last.
pub(super) fn lowest(validation: &[(f64, f64)]) -> Option<(f64, f64)> {
    validation.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))
}

/// Further curves, where the objective reports them: caption, title, key of the metrics, axis.
const DIAGNOSTICS: [(&str, &str, &str, &str); 9] = [
    ("Energy gap: mean log density of data minus that of chains", "Energy gap", "energy_gap", "nats"),
    (
        "Mean log density of training rows minus that of validation rows, with averaged weights",
        "Free energy gap",
        "free_energy_gap",
        "nats",
    ),
    ("Pseudo-log-likelihood of validation rows", "Pseudo-log-likelihood", "pseudo_log_likelihood", "nats"),
    (
        "Reconstruction error of validation rows",
        "Reconstruction error, validation",
        "validation_reconstruction_error",
        "squared units",
    ),
    (
        "Reconstruction error of training batches",
        "Reconstruction error, training",
        "reconstruction_error",
        "squared units",
    ),
    ("Acceptance rate of swaps between tempered chains", "Swaps", "swapped", "fraction"),
    ("Learnt log Z", "Learnt log Z", "log_z", "nats"),
    ("Accuracy of data against noise", "Accuracy", "accuracy", "fraction"),
    (
        "Log-likelihood of the flow on training batches",
        "Log-likelihood of the flow",
        "flow_log_likelihood",
        "nats",
    ),
];
