//! What training shows of two sides of units at a validation, with averaged weights: the log densities f of
//! training and of validation rows, whose difference grows where a machine overfits (Hinton 2012, section 6)
//! though log Z is unknown; how well a sweep gives validation rows back; their pseudo-log-likelihood.

use serde_json::{Value, json};

use crate::data::{Subset, rows_of};
use crate::error::Result;
use crate::evaluate::{pseudo_log_likelihood, reconstruction_error};
use crate::model::{Bipartite, HostDensity};
use crate::sample::{TrainedDensity, TrainedModel};
use crate::train::from_settings::Described;

/// Rows of each kind, at most; the pseudo-log-likelihood takes a flip of every unit of every row.
const ROWS: usize = 512;
const PSEUDO_ROWS: usize = 128;

/// Fixed rows that a training is watched on.
pub(crate) struct UnitMonitor {
    training: Vec<f32>,
    validation: Vec<f32>,
}

impl UnitMonitor {
    /// The rows of a training of two sides of units; none of another model or without validation rows.
    pub(crate) fn new(described: &Described) -> Result<Option<UnitMonitor>> {
        let Some(validation) = &described.validation else { return Ok(None) };
        if described.training.model().bipartite().is_none() {
            return Ok(None);
        }
        let first = |subset: &Subset| rows_of(subset, ROWS);
        Ok(Some(UnitMonitor { training: first(described.training.data())?, validation: first(validation)? }))
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
        let validation = mean(&self.validation)?;
        let error = reconstruction_error(model, &self.validation)?.value;
        let gap = training - validation;
        let mut said = String::new();
        let mut row = json!({
            "log_density_training": training,
            "log_density_validation": validation,
            "free_energy_gap": gap,
            "validation_reconstruction_error": error,
        });
        if model.model.bipartite().is_some_and(Bipartite::has_pseudo_likelihood) {
            let rows = &self.validation[..self.validation.len().min(PSEUDO_ROWS * model.row_len())];
            let pseudo = pseudo_log_likelihood(model, rows)?;
            row["pseudo_log_likelihood"] = json!(pseudo.value);
            // An evaluation takes more rows, and others: the error says how far both may be apart.
            let error = pseudo.error().map_or(String::new(), |error| format!(" ± {error:.3}"));
            said = format!(", pseudo-log-likelihood {:.3}{error} nats ({} rows)", pseudo.value, pseudo.count);
        }
        Ok((row, format!("free energy gap {gap:.3}, reconstruction error {error:.5}{said}")))
    }
}
