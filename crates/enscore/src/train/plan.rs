//! Everything that a training needs before its first step, checked before anything is written.

use enscore_cpu::Executable;

use crate::checkpoint::{DataRecord, RunManifest, STATE_PREFIXES};
use crate::data::{self, Dataset, Parts, Prepared, Split, Subset};
use crate::error::{Error, Result};
use crate::model::{self, Bipartite, DataFacts, Network, NoiseLevels};
use crate::objective::{self, ChainSettings, Task};
use crate::sample::{frozen_flow, refused, temperature, update_options};
use crate::settings::{Descent, Family, Objective, Preprocess, Settings};
use crate::train::adam::{Adam, Rule};
use crate::train::update::{Optimiser, Steps, UpdateProgram};

/// A checked training: data, model, objective and updates.
pub struct Plan {
    pub(crate) settings: Settings,
    pub(crate) training: Subset,
    pub(crate) validation: Option<Subset>,
    pub(crate) record: DataRecord,
    pub(crate) model: Network,
    pub(crate) task: Task,
    pub(crate) levels: NoiseLevels,
    /// One for each of the task's players, over the same state.
    pub(crate) updates: Vec<UpdateProgram>,
}

impl Plan {
    /// Loads the data, builds the network and traces the update.
    ///
    /// # Errors
    /// Whatever of it is wrong input.
    pub fn new(settings: &Settings) -> Result<Plan> {
        let dataset = data::load_as(settings.data(), Split::Train)?;
        let of_table = settings.data().preprocess != Preprocess::None;
        if settings.data().dequantise && dataset.scale().levels.is_none() && !of_table {
            return Err(Error::input("these data have no levels to dequantise")
                .at("data.dequantise")
                .found(dataset.source())
                .remedy("set data.dequantise = false"));
        }
        refuse_two_test_splits(settings)?;
        let prepared = data::prepare(&dataset, settings.data(), settings.train().seed, None)?;
        let family = settings.model().family();
        let record = record(&dataset, &prepared, family)?;
        let Parts { training, validation, .. } = prepared.parts;
        let first = starting_rows(settings, &training)?;
        let model = model::build(settings.model(), &DataFacts { rows: &first, ..record.facts() })?;
        refuse_other_values(&model, &training)?;
        refuse_large_enumeration(settings, &model)?;
        let task = objective::build(
            settings,
            &record.facts(),
            &training,
            validation.as_ref(),
            frozen_flow(settings)?,
        )?;
        let optimiser = settings.optimiser();
        let constants = Optimiser {
            rule: match optimiser.kind {
                Descent::Adam => Rule::Adam(Adam::new(optimiser.beta1, optimiser.beta2, optimiser.epsilon)?),
                Descent::Sgd => Rule::Momentum(optimiser.momentum),
            },
            weight_decay: optimiser.weight_decay,
            clip_norm: optimiser.clip_norm,
        };
        let updates = trace_updates(settings, &model, &task, &constants)?;
        let (task, updates) = within_memory(settings, &model, &constants, (task, updates))?;
        let levels = objective::noise_levels(settings.objective())?;
        Ok(Plan { settings: settings.clone(), training, validation, record, model, task, levels, updates })
    }

    /// The update that all players' states are those of.
    pub(crate) fn update(&self) -> &UpdateProgram {
        &self.updates[0]
    }

    /// The names of what each player reports.
    pub(crate) fn diagnostics(&self) -> Vec<Vec<&'static str>> {
        self.updates.iter().map(|update| update.diagnostics.clone()).collect()
    }

    /// Numbers that the network learns.
    pub fn parameter_count(&self) -> u64 {
        self.update().parameters.iter().map(|parameter| parameter.size() as u64).sum()
    }

    pub(crate) fn manifest(&self) -> RunManifest {
        let path = format!("{:?}", enscore_cpu::simd::Path::current()).to_lowercase();
        let (seed, parameters) = (self.settings.train().seed, self.parameter_count());
        let temperature = Some(temperature(&self.settings)).filter(|temperature| *temperature != 1.0);
        RunManifest { temperature, ..RunManifest::new(seed, self.record.clone(), parameters, &path) }
    }
}

/// Exact score matching of an energy with as many tangents at a time as half of the memory limit holds;
/// anything else as it is. Where not even one fits, the training is refused by its size.
fn within_memory(
    settings: &Settings,
    model: &Network,
    constants: &Optimiser,
    mut traced: (Task, Vec<UpdateProgram>),
) -> Result<(Task, Vec<UpdateProgram>)> {
    let chooses = matches!(settings.objective(), Objective::Sm(sm) if sm.tangents == 0);
    let mut tangents: usize = model::Score::row_shape(model).iter().product();
    let compiled_with = update_options(settings)?;
    let half = 0.5 * settings.train().memory_limit_gib * (1u64 << 30) as f64;
    while chooses && model.has_density() && tangents > 1 {
        let executable = Executable::<f32>::compile(&traced.1[0].program, compiled_with).map_err(refused)?;
        if executable.arena_bytes() as f64 <= half {
            break;
        }
        tangents = tangents.div_ceil(2);
        let task = Task::score_matching(tangents);
        let updates = trace_updates(settings, model, &task, constants)?;
        traced = (task, updates);
    }
    Ok(traced)
}

fn trace_updates(
    settings: &Settings,
    model: &Network,
    task: &Task,
    constants: &Optimiser,
) -> Result<Vec<UpdateProgram>> {
    let batch = settings.train().batch;
    let chains = task.chains.as_ref().map(|chains| chain_shape(chains, model, batch));
    let trace = |player: &objective::Player| {
        let row_shape = model::Score::row_shape(model);
        let chains = chains.as_deref().filter(|_| player.learns_from_chains);
        let steps = Steps { batch, row_shape, chains, moves: &*player.moves };
        UpdateProgram::trace_steps(model, &*player.objective, constants, &steps)
    };
    task.players.iter().map(trace).collect()
}

/// The extents of the chains that an update learns from.
fn chain_shape(chains: &ChainSettings, model: &Network, batch: usize) -> Vec<usize> {
    match (chains, model.bipartite()) {
        (ChainSettings::Gibbs(cd), Some(model)) => {
            vec![if cd.chains == 0 { batch } else { cd.chains }, model.first_width()]
        }
        _ => model::batch_shape(batch, model::Score::row_shape(model)),
    }
}

/// Units in {0, 1} learn from data of 0 and 1.
fn refuse_other_values(model: &Network, training: &Subset) -> Result<()> {
    match model.bipartite().is_some_and(Bipartite::is_binary) {
        true => training.dataset().require_binary(),
        false => Ok(()),
    }
}

/// Exact likelihoods of two sides of units enumerate the smaller one.
fn refuse_large_enumeration(settings: &Settings, model: &Network) -> Result<()> {
    match (settings.objective(), model.bipartite()) {
        (Objective::Ml(_), Some(units)) if !model::is_enumerable(units) => {
            Err(Error::input("the exact likelihood of so many units can't be enumerated")
                .at("objective.kind = \"ml\"")
                .found(format!("{} hidden units", units.second_width()))
                .expected(format!("at most {} on one side", model::MOST_ENUMERATED))
                .remedy("set objective.kind = \"cd\", or fewer model.hidden"))
        }
        _ => Ok(()),
    }
}

fn refuse_two_test_splits(settings: &Settings) -> Result<()> {
    let data = settings.data();
    if data.test_fraction > 0.0 && data::load_test(&data.source.to_string())?.is_some() {
        return Err(Error::input("the data have a test split of their own")
            .at("data.test_fraction")
            .found(data.test_fraction)
            .remedy("set data.test_fraction = 0"));
    }
    Ok(())
}

/// The rows that the model's parameters start at, spread evenly over the training rows.
fn starting_rows(settings: &Settings, training: &Subset) -> Result<Vec<f64>> {
    let (dataset, rows) = (training.dataset(), training.rows());
    let count = model::starting_rows(settings.model()).min(rows.len());
    let mut values = vec![0.0; count * dataset.row_len()];
    for (i, out) in values.chunks_exact_mut(dataset.row_len().max(1)).enumerate() {
        dataset.copy_row_f64(rows[i * rows.len() / count] as usize, out)?;
    }
    Ok(values)
}

/// Scores are built from the variance alone; what centres on the data is built from each element's moments.
fn record(dataset: &Dataset, prepared: &Prepared, family: Family) -> Result<DataRecord> {
    let training = &prepared.parts.training;
    let statistics = data::statistics(training)?;
    let scale = serde_json::to_value(dataset.scale())
        .map_err(|reason| Error::run("the data's scale can't be written").found(reason))?;
    Ok(DataRecord {
        name: dataset.name().to_string(),
        fingerprint: dataset.fingerprint(),
        scale,
        row_shape: training.dataset().row_shape().to_vec(),
        variance: statistics.overall_variance(),
        range: [statistics.low, statistics.high],
        mean: if family == Family::Score { Vec::new() } else { statistics.mean.clone() },
        deviation: match family {
            Family::Score => Vec::new(),
            _ => statistics.variance.iter().map(|variance| variance.sqrt()).collect(),
        },
        whitening: prepared.whitening.clone(),
    })
}

/// Bytes that a training takes: the data, two copies of the state, and the arena of the update.
pub fn memory_estimate(plan: &Plan, arena_bytes: u64) -> u64 {
    let data = plan.training.dataset();
    let width = match data.values() {
        data::Values::U8(_) => 1,
        data::Values::F32(_) => 4,
        data::Values::F64(_) => 8,
    };
    let state = 2 * 4 * STATE_PREFIXES.len() as u64 * plan.parameter_count();
    (data.values().len() * width) as u64 + state + arena_bytes
}
