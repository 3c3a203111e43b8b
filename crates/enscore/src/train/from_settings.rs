//! A training as checked settings describe it: data, model, objective, options; everything that can be
//! refused is refused here, before anything is written.

use enscore_program::executor::Width;

use super::memory::BASE;
use super::options::TrainingOptions;
use super::players::trace_updates;
use super::suitability::Suitability;
use super::training::{Traced, Training};
use super::update::UpdateProgram;
use crate::checkpoint::{DataRecord, RunManifest};
use crate::data::{self, Dataset, Grey, Parts, Prepared, Preprocess, Split, Statistics, Subset};
use crate::error::{Error, Result};
use crate::executor::Executors;
use crate::memory::MemoryLimit;
use crate::model::{DataFacts, Family, Network, NoiseLevels, Support};
use crate::objective::{Scene, Task};
use crate::settings::Settings;
use crate::trained::{frozen_flow, processor, update_processor};

/// A training with what a run's folder records of it.
pub(super) struct Described {
    pub(super) settings: Settings,
    pub(super) training: Training,
    pub(super) validation: Option<Subset>,
    pub(super) record: DataRecord,
    pub(super) levels: NoiseLevels,
    /// What was noticed in reading the data, and what of the settings does not fit them, a line each.
    pub(super) warnings: Vec<String>,
}

impl Training {
    /// The training that `settings` describe, in memory: nothing is recorded.
    ///
    /// # Errors
    /// Whatever of the settings or their data is wrong input.
    pub fn of_settings(settings: &Settings) -> Result<Training> {
        Ok(Described::by(settings)?.training)
    }
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
        let record = record(&dataset, &prepared, &statistics, settings.model().method().family())?;
        let Parts { training, validation, .. } = prepared.parts;
        let keeps_rows = settings.model().method().keeps_rows();
        let record = DataRecord { count: keeps_rows.then_some(training.rows().len()), ..record };
        let first = starting_rows(settings, &training)?;
        let model = settings.model().method().build(&DataFacts { rows: &first, ..record.facts() })?;
        refuse_other_values(settings, &model, &training)?;
        let warnings = Suitability {
            settings,
            dataset: &dataset,
            training: &training,
            statistics: &statistics,
            whitening: record.whitening.as_ref(),
            support: model.support(),
        }
        .warnings()?;
        let objective = settings.objective().method();
        let task = objective.build(Scene {
            model: settings.model(),
            network: &model,
            data: &record.facts(),
            training: &training,
            validation: validation.as_ref(),
            flow_noise: frozen_flow(settings)?,
        })?;
        let options = TrainingOptions::of(settings)?;
        let executors = executors(settings)?;
        let (task, updates) = within_memory(settings, &model, task, &options, &executors)?;
        let traced = Traced { model, task, updates, options, grey: prepared.grey };
        let training = Training::traced(traced, &training, &statistics, executors)?;
        let levels = objective.levels()?;
        let warnings = dataset.notes().iter().cloned().chain(warnings).collect();
        Ok(Described { settings: settings.clone(), training, validation, record, levels, warnings })
    }

    pub(super) fn manifest(&self) -> RunManifest {
        let instructions = self.training.executors().update.name();
        let seed = self.settings.train().seed;
        let parameters = self.training.parameter_count();
        let temperature =
            Some(self.settings.objective().method().temperature()).filter(|temperature| *temperature != 1.0);
        RunManifest { temperature, ..RunManifest::new(seed, self.record.clone(), parameters, &instructions) }
    }
}

/// The processor as the settings want it.
fn executors(settings: &Settings) -> Result<Executors> {
    let update = update_processor(settings)?.executor();
    Ok(Executors { update, other: processor(settings).executor() })
}

/// The updates of `task`; of exact score matching of an energy, unless the settings say otherwise, with
/// as many tangents at a time as half of the memory limit holds.
fn within_memory(
    settings: &Settings,
    model: &Network,
    mut task: Task,
    options: &TrainingOptions,
    executors: &Executors,
) -> Result<(Task, Vec<UpdateProgram>)> {
    let mut updates = trace_updates(model, &task, options)?;
    let objective = settings.objective().method();
    let mut tangents: usize = model.row_shape().iter().product();
    let half = 0.5 * (MemoryLimit::of_gib(settings.train().memory_limit_gib).bytes - BASE);
    while objective.with_tangents(tangents).is_some() && model.has_density() && tangents > 1 {
        // What can't be compiled for want of memory may fit in smaller chunks.
        let compiled = executors.update.compile(&updates[0].program, Width::Single);
        if compiled.is_ok_and(|compiled| compiled.memory() as f64 <= half) {
            break;
        }
        tangents = tangents.div_ceil(2);
        let Some(smaller) = objective.with_tangents(tangents) else { break };
        task = smaller;
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
fn refuse_other_values(settings: &Settings, model: &Network, training: &Subset) -> Result<()> {
    if let Support::Levels(_) = model.support()
        && settings.data().dequantise
    {
        return Err(Error::input("a model of levels can't learn from values with noise")
            .at("data.dequantise")
            .found(true)
            .remedy("set data.dequantise = false"));
    }
    if model.support() != Support::Bits {
        return match settings.data().grey {
            Grey::Refuse => Ok(()),
            grey => Err(Error::input("grey values are probabilities to units in {0, 1} alone")
                .at("data.grey")
                .found(format!("{:?}", grey.name()))
                .expected("a model of values in {0, 1}")
                .remedy("remove data.grey")),
        };
    }
    if settings.data().dequantise {
        return Err(Error::input("binary units can't learn from values with noise")
            .at("data.dequantise")
            .found(true)
            .expected("false with units in {0, 1}")
            .remedy("set data.dequantise = false; data.binarise = true makes bits of grey values"));
    }
    match settings.data().grey {
        Grey::Refuse | Grey::Bits => training.dataset().require_binary(),
        Grey::Probabilities => training.dataset().require_fractions(),
    }
}

fn refuse_two_test_splits(settings: &Settings) -> Result<()> {
    let data = settings.data();
    if data.test_fraction > 0.0 && data::load_test(&data.source.to_string(), &data.reading)?.is_some() {
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
    let count = settings.model().method().starting_rows().min(rows.len());
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
    record.table = dataset.table().cloned();
    if family == Family::Score {
        record.mean.clear();
        record.deviation.clear();
    }
    Ok(record)
}
