//! What the steps since the last line of metrics.jsonl reported. It is part of the checkpoint, so that a
//! training resumed between two lines writes the lines of an uninterrupted one.

use serde_json::{Map, Value, json};

use crate::checkpoint::{TensorData, Tensors};
use crate::error::Result;
use crate::objective::Diagnostic;
use crate::train::chains::ChainReport;
use crate::train::report::StepReport;

/// The names of the window in a checkpoint.
const REPORTS: &str = "log.reports";
const SWAPPED: &str = "log.swapped";
const NOT_FINITE: &str = "log.chains_not_finite";
/// Numbers of a report in front of its diagnostics: player, learning rate, loss, norm of the gradient.
const LEADING: usize = 4;

/// The reports since the last line.
#[derive(Default)]
pub(crate) struct Window {
    reports: Vec<StepReport>,
    /// Chains that were not finite.
    not_finite: u64,
    /// Of each step, the fraction of swaps of tempered chains that were accepted.
    swapped: Vec<f64>,
}

impl Window {
    pub(crate) fn push(&mut self, report: StepReport) {
        self.reports.push(report);
    }

    pub(crate) fn push_chains(&mut self, report: &ChainReport) {
        self.not_finite += report.not_finite as u64;
        self.swapped.extend(report.swapped);
    }

    pub(crate) fn clear(&mut self) {
        *self = Window::default();
    }

    /// The mean loss per dimension, or of what the objective reports in its place.
    pub(crate) fn loss_per_dim(&self) -> f64 {
        self.mean(|report| report.loss_per_dim)
    }

    /// The line of metrics: means over the window, and the learning rate of its last step.
    pub(crate) fn line(&self) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("loss".into(), json!(self.mean(|report| report.loss)));
        line.insert(Diagnostic::LossPerDim.name().into(), json!(self.loss_per_dim()));
        line.insert("gradient_norm".into(), json!(self.mean(|report| report.gradient_norm)));
        line.insert("learning_rate".into(), json!(self.reports.last().map(|report| report.learning_rate)));
        for (diagnostic, _) in self.reports.iter().flat_map(|report| &report.diagnostics) {
            let name = diagnostic.name();
            if *diagnostic != Diagnostic::LossPerDim && !line.contains_key(name) {
                line.insert(name.to_string(), json!(self.mean_of(*diagnostic)));
            }
        }
        if !self.swapped.is_empty() {
            let mean = self.swapped.iter().sum::<f64>() / self.swapped.len() as f64;
            line.insert("swapped".into(), json!(mean));
        }
        if self.not_finite > 0 {
            line.insert("chains_not_finite".into(), json!(self.not_finite));
        }
        line
    }

    fn mean(&self, part: fn(&StepReport) -> f64) -> f64 {
        self.reports.iter().map(part).sum::<f64>() / self.reports.len().max(1) as f64
    }

    /// The mean over the steps that reported this diagnostic: players may report different ones.
    fn mean_of(&self, diagnostic: Diagnostic) -> f64 {
        let values: Vec<f64> =
            self.reports.iter().filter_map(|report| report.diagnostic(diagnostic)).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    pub(crate) fn save(&self, tensors: &mut Tensors) -> Result<()> {
        if !self.reports.is_empty() {
            let longest = self.reports.iter().map(|report| report.diagnostics.len()).max().unwrap_or(0);
            let width = LEADING + longest;
            let rows = self.reports.iter().flat_map(|report| {
                let leading = [report.player as f64, report.learning_rate, report.loss, report.gradient_norm];
                let diagnostics = report.diagnostics.iter().map(|(_, value)| *value);
                let filling = std::iter::repeat_n(0.0, longest - report.diagnostics.len());
                leading.into_iter().chain(diagnostics).chain(filling)
            });
            tensors.insert(REPORTS, &[self.reports.len(), width], TensorData::F64(rows.collect()))?;
        }
        if !self.swapped.is_empty() {
            tensors.insert(SWAPPED, &[self.swapped.len()], TensorData::F64(self.swapped.clone()))?;
        }
        if self.not_finite > 0 {
            tensors.insert(NOT_FINITE, &[], TensorData::F64(vec![self.not_finite as f64]))?;
        }
        Ok(())
    }

    /// The window of a checkpoint; `diagnostics` are what each player reports. Empty where the
    /// checkpoint was written before there was one.
    pub(crate) fn restore(tensors: &Tensors, diagnostics: &[Vec<Diagnostic>]) -> Result<Window> {
        let mut window = Window::default();
        if let Some(reports) = tensors.get(REPORTS) {
            let width = reports.shape().get(1).copied().unwrap_or(0).max(LEADING);
            let rows = tensors.f64(REPORTS)?.chunks_exact(width);
            window.reports = rows.filter_map(|row| report(row, diagnostics)).collect();
        }
        if tensors.get(SWAPPED).is_some() {
            window.swapped = tensors.f64(SWAPPED)?.to_vec();
        }
        if tensors.get(NOT_FINITE).is_some() {
            window.not_finite = tensors.f64(NOT_FINITE)?.first().map_or(0, |count| *count as u64);
        }
        Ok(window)
    }
}

/// The report that a row of a checkpoint stands for; none of a player that the training has not.
fn report(row: &[f64], diagnostics: &[Vec<Diagnostic>]) -> Option<StepReport> {
    let player = row[0] as usize;
    let reported = diagnostics.get(player)?;
    let named = reported.iter().copied().zip(row[LEADING..].iter().copied()).collect();
    Some(StepReport::new(player, row[1], [row[2], row[3]], true, named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> (Window, Vec<Vec<Diagnostic>>) {
        let reported =
            vec![vec![Diagnostic::Accuracy], vec![Diagnostic::EnergyGap, Diagnostic::Named("log_z")]];
        let mut window = Window::default();
        window.push(StepReport::new(0, 0.5, [2.0, 3.0], true, vec![(Diagnostic::Accuracy, 0.75)]));
        window.push(StepReport::new(
            1,
            0.25,
            [4.0, 5.0],
            true,
            vec![(Diagnostic::EnergyGap, -1.5), (Diagnostic::Named("log_z"), 8.0)],
        ));
        window.push_chains(&ChainReport { not_finite: 3, swapped: Some(0.1), ..ChainReport::default() });
        (window, reported)
    }

    #[test]
    fn a_line_has_means_and_the_last_learning_rate() {
        let line = Value::Object(window().0.line());
        let expected = json!({
            "loss": 3.0, "loss_per_dim": -0.375, "gradient_norm": 4.0, "learning_rate": 0.25, "accuracy": 0.75,
            "energy_gap": -1.5, "log_z": 8.0, "swapped": 0.1, "chains_not_finite": 3,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn a_window_survives_a_checkpoint() {
        let (window, reported) = window();
        let mut tensors = Tensors::new();
        window.save(&mut tensors).unwrap();
        let restored = Window::restore(&tensors, &reported).unwrap();
        assert_eq!(restored.line(), window.line());
        assert_eq!(restored.reports[1].energy_gap, Some(-1.5));
        let empty = Window::restore(&Tensors::new(), &reported).unwrap();
        assert!(empty.reports.is_empty() && empty.swapped.is_empty() && empty.not_finite == 0);
    }
}
