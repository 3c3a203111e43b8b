//! Everything that a training needs before its first step, checked before anything is written.

use crate::checkpoint::{DataRecord, RunManifest, STATE_PREFIXES};
use crate::data::{self, Dataset, Split, Statistics, Subset};
use crate::error::{Error, Result};
use crate::model::{self, NoiseLevels, Score};
use crate::objective;
use crate::settings::Settings;
use crate::train::adam::Adam;
use crate::train::update::{Optimiser, UpdateProgram};

/// A checked training: data, network, objective and update.
pub struct Plan {
    pub(crate) settings: Settings,
    pub(crate) training: Subset,
    pub(crate) validation: Option<Subset>,
    pub(crate) record: DataRecord,
    pub(crate) model: Box<dyn Score>,
    pub(crate) levels: NoiseLevels,
    pub(crate) update: UpdateProgram,
}

impl Plan {
    /// Loads the data, builds the network and traces the update.
    ///
    /// # Errors
    /// Whatever of it is wrong input.
    pub fn new(settings: &Settings) -> Result<Plan> {
        let dataset = data::load(&settings.data().source.to_string(), Split::Train)?;
        if settings.data().dequantise && dataset.scale().levels.is_none() {
            return Err(Error::input("these data have no levels to dequantise")
                .at("data.dequantise")
                .found(dataset.source())
                .remedy("set data.dequantise = false"));
        }
        let (training, validation) =
            data::hold_out(&dataset, settings.data().validation, settings.train().seed)?;
        let record = record(&dataset, &data::statistics(&training)?)?;
        let model = model::build(settings.model(), dataset.row_shape(), record.variance)?;
        let objective = objective::build(settings.objective())?;
        let optimiser = settings.optimiser();
        let constants = Optimiser {
            adam: Adam::new(optimiser.beta1, optimiser.beta2, optimiser.epsilon)?,
            clip_norm: optimiser.clip_norm,
        };
        let batch = settings.train().batch;
        let update = UpdateProgram::trace(&*model, &*objective, &constants, batch, dataset.row_shape())?;
        let levels = objective::noise_levels(settings.objective())?;
        Ok(Plan { settings: settings.clone(), training, validation, record, model, levels, update })
    }

    /// Numbers that the network learns.
    pub fn parameter_count(&self) -> u64 {
        self.update.parameters.iter().map(|parameter| parameter.size() as u64).sum()
    }

    pub(crate) fn manifest(&self) -> RunManifest {
        let path = format!("{:?}", enscore_cpu::simd::Path::current()).to_lowercase();
        RunManifest::new(self.settings.train().seed, self.record.clone(), self.parameter_count(), &path)
    }
}

fn record(dataset: &Dataset, statistics: &Statistics) -> Result<DataRecord> {
    let scale = serde_json::to_value(dataset.scale())
        .map_err(|reason| Error::run("the data's scale can't be written").found(reason))?;
    Ok(DataRecord {
        name: dataset.name().to_string(),
        fingerprint: dataset.fingerprint(),
        scale,
        row_shape: dataset.row_shape().to_vec(),
        variance: statistics.overall_variance(),
        range: [statistics.low, statistics.high],
    })
}

/// Bytes that a training takes: the data, two copies of the state, and the arena of the update.
pub fn memory_estimate(plan: &Plan, arena_bytes: usize) -> u64 {
    let data = plan.training.dataset();
    let width = match data.values() {
        data::Values::U8(_) => 1,
        data::Values::F32(_) => 4,
        data::Values::F64(_) => 8,
    };
    let state = 2 * 4 * STATE_PREFIXES.len() as u64 * plan.parameter_count();
    (data.values().len() * width) as u64 + state + arena_bytes as u64
}
