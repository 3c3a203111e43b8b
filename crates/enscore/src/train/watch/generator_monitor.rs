//! What training shows of a generator at a validation, with averaged weights: whether its samples lie where
//! held-out rows do, and whether they leave some of them out (Naeem et al. 2020): no loss of a game tells.

use serde_json::{Value, json};

use crate::data::rows_of;
use crate::error::Result;
use crate::evaluate::{DEFAULT_NEIGHBOUR, Reference, Rows, Share, SharedSupport, TwoSampleMetric};
use crate::report::{COVERAGE, COVERAGE_OF_DATA};
use crate::sample::{Sampler, TrainedModel, draw};
use crate::train::from_settings::Described;

/// Samples, and held-out rows of either half, at most.
const MOST: usize = 512;
/// Held-out rows of a half, at least.
const FEWEST: usize = 2 * DEFAULT_NEIGHBOUR;

/// Fixed rows that a generator is watched on.
pub(crate) struct GeneratorMonitor {
    /// Two halves of held-out rows.
    halves: [Vec<f32>; 2],
    row_len: usize,
    coverage: SharedSupport,
    precision: SharedSupport,
    sampler: Sampler,
}

impl GeneratorMonitor {
    /// The rows of a training of a generator; none of another model, or with too few validation rows.
    pub(crate) fn new(described: &Described) -> Result<Option<GeneratorMonitor>> {
        if described.training.model().generator().is_none() {
            return Ok(None);
        }
        let Some(validation) = &described.validation else { return Ok(None) };
        let rows = rows_of(validation, 2 * MOST)?;
        let row_len = validation.dataset().row_len();
        let half = rows.len() / row_len / 2;
        if half < FEWEST {
            return Ok(None);
        }
        let (first, rest) = rows.split_at(half * row_len);
        let reference = Reference::new(Rows::new(first, row_len)?, 0);
        Ok(Some(GeneratorMonitor {
            coverage: reference.share(Share::Coverage)?,
            precision: reference.share(Share::Precision)?,
            halves: [first.to_vec(), rest[..half * row_len].to_vec()],
            row_len,
            sampler: described.settings.sampler().clone(),
        }))
    }

    /// The figures by the names that the metrics have, and a line that says them.
    pub(crate) fn observe(&self, model: &TrainedModel) -> Result<(Value, String)> {
        let count = self.halves[0].len() / self.row_len;
        let drawn = draw(model, &self.sampler, count, 0, 0, &mut |_, _| Ok(()))?;
        let [real, others] = &self.halves;
        let real = Rows::new(real, self.row_len)?;
        let value = |metric: &SharedSupport, rows: &[f32]| metric.value(Rows::new(rows, self.row_len)?, real);
        let coverage = value(&self.coverage, &drawn.rows)?;
        let of_data = value(&self.coverage, others)?;
        let precision = value(&self.precision, &drawn.rows)?;
        let row = json!({ COVERAGE: coverage, COVERAGE_OF_DATA: of_data, "precision": precision });
        let said = format!("coverage {coverage:.3} (of real rows {of_data:.3}), precision {precision:.3}");
        Ok((row, said))
    }
}
