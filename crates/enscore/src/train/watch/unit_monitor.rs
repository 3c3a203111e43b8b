//! What training shows of two sides of units at a validation, with averaged weights: the log densities f of
//! training and of validation rows, whose difference grows where a machine overfits (Hinton 2012, section 6)
//! though log Z is unknown; how well a sweep gives validation rows back; their pseudo-log-likelihood; of a
//! machine with a side of at most 16 units the log-likelihood itself, by enumeration, which tells where
//! chains that no longer mix lead a training astray (Fischer and Igel 2010).

use serde_json::{Value, json};

use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::evaluate::{Drift, SideEnumeration, drift, pseudo_log_likelihood, reconstruction_error};
use crate::model::{Bipartite, HostDensity, is_enumerable};
use crate::report::{CORRELATION, LIKELIHOOD};
use crate::sample::{TrainedDensity, TrainedModel, WeightedBipartite};
use crate::train::from_settings::Described;

/// Rows of each kind, at most; the pseudo-log-likelihood takes a flip of every unit of every row.
const ROWS: usize = 512;
const PSEUDO_ROWS: usize = 128;
/// Chains that start at training rows, and their sweeps.
const DRIFT_ROWS: usize = 128;
const DRIFT_SWEEPS: u64 = 100;

/// Fixed rows that a training is watched on.
pub(crate) struct UnitMonitor {
    training: Vec<f32>,
    /// Empty where no rows are held out.
    validation: Vec<f32>,
}

impl UnitMonitor {
    /// The rows of a training of two sides of units; none of another model, or where nothing would be shown:
    /// without validation rows, of a machine too large to enumerate.
    pub(crate) fn new(described: &Described) -> Result<Option<UnitMonitor>> {
        let Some(units) = described.training.model().bipartite() else { return Ok(None) };
        if described.validation.is_none() && !has_likelihood(units) {
            return Ok(None);
        }
        let first = |subset: &Subset| rows_of(subset, ROWS);
        let validation = described.validation.as_ref().map(first).transpose()?.unwrap_or_default();
        Ok(Some(UnitMonitor { training: first(described.training.data())?, validation }))
    }

    /// The figures by the names that the metrics have, and a line that says them.
    pub(crate) fn observe(&self, model: &TrainedModel) -> Result<(Value, String)> {
        let mut density = TrainedDensity::new(model)?;
        let mut mean = |rows: &[f32]| -> Result<f64> {
            let rows: Vec<f64> = rows.iter().map(|value| f64::from(*value)).collect();
            let values = density.log_density(&rows)?;
            Ok(values.iter().sum::<f64>() / values.len().max(1) as f64)
        };
        let training = mean(&self.training)?;
        let mut row = json!({ "log_density_training": training });
        let mut said = Vec::new();
        let log_z = log_z(model)?;
        if let Some(log_z) = log_z {
            row[LIKELIHOOD] = json!(training - log_z);
            said.push(format!("log-likelihood of training rows {:.4} nats", training - log_z));
        }
        if !model.model.bipartite().is_some_and(Bipartite::is_bound) {
            let rows = &self.training[..self.training.len().min(DRIFT_ROWS * model.row_len())];
            let Drift { correlation, log_density } = drift(model, rows, DRIFT_SWEEPS, 0)?;
            row[CORRELATION] = json!(correlation);
            row["drift_log_density"] = json!(log_density.value);
            row["drift_log_density_std_err"] = json!(log_density.std_err);
            said.push(format!(
                "{DRIFT_SWEEPS} sweeps from training rows keep a correlation of {correlation:.2} and change the log \
                 density by {:.2} ± {:.2} nats",
                log_density.value, log_density.std_err
            ));
        }
        if self.validation.is_empty() {
            return Ok((row, said.join(", ")));
        }
        let validation = mean(&self.validation)?;
        let error = reconstruction_error(model, &self.validation)?.value;
        let gap = training - validation;
        row["log_density_validation"] = json!(validation);
        row["free_energy_gap"] = json!(gap);
        row["validation_reconstruction_error"] = json!(error);
        said.push(format!("free energy gap {gap:.3}, reconstruction error {error:.5}"));
        if let Some(log_z) = log_z {
            row["log_likelihood_validation"] = json!(validation - log_z);
            said.push(format!("log-likelihood of validation rows {:.4} nats", validation - log_z));
        }
        if model.model.bipartite().is_some_and(Bipartite::has_pseudo_likelihood) {
            let rows = &self.validation[..self.validation.len().min(PSEUDO_ROWS * model.row_len())];
            let pseudo = pseudo_log_likelihood(model, rows)?;
            row["pseudo_log_likelihood"] = json!(pseudo.value);
            // An evaluation takes more rows, and others: the error says how far both may be apart.
            let error = pseudo.error().map_or(String::new(), |error| format!(" ± {error:.3}"));
            said.push(format!(
                "pseudo-log-likelihood {:.3}{error} nats ({} rows)",
                pseudo.value, pseudo.count
            ));
        }
        Ok((row, said.join(", ")))
    }
}

/// Whether the log-likelihood of rows is computed: of a small machine whose log density is no mere bound.
fn has_likelihood(units: &dyn Bipartite) -> bool {
    is_enumerable(units) && !units.is_bound()
}

/// log Z of a small machine, nats.
fn log_z(model: &TrainedModel) -> Result<Option<f64>> {
    if !model.model.bipartite().is_some_and(has_likelihood) {
        return Ok(None);
    }
    let Some(target) = WeightedBipartite::of(model)? else { return Ok(None) };
    Ok(Some(SideEnumeration::new(&target, &mut |_, _, _| Ok(()))?.log_z()))
}
