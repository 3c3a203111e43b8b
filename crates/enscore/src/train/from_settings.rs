//! A training as checked settings describe it: data, model, objective, options; everything that can be
//! refused is refused here, before anything is written.

use enscore_cpu::Executable;

use super::options::TrainingOptions;
use super::training::{Training, trace_updates};
use super::update::UpdateProgram;
use crate::checkpoint::{DataRecord, RunManifest};
use crate::data::{self, Dataset, Parts, Prepared, Split, Statistics, Subset};
use crate::error::{Error, Result};
use crate::model::{self, Bipartite, DataFacts, Network, NoiseLevels};
use crate::objective::{self, Task};
use crate::sample::{frozen_flow, refused, temperature};
use crate::settings::{Family, Objective, Preprocess, Settings};

/// A training with what a run's folder records of it.
pub(super) struct Described {
    pub(super) settings: Settings,
    pub(super) training: Training,
    pub(super) validation: Option<Subset>,
    pub(super) record: DataRecord,
    pub(super) levels: NoiseLevels,
}

impl Described {
    /// Loads the data, builds the network and compiles the updates.
    ///
    /// # Errors
    /// Whatever of it is wrong input.
    pub(super) fn by(settings: &Settings) -> Result<Described> {
        let dataset = data::load_as(settings.data(), Split::Train)?;
        refuse_without_levels(settings, &dataset)?;
        refuse_two_test_splits(settings)?;
        let prepared = data::prepare(&dataset, settings.data(), settings.train().seed, None)?;
        let statistics = data::statistics(&prepared.parts.training)?;
        let record = record(&dataset, &prepared, &statistics, settings.model().family())?;
        let Parts { training, validation, .. } = prepared.parts;
        let first = starting_rows(settings, &training)?;
        let model = model::build(settings.model(), &DataFacts { rows: &first, ..record.facts() })?;
        refuse_other_values(&model, &training)?;
        refuse_large_enumeration(settings, &model)?;
        let flow = frozen_flow(settings)?;
        let task = objective::build(settings, &record.facts(), &training, validation.as_ref(), flow)?;
        let options = TrainingOptions::of(settings)?;
        let (task, updates) = within_memory(settings, &model, task, &options)?;
        let training = Training::traced(model, task, updates, &training, &statistics, options)?;
        let levels = objective::noise_levels(settings.objective())?;
        Ok(Described { settings: settings.clone(), training, validation, record, levels })
    }

    pub(super) fn manifest(&self) -> RunManifest {
        let instructions = format!("{:?}", enscore_cpu::simd::Path::current()).to_lowercase();
        let seed = self.settings.train().seed;
        let parameters = self.training.parameter_count();
        let temperature = Some(temperature(&self.settings)).filter(|temperature| *temperature != 1.0);
        RunManifest { temperature, ..RunManifest::new(seed, self.record.clone(), parameters, &instructions) }
    }
}

/// The updates of `task`; of exact score matching of an energy, unless the settings say otherwise, with
/// as many tangents at a time as half of the memory limit holds.
fn within_memory(
    settings: &Settings,
    model: &Network,
    mut task: Task,
    options: &TrainingOptions,
) -> Result<(Task, Vec<UpdateProgram>)> {
    let mut updates = trace_updates(model, &task, options)?;
    let chooses = matches!(settings.objective(), Objective::Sm(sm) if sm.tangents == 0);
    let mut tangents: usize = model::Score::row_shape(model).iter().product();
    let half = 0.5 * settings.train().memory_limit_gib * (1u64 << 30) as f64;
    while chooses && model.has_density() && tangents > 1 {
        let executable = Executable::<f32>::compile(&updates[0].program, options.update).map_err(refused)?;
        if executable.arena_bytes() as f64 <= half {
            break;
        }
        tangents = tangents.div_ceil(2);
        task = Task::score_matching(tangents);
        updates = trace_updates(model, &task, options)?;
    }
    Ok((task, updates))
}

/// Only values on levels can be dequantised; tables get their noise when they are mapped.
fn refuse_without_levels(settings: &Settings, dataset: &Dataset) -> Result<()> {
    let of_table = settings.data().preprocess != Preprocess::None;
    if !settings.data().dequantise || dataset.scale().levels.is_some() || of_table {
        return Ok(());
    }
    Err(Error::input("can't dequantise data without discrete levels")
        .at("data.dequantise")
        .found(dataset.source())
        .remedy("set data.dequantise = false"))
}

/// Units in {0, 1} learn from data of 0 and 1.
fn refuse_other_values(model: &Network, training: &Subset) -> Result<()> {
    if model.bipartite().is_some_and(Bipartite::is_binary) {
        return training.dataset().require_binary();
    }
    Ok(())
}

/// Exact likelihoods of bipartite models enumerate the smaller side.
fn refuse_large_enumeration(settings: &Settings, model: &Network) -> Result<()> {
    match (settings.objective(), model.bipartite()) {
        (Objective::Ml(_), Some(units)) if !model::is_enumerable(units) => {
            Err(Error::input("too many units to enumerate the exact likelihood")
                .at("objective.kind = \"ml\"")
                .found(format!("{} hidden units", units.second_width()))
                .expected(format!("at most {} on one side", model::MOST_TRACED_UNITS))
                .remedy("set objective.kind = \"cd\", or fewer model.hidden"))
        }
        _ => Ok(()),
    }
}

fn refuse_two_test_splits(settings: &Settings) -> Result<()> {
    let data = settings.data();
    if data.test_fraction > 0.0 && data::load_test(&data.source.to_string())?.is_some() {
        return Err(Error::input("the data already have a test split")
            .at("data.test_fraction")
            .found(data.test_fraction)
            .remedy("set data.test_fraction = 0"));
    }
    Ok(())
}

/// The rows that the model's parameters start at, spread evenly over the training rows.
fn starting_rows(settings: &Settings, training: &Subset) -> Result<Vec<f64>> {
    let dataset = training.dataset();
    let rows = training.rows();
    let count = model::starting_rows(settings.model()).min(rows.len());
    let mut values = vec![0.0; count * dataset.row_len()];
    for (i, out) in values.chunks_exact_mut(dataset.row_len().max(1)).enumerate() {
        dataset.copy_row_f64(rows[i * rows.len() / count] as usize, out)?;
    }
    Ok(values)
}

/// Scores are built from the variance alone; what centres on the data is built from each element's moments.
fn record(
    dataset: &Dataset,
    prepared: &Prepared,
    statistics: &Statistics,
    family: Family,
) -> Result<DataRecord> {
    let mut record = DataRecord::of(dataset, statistics)?;
    record.row_shape = prepared.parts.training.dataset().row_shape().to_vec();
    record.whitening = prepared.whitening.clone();
    if family == Family::Score {
        record.mean.clear();
        record.deviation.clear();
    }
    Ok(record)
}
