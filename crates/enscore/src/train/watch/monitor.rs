//! What a training shows at a validation beside a loss, of models whose loss does not tell enough.

use serde_json::Value;

use super::generator_monitor::GeneratorMonitor;
use super::unit_monitor::UnitMonitor;
use crate::error::Result;
use crate::sample::TrainedModel;
use crate::train::from_settings::Described;

/// A monitor of fixed rows.
pub(crate) enum Monitor {
    /// Of two sides of units.
    Units(UnitMonitor),
    /// Of a generator.
    Generator(GeneratorMonitor),
}

impl Monitor {
    /// The monitor of a training; none of a model whose loss tells all.
    pub(crate) fn new(described: &Described) -> Result<Option<Monitor>> {
        if let Some(generator) = GeneratorMonitor::new(described)? {
            return Ok(Some(Monitor::Generator(generator)));
        }
        Ok(UnitMonitor::new(described)?.map(Monitor::Units))
    }

    /// The figures by the names that the metrics have, and a line that says them.
    pub(crate) fn observe(&self, model: &TrainedModel) -> Result<(Value, String)> {
        match self {
            Monitor::Units(units) => units.observe(model),
            Monitor::Generator(generator) => generator.observe(model),
        }
    }
}
