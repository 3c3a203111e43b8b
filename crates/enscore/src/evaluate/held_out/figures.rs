//! Figures of a trained energy or flow on held-out rows, each with its standard error over rows: the
//! objective's own loss, the log density f/T beside that of the training rows, and the log-likelihood where
//! log Z is known.

use super::auroc::auroc;
use super::data::rows_for;
use super::figure::{Figures, HeldOutFigure, Refused, log_unit};
use super::latent_bound::{BoundRows, add_bound};
use super::unit_figures::pseudo_log_likelihood;
use super::unit_figures::reconstruction_error;
use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::evaluate::{EvaluationSettings, Likelihood, Mean, Normaliser, log_z_by_quadrature};
use crate::executor::RowSlice;
use crate::model::{Bipartite, HostDensity};
use crate::objective::{HeldOutLoss, Scene, objective_program};
use crate::sample::{TrainedDensity, TrainedModel};
use crate::trained::{Trained, frozen_flow};
use enscore_program::random::Key;

/// Rows of each kind, at most: the standard error is then below a percent of a standard deviation.
pub(super) const MAX_ROWS: usize = 10_000;
/// Training rows whose bound is taken, at most.
const MAX_BOUND_TRAINING: usize = 1000;
/// Rows whose every unit is flipped, at most.
const MAX_FLIPPED: usize = 1000;
/// Rows that the objective's loss is taken over at once, at most, and batches that tell its error, at least,
/// where there are as many rows.
const MOST_AT_ONCE: usize = 256;
const FEWEST_BATCHES: usize = 32;

/// Adds the figures of `trained` on `held_out` rows to `figures`; none of a score network that was trained by
/// denoising, whose loss says all. Where no rows are held out, those of the training rows alone.
///
/// # Errors
/// Rows that can't be read; a model that does not fit them.
pub fn model_figures(
    figures: &mut Figures,
    trained: &Trained,
    training: &Subset,
    held_out: Option<&Subset>,
    settings: &EvaluationSettings,
) -> Result<()> {
    let most = settings.max_rows.min(MAX_ROWS);
    let rows = held_out.map(|rows| rows_of(rows, most)).transpose()?;
    if let Some(rows) = &rows {
        add_loss(figures, trained, training, rows, settings.seed)?;
    }
    if trained.model.model.latent_variable().is_some() {
        return add_bounds(figures, trained, training, rows.as_deref(), settings);
    }
    if !trained.model.model.has_density() {
        return Ok(());
    }
    let mut densities = Densities::new(trained)?;
    if let Some(rows) = &rows {
        densities.add(figures, "held_out", "held-out rows", rows)?;
    }
    densities.add(figures, "training", "training rows", &rows_of(training, most)?)?;
    let Some(rows) = rows else { return Ok(()) };
    if let Some(units) = trained.model.model.bipartite() {
        add_unit_figures(figures, &trained.model, units, &rows)?;
    }
    // A normalised log density is the likelihood.
    if trained.model.model.is_normalised() {
        return Ok(());
    }
    if let Some(learnt) = Normaliser::of_training(trained) {
        let by = " by the learnt log Z, of unknown error";
        densities.add_likelihood(figures, "log_likelihood", by, &rows, &learnt)?;
    }
    if let Some(kept) = &settings.log_z {
        densities.add_likelihood(figures, "log_likelihood_kept", " by the kept log Z", &rows, kept)?;
    }
    let id = "log_z_quadrature";
    let label = "log Z by quadrature";
    match log_z_by_quadrature(trained) {
        Ok(None) => {}
        Ok(Some(log_z)) => {
            let by = " by quadrature";
            let normaliser = Normaliser::by_quadrature(&log_z, trained.step);
            densities.add_likelihood(figures, "log_likelihood_quadrature", by, &rows, &normaliser)?;
            let std_err = Some(log_z.error());
            let value = log_z.value;
            let unit = "nats";
            figures.found.push(HeldOutFigure { id, label: label.into(), value, std_err, unit, rows: 0 });
        }
        Err(error) => figures.refused.push(Refused::unless_ended(id, label, error)?),
    }
    Ok(())
}

/// The bounds of a latent variable model on held-out and on as many training rows, of the latter some.
fn add_bounds(
    figures: &mut Figures,
    trained: &Trained,
    training: &Subset,
    held_out: Option<&[f32]>,
    settings: &EvaluationSettings,
) -> Result<()> {
    let how = (settings.draws, settings.seed);
    if let Some(values) = held_out {
        let which = "held-out rows";
        let rows = BoundRows { id: "log_likelihood_bound", which, values, with_bits: true };
        add_bound(figures, trained, &rows, how)?;
    }
    let values = &rows_of(training, settings.max_rows.min(MAX_BOUND_TRAINING))?;
    let which = "training rows";
    let rows = BoundRows { id: "log_likelihood_bound_training", which, values, with_bits: false };
    add_bound(figures, trained, &rows, how)
}

/// The log densities of a model's rows as figures.
struct Densities<'a> {
    density: TrainedDensity<'a>,
    /// What a log density lacks to be one in the data's own units ([`Trained::log_volume`]).
    log_volume: f64,
    /// What the log density is called, and what it is known up to.
    of: &'static str,
    unit: &'static str,
    /// What a log-likelihood is counted in: rows of real values have densities, rows of bits probabilities.
    likelihood_unit: &'static str,
    id: &'static str,
    is_bound: bool,
}

impl<'a> Densities<'a> {
    fn new(trained: &'a Trained) -> Result<Self> {
        let is_bound = trained.model.model.bipartite().is_some_and(Bipartite::is_bound);
        let of_bits = trained.model.model.support().is_discrete();
        let likelihood_unit = log_unit(of_bits);
        let up_to = if of_bits { "nats up to log Z" } else { "nats in the data's units, up to log Z" };
        let (id, of, unit) = match (trained.model.model.is_normalised(), is_bound) {
            (true, _) => ("log_likelihood", "log-likelihood", likelihood_unit),
            (false, true) => ("log_density_bound", "lower bound of the log density", up_to),
            (false, false) => ("log_density", "log density", up_to),
        };
        let log_volume = trained.log_volume()?;
        let density = TrainedDensity::new(&trained.model)?;
        Ok(Densities { density, log_volume, of, unit, likelihood_unit, id, is_bound })
    }

    fn values(&mut self, rows: &[f32]) -> Result<Vec<f64>> {
        let rows: Vec<f64> = rows.iter().map(|value| f64::from(*value)).collect();
        let mut values = self.density.log_density(&rows)?;
        values.iter_mut().for_each(|log_density| *log_density += self.log_volume);
        Ok(values)
    }

    /// The mean log density of rows.
    fn add(&mut self, figures: &mut Figures, which: &str, rows_label: &str, rows: &[f32]) -> Result<()> {
        let id = match (self.id, which) {
            ("log_likelihood", "training") => "log_likelihood_training",
            ("log_likelihood", _) => "log_likelihood",
            ("log_density_bound", "training") => "log_density_bound_training",
            ("log_density_bound", _) => "log_density_bound_held_out",
            (_, "training") => "log_density_training",
            _ => "log_density_held_out",
        };
        let label = format!("{} of {rows_label}", self.of);
        let unit = self.unit;
        let mean = self.values(rows).and_then(|values| Mean::of(&values));
        let figure = mean.map(|mean| HeldOutFigure::of_mean(id, &label, unit, mean));
        figures.keep(id, &label, figure)
    }

    /// The mean log-likelihood of held-out rows by the one rule for it, or the reason why there is none.
    fn add_likelihood(
        &mut self,
        figures: &mut Figures,
        id: &'static str,
        by: &str,
        rows: &[f32],
        normaliser: &Normaliser,
    ) -> Result<()> {
        let of = if self.is_bound { "lower bound of the log-likelihood" } else { "log-likelihood" };
        let label = format!("{of} of held-out rows{by}");
        let figure = match self.values(rows).and_then(|values| normaliser.likelihood(&values)) {
            Ok(Likelihood::Known(mean)) => Ok(HeldOutFigure::of_mean(id, &label, self.likelihood_unit, mean)),
            Ok(Likelihood::Unknown(reason)) => {
                figures.refused.push(Refused { id: id.into(), label, reason });
                return Ok(());
            }
            Err(error) => Err(error),
        };
        figures.keep(id, &label, figure)
    }
}

/// The objective's own loss of held-out rows, if it is a mean over rows.
fn add_loss(
    figures: &mut Figures,
    trained: &Trained,
    training: &Subset,
    rows: &[f32],
    seed: u64,
) -> Result<()> {
    let objective = trained.settings.objective();
    if objective.method().held_out() != HeldOutLoss::Own {
        return Ok(());
    }
    let label = format!("{} loss", objective.name());
    let figure = objective_loss(trained, training, rows, seed).map(|found| HeldOutFigure {
        id: "loss",
        label: label.clone(),
        unit: objective.method().loss_unit(),
        ..found
    });
    figures.keep("loss", &label, figure)
}

/// What two sides of units show without log Z.
fn add_unit_figures(
    figures: &mut Figures,
    model: &TrainedModel,
    units: &dyn Bipartite,
    rows: &[f32],
) -> Result<()> {
    let counted = |mean: Mean, rows: &[f32]| Mean { count: rows.len() / model.row_len(), ..mean };
    let id = "reconstruction_error";
    let label = "reconstruction error per element of held-out rows";
    let figure = reconstruction_error(model, rows)
        .map(|mean| HeldOutFigure::of_mean(id, label, "squared units", counted(mean, rows)));
    figures.keep(id, label, figure)?;
    if units.has_pseudo_likelihood() {
        let few = &rows[..rows.len().min(MAX_FLIPPED * model.row_len())];
        let id = "pseudo_log_likelihood";
        let label = "pseudo-log-likelihood of held-out rows";
        let figure = pseudo_log_likelihood(model, few)
            .map(|mean| HeldOutFigure::of_mean(id, label, "nats", counted(mean, few)));
        figures.keep(id, label, figure)?;
    }
    Ok(())
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
    let label = format!("AUROC of held-out rows against {other}");
    let rows = inside.len() + outside.len();
    Ok(HeldOutFigure { id: "auroc", label, value: found.value, std_err: Some(found.std_err), unit: "", rows })
}

/// The objective's loss over rows, in the units that training shows.
fn objective_loss(trained: &Trained, training: &Subset, rows: &[f32], seed: u64) -> Result<HeldOutFigure> {
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
    // Some objectives are of a batch, not of a row: the scatter of batches tells the error of all.
    let batch = (rows.len() / row_len / FEWEST_BATCHES).clamp(1, MOST_AT_ONCE);
    let program = objective_program(&model.model, objective, &parameters, batch)?;
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
    let full: Vec<f64> = means.iter().filter(|found| found.rows == batch).map(|found| found.mean).collect();
    let std_err = if full.len() > 1 { Some(Mean::of(&full)?.std_err) } else { None };
    Ok(HeldOutFigure { id: "loss", label: String::new(), value, std_err, unit: "", rows: count })
}
