//! The evaluation of a trained run: its loss and log density on held-out rows, and its samples beside real
//! ones.

use serde::Serialize;

use super::sample_metrics::{sample_metrics, wanted_metrics};
use super::settings::EvaluationSettings;
use super::{
    DenoisingLoss, Figures, HeldOut, HeldOutFigure, Refused, Rows, RunData, TwoSample, against,
    denoising_loss, flow_bits_per_dim, held_out_linear_baseline, independent_units, linear_baseline,
    model_figures,
};
use crate::data::{Grey, Subset, rows_of};
use crate::error::{Error, Result};
use crate::model::Support;
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
    /// The loss per dimension, at each level, of the affine network that is best on the training rows: on the
    /// held-out rows where there are some. None for rows so long that it would take minutes.
    pub affine: Option<Vec<f64>>,
    /// Each metric beside its null value.
    pub metrics: Vec<TwoSample>,
    /// Metrics that can't be computed, by their word, with the reason.
    pub refused_metrics: Vec<Refused>,
    /// Figures that can't be computed, with the reason.
    pub refused_figures: Vec<Refused>,
    /// What a reader must know of these numbers.
    pub notes: Vec<String>,
    /// Where the held-out rows come from.
    #[serde(skip)]
    pub held_out: HeldOut,
    /// The samples that the metrics were computed from, as the model has them: `[rows, ..row_shape]`, scaled.
    #[serde(skip)]
    pub rows: Vec<f32>,
    /// The same as pictures show them, scaled.
    #[serde(skip)]
    pub samples: Vec<f32>,
    /// The first chains from start to end: `[stages, chains, ..row_shape]`.
    #[serde(skip)]
    pub trajectory: Vec<f32>,
    /// Stages of a trajectory.
    #[serde(skip)]
    pub stages: usize,
    /// What to tell the user of the samples.
    pub warnings: Vec<String>,
}

impl Evaluation {
    /// The figures and metrics that can't be computed; metrics for one reason are one line.
    pub fn refused(&self) -> Vec<Refused> {
        let mut refused = self.refused_figures.clone();
        let figures = refused.len();
        for metric in &self.refused_metrics {
            match refused[figures..].iter_mut().find(|known| known.reason == metric.reason) {
                Some(known) => known.label = format!("{}, {}", known.label, metric.label),
                None => refused.push(metric.clone()),
            }
        }
        refused
    }
}

/// Rows longer than this have no affine baseline: it needs all eigenvalues of their covariance.
const MAX_BASELINE: usize = 1024;
/// What is said where no rows are held out.
const NO_HELD_OUT: &str = "No rows are held out: figures are those of the training rows, and metrics compare \
    samples with rows that the model has seen, so overfitting does not show.";

/// What is said of a flow that learnt levels as they are.
const NO_BITS: &str = "The model learnt levels without noise: its likelihood can grow without bound, and bits per \
    dimension don't apply; train it with data.dequantise = true.";

/// What is said of grey values that stand for units.
const NO_LIKELIHOOD: &str = "Grey values are taken as the values of units in {0, 1}: their log densities and likelihoods are not \
    those of a distribution of grey values; data.grey = \"bits\" gives likelihoods.";

/// Whether a flow learnt levels as they are.
fn learnt_bare_levels(trained: &Trained) -> bool {
    let has_levels = trained.model.scale().is_ok_and(|scale| scale.levels.is_some());
    has_levels
        && !trained.settings.data().dequantise
        && trained.model.model.is_normalised()
        && trained.model.model.support() == Support::Real
}

/// Evaluates `trained` on the held-out rows of `data`; its training rows give the affine baseline. A figure
/// or metric that can't be computed leaves the others. `progress` is told what is done and how much of it,
/// and may end the evaluation by returning an error.
///
/// # Errors
/// Rows of another shape, a sampler that diverges, metrics that don't exist; whatever `progress` returns.
pub fn evaluate(
    trained: &Trained,
    data: &RunData,
    settings: &EvaluationSettings,
    progress: &mut dyn FnMut(&str, u64, u64) -> Result<()>,
) -> Result<Evaluation> {
    let wanted = wanted_metrics(&settings.metrics)?;
    let held_out = (data.origin != HeldOut::Training).then_some(&data.held_out);
    let denoises = trained.settings.objective().method().held_out() == HeldOutLoss::Denoising;
    let mut figures = figures(trained, &data.training, held_out, settings)?;
    if data.origin == HeldOut::Other {
        figures.say_rows_of(data.held_out.dataset().source());
    }
    let mut evaluation = Evaluation {
        loss: None,
        figures: figures.found,
        affine: None,
        metrics: Vec::new(),
        refused_metrics: Vec::new(),
        refused_figures: figures.refused,
        notes: Vec::new(),
        held_out: data.origin,
        rows: Vec::new(),
        warnings: Vec::new(),
        samples: Vec::new(),
        trajectory: Vec::new(),
        stages: 0,
    };
    if held_out.is_none() {
        evaluation.notes.push(NO_HELD_OUT.into());
    } else if let Some(kept) = &settings.log_z {
        evaluation.notes.extend(kept.warnings().iter().map(|why| format!("The kept log Z: {why}.")));
    }
    if trained.settings.data().grey == Grey::Probabilities {
        evaluation.notes.push(NO_LIKELIHOOD.into());
    }
    if learnt_bare_levels(trained) {
        evaluation.notes.push(NO_BITS.into());
    }
    if denoises {
        add_losses(&mut evaluation, trained, &data.training, held_out, settings, progress)?;
    }
    if settings.samples == 0 {
        return Ok(evaluation);
    }
    let drawn = draw(
        &trained.model,
        trained.settings.sampler(),
        settings.samples,
        settings.seed,
        settings.chains,
        &mut |done, total| progress("samples", done, total),
    )?;
    let found = sample_metrics(&wanted, &drawn.rows, &data.held_out, settings.seed, progress)?;
    (evaluation.metrics, evaluation.refused_metrics) = (found.found, found.refused);
    evaluation.samples = drawn.shown().to_vec();
    evaluation.rows = drawn.rows;
    evaluation.warnings = drawn.warnings;
    (evaluation.trajectory, evaluation.stages) = (drawn.trajectory, drawn.stages);
    Ok(evaluation)
}

/// The denoising loss of held-out rows, and that of the affine network that is best on the training rows.
fn add_losses(
    evaluation: &mut Evaluation,
    trained: &Trained,
    training: &Subset,
    held_out: Option<&Subset>,
    settings: &EvaluationSettings,
    progress: &mut dyn FnMut(&str, u64, u64) -> Result<()>,
) -> Result<()> {
    let model: &TrainedModel = &trained.model;
    if let Some(held_out) = held_out {
        let mut tell = |done, total| progress("loss", done, total);
        let loss = denoising_loss(model, held_out, settings.max_rows, settings.seed, &mut tell)?;
        evaluation.loss = Some(loss);
    }
    if model.row_len() <= MAX_BASELINE && training.rows().len() > 1 {
        let values = rows_of(training, usize::MAX)?;
        let training = Rows::new(&values, model.row_len())?;
        let sigmas = model.levels.as_slice();
        let baseline = match held_out {
            None => linear_baseline(training, sigmas),
            Some(held_out) => {
                let others = rows_of(held_out, settings.max_rows)?;
                held_out_linear_baseline(training, Rows::new(&others, model.row_len())?, sigmas)
            }
        };
        match baseline {
            Ok(baseline) => evaluation.affine = Some(baseline.losses),
            Err(error) => {
                let refused = Refused::unless_ended("affine", "loss of the best affine network", error)?;
                evaluation.refused_figures.push(refused);
            }
        }
    }
    Ok(())
}

/// All figures of held-out rows, in the order in which they are shown.
fn figures(
    trained: &Trained,
    training: &Subset,
    held_out: Option<&Subset>,
    settings: &EvaluationSettings,
) -> Result<Figures> {
    let mut figures = Figures::default();
    model_figures(&mut figures, trained, training, held_out, settings)?;
    let Some(held_out) = held_out else {
        return match &settings.against {
            None => Ok(figures),
            Some(other) => Err(Error::input("the run has no held-out rows to tell from other data")
                .at(other)
                .remedy("name held-out rows as the data to evaluate on")),
        };
    };
    if let Some(other) = &settings.against {
        figures.found.push(against(trained, held_out, other, settings.max_rows)?);
    }
    let further = [
        (
            "bits_per_dim",
            "bits per dimension",
            flow_bits_per_dim(trained, held_out, settings.max_rows, settings.seed),
        ),
        (
            "log_likelihood_independent_units",
            "log-likelihood by independent units",
            independent_units(trained, training, held_out, settings),
        ),
    ];
    for (id, label, figure) in further {
        figure.transpose().map_or(Ok(()), |figure| figures.keep(id, label, figure))?;
    }
    Ok(figures)
}
