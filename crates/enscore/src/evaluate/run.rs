//! The evaluation of a trained run: its loss and log density on held-out rows, and its samples beside real
//! ones.

use serde::Serialize;

use super::settings::EvaluationSettings;
use super::{
    DenoisingLoss, HeldOutFigure, Rows, TwoSample, TwoSampleSettings, against, denoising_loss,
    flow_bits_per_dim, independent_units, linear_baseline, model_figures, standard_metrics, two_sample,
};
use crate::data::{Subset, rows_of};
use crate::error::{Error, Result};
use crate::objective::HeldOutLoss;
use crate::sample::{TrainedModel, draw};
use crate::trained::Trained;

/// What an evaluation found.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// The NCSN loss on held-out rows, of a model that was trained by denoising.
    pub loss: Option<DenoisingLoss>,
    /// What else is known of held-out rows: the objective's own loss, the log density, the likelihood.
    pub figures: Vec<HeldOutFigure>,
    /// The loss per dimension of the best affine network at each level, from the training rows; none for rows
    /// so long that it would take minutes.
    pub affine: Option<Vec<f64>>,
    /// Each metric beside its null value.
    pub metrics: Vec<TwoSample>,
    /// The samples that the metrics were computed from, as pictures show them: `[rows, ..row_shape]`, scaled.
    #[serde(skip)]
    pub samples: Vec<f32>,
    /// The first chains from start to end: `[stages, chains, ..row_shape]`.
    #[serde(skip)]
    pub trajectory: Vec<f32>,
    /// Stages of a trajectory.
    #[serde(skip)]
    pub stages: usize,
}

/// Rows longer than this have no affine baseline: it needs all eigenvalues of their covariance.
const MAX_BASELINE: usize = 1024;
/// Rows that metrics are fitted on and compared with, at most.
const MAX_REAL: usize = 10_000;

/// Evaluates `trained` on `held_out` rows; `training` rows give the affine baseline. `progress` is told what
/// is done and how much of it, and may end the evaluation by returning an error.
///
/// # Errors
/// Rows of another shape, a sampler that diverges, metrics that don't exist; whatever `progress` returns.
pub fn evaluate(
    trained: &Trained,
    training: &Subset,
    held_out: &Subset,
    settings: &EvaluationSettings,
    progress: &mut dyn FnMut(&str, u64, u64) -> Result<()>,
) -> Result<Evaluation> {
    let score: &TrainedModel = &trained.model;
    refuse_unknown_metrics(&settings.metrics)?;
    let batch = trained.settings.sampler().batch;
    let denoises = trained.settings.objective().method().held_out() == HeldOutLoss::Denoising;
    let loss = if denoises {
        Some(denoising_loss(score, held_out, settings.max_rows, batch, settings.seed, &mut |done, total| {
            progress("loss", done, total)
        })?)
    } else {
        None
    };
    let figures = figures(trained, training, held_out, settings)?;
    let affine = if denoises && score.row_len() <= MAX_BASELINE && training.rows().len() > 1 {
        let values = rows_of(training, usize::MAX)?;
        Some(linear_baseline(Rows::new(&values, score.row_len())?, score.levels.as_slice())?.losses)
    } else {
        None
    };
    let metrics = Vec::new();
    let samples = Vec::new();
    let trajectory = Vec::new();
    let mut evaluation = Evaluation { loss, figures, affine, metrics, samples, trajectory, stages: 0 };
    if settings.samples == 0 {
        return Ok(evaluation);
    }
    let drawn = draw(
        score,
        trained.settings.sampler(),
        settings.samples,
        settings.seed,
        settings.chains,
        &mut |done, total| progress("samples", done, total),
    )?;
    let real = rows_of(held_out, MAX_REAL)?;
    let samples = Rows::new(&drawn.rows, score.row_len())?;
    let real = Rows::new(&real, score.row_len())?;
    if samples.count() >= 2 && real.count() >= 4 {
        for metric in standard_metrics(real, settings.seed)? {
            if wanted(&settings.metrics, &metric.name()) {
                let comparison = TwoSampleSettings { seed: settings.seed, ..Default::default() };
                evaluation.metrics.push(two_sample(&*metric, samples, real, comparison)?);
            }
        }
    }
    evaluation.samples = drawn.shown().to_vec();
    (evaluation.trajectory, evaluation.stages) = (drawn.trajectory, drawn.stages);
    Ok(evaluation)
}

/// All figures of held-out rows, in the order in which they are shown.
fn figures(
    trained: &Trained,
    training: &Subset,
    held_out: &Subset,
    settings: &EvaluationSettings,
) -> Result<Vec<HeldOutFigure>> {
    let mut figures = model_figures(trained, training, held_out, settings)?;
    if let Some(other) = &settings.against {
        figures.push(against(trained, held_out, other, settings.max_rows)?);
    }
    figures.extend(flow_bits_per_dim(trained, held_out, settings)?);
    figures.extend(independent_units(trained, training, held_out, settings)?);
    Ok(figures)
}

/// The metrics' names as the command line takes them.
pub const METRICS: [&str; 3] = ["mmd", "sliced_wasserstein", "frechet"];

fn wanted(metrics: &[String], name: &str) -> bool {
    metrics.is_empty() || metrics.iter().any(|metric| name.starts_with(metric.as_str()))
}

fn refuse_unknown_metrics(metrics: &[String]) -> Result<()> {
    match metrics.iter().find(|metric| !METRICS.contains(&metric.as_str())) {
        Some(unknown) => {
            Err(Error::input("unknown metric").at("metrics").found(unknown).expected(METRICS.join(", ")))
        }
        None => Ok(()),
    }
}
