//! Figures of a trained energy or flow on held-out rows, each with its standard error over rows: the
//! objective's own loss, the log density f/T beside that of the training rows, and the log-likelihood where
//! log Z is known.

use enscore_program::random::Key;
use serde::Serialize;

use super::auroc::auroc;
use super::data::rows_for;
use super::unit_figures::pseudo_log_likelihood;
use super::unit_figures::reconstruction_error;
use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::evaluate::{EvaluationSettings, Mean, log_z_by_quadrature};
use crate::executor::RowSlice;
use crate::model::{Bipartite, HostDensity, Network};
use crate::objective::{HeldOutLoss, Scene, objective_program};
use crate::sample::{TrainedDensity, TrainedModel};
use crate::trained::{Trained, frozen_flow};

/// Rows of each kind, at most: the standard error is then below a percent of a standard deviation.
pub(super) const MAX_ROWS: usize = 10_000;
/// Rows whose every unit is flipped, at most.
const MAX_FLIPPED: usize = 1000;
/// Rows that the objective's loss is taken over at once.
const BATCH: usize = 256;

/// A figure of held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldOutFigure {
    /// What it is, with its unit.
    pub name: String,
    /// The value, in the unit that the name says.
    pub value: f64,
    /// Its standard error over rows; none where rows are not independent parts of it.
    pub std_err: Option<f64>,
    /// Rows evaluated.
    pub rows: usize,
}

/// The figures of `trained` on `held_out` rows; none of a score network that was trained by denoising, whose
/// loss says all.
///
/// # Errors
/// Rows of another shape; an objective that can't be built again from the training rows.
pub fn model_figures(
    trained: &Trained,
    training: &Subset,
    held_out: &Subset,
    settings: &EvaluationSettings,
) -> Result<Vec<HeldOutFigure>> {
    let mut figures = Vec::new();
    let rows = rows_of(held_out, settings.max_rows.min(MAX_ROWS))?;
    let objective = trained.settings.objective();
    if objective.method().held_out() == HeldOutLoss::Own {
        let name = format!("{} loss", objective.name());
        figures.push(objective_loss(trained, training, &rows, name, settings.seed)?);
    }
    if matches!(trained.model.model, Network::Score(_)) {
        return Ok(figures);
    }
    let mut density = TrainedDensity::new(&trained.model)?;
    let mut mean_of = |name: &str, rows: &[f32], shift: f64| -> Result<HeldOutFigure> {
        let rows: Vec<f64> = rows.iter().map(|value| f64::from(*value)).collect();
        let values = density.log_density(&rows)?;
        let mean = Mean::of(&values)?;
        Ok(HeldOutFigure {
            name: name.to_string(),
            value: mean.value - shift,
            std_err: Some(mean.std_err),
            rows: mean.count,
        })
    };
    let of = if trained.model.model.bipartite().is_some_and(Bipartite::is_bound) {
        "lower bound of the log density"
    } else {
        "log density"
    };
    figures.push(mean_of(&format!("{of} of held-out rows, nats up to log Z"), &rows, 0.0)?);
    let learnt_from = rows_of(training, settings.max_rows.min(MAX_ROWS))?;
    figures.push(mean_of(&format!("{of} of training rows, nats up to log Z"), &learnt_from, 0.0)?);
    if let Some(units) = trained.model.model.bipartite() {
        figures.extend(unit_figures(&trained.model, units, &rows)?);
    }
    if let Some(log_z) = trained.learnt_log_z {
        figures.push(mean_of("log-likelihood of held-out rows, nats", &rows, log_z)?);
    }
    if let Some(log_z) = settings.log_z {
        let of = if of == "log density" { "log-likelihood" } else { "lower bound of the log-likelihood" };
        figures.push(mean_of(&format!("{of} of held-out rows by the kept log Z, nats"), &rows, log_z)?);
    }
    if let Some(log_z) = log_z_by_quadrature(trained)? {
        figures.push(mean_of("log-likelihood of held-out rows by quadrature, nats", &rows, log_z.value)?);
        let value = log_z.value;
        let std_err = Some(log_z.error());
        figures.push(HeldOutFigure { name: "log Z by quadrature, nats".into(), value, std_err, rows: 0 });
    }
    Ok(figures)
}

/// What two sides of units show without log Z.
fn unit_figures(model: &TrainedModel, units: &dyn Bipartite, rows: &[f32]) -> Result<Vec<HeldOutFigure>> {
    let figure = |name: &str, found: Mean, rows: &[f32]| HeldOutFigure {
        name: name.to_string(),
        value: found.value,
        std_err: Some(found.std_err),
        rows: rows.len() / model.row_len(),
    };
    let error = reconstruction_error(model, rows)?;
    let mut figures = vec![figure("reconstruction error per element of held-out rows", error, rows)];
    if units.has_pseudo_likelihood() {
        let few = &rows[..rows.len().min(MAX_FLIPPED * model.row_len())];
        let found = pseudo_log_likelihood(model, few)?;
        figures.push(figure("pseudo-log-likelihood of held-out rows, nats", found, few));
    }
    Ok(figures)
}

/// How well the log density tells held-out rows from those of another source: the area under the ROC curve.
///
/// # Errors
/// A score network; rows of another shape.
pub fn against(trained: &Trained, held_out: &Subset, other: &str, max_rows: usize) -> Result<HeldOutFigure> {
    let others = rows_for(trained, other)?;
    let mut density = TrainedDensity::new(&trained.model)?;
    let mut scores = |rows: &Subset| -> Result<Vec<f64>> {
        let rows = rows_of(rows, max_rows.min(MAX_ROWS))?;
        density.log_density(&rows.iter().map(|value| f64::from(*value)).collect::<Vec<_>>())
    };
    let inside = scores(held_out)?;
    let outside = scores(&others)?;
    let found = auroc(&inside, &outside)?;
    let name = format!("AUROC of held-out rows against {other}");
    Ok(HeldOutFigure {
        name,
        value: found.value,
        std_err: Some(found.std_err),
        rows: inside.len() + outside.len(),
    })
}

/// The objective's loss over rows, in the units that training shows.
fn objective_loss(
    trained: &Trained,
    training: &Subset,
    rows: &[f32],
    name: String,
    seed: u64,
) -> Result<HeldOutFigure> {
    let model = &trained.model;
    let row_len = trained.model.row_len();
    let kind = trained.settings.objective().method();
    let facts = model.data.facts();
    let task = kind.build(Scene {
        model: trained.settings.model(),
        network: &model.model,
        data: &facts,
        training,
        validation: None,
        flow_noise: frozen_flow(&trained.settings)?,
    })?;
    let objective = &*task.players[0].objective;
    let further = kind.further_parameters(trained.settings.model(), &facts)?;
    let parameters = [model.parameters(), &further].concat();
    let program = objective_program(&model.model, objective, &parameters, BATCH)?;
    let mut routine = model.compile(&program)?;
    let learnt = trained.learnt_log_z.unwrap_or(0.0) as f32;
    let values: Vec<Vec<f32>> = further.iter().map(|parameter| vec![learnt; parameter.size()]).collect();
    let rows = RowSlice::new(rows, row_len)?;
    let mut over = routine.over::<f32>(&rows).weights(&model.weights).key(Key::new(seed, u64::MAX));
    for (parameter, values) in further.iter().zip(&values) {
        over = over.with(&parameter.name, values);
    }
    let means = over.means("loss")?;
    let count: usize = means.iter().map(|batch| batch.rows).sum();
    let value = means.iter().map(|batch| batch.mean * batch.rows as f64).sum::<f64>() / count as f64;
    let full: Vec<f64> = means.iter().filter(|batch| batch.rows == BATCH).map(|batch| batch.mean).collect();
    let std_err = if full.len() > 1 { Some(Mean::of(&full)?.std_err) } else { None };
    Ok(HeldOutFigure { name, value, std_err, rows: count })
}
