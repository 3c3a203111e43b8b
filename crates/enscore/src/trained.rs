//! A run opened to use its model: the network that its settings describe, with the weights of its last good
//! checkpoint.

use std::path::Path;

use enscore_program::Parameter;

use crate::checkpoint::{DataRecord, MetricsMark, OTHER_PREFIXES, RunFolder, state_shapes};
use crate::data::Whitening;
use crate::error::{Error, Result};
use crate::executor::{Processor, Weights};
use crate::model::{Convolution, Network, parameters_of};
use crate::objective::{FLOW, FrozenFlow, LOG_Z};
use crate::sample::{TrainedModel, WeightsChoice};
use crate::settings::{Keep, Products, Settings};

/// A run opened to use its model.
pub struct Trained {
    /// The model with its weights.
    pub model: TrainedModel,
    /// log Z of the density, nats, where training learnt it: noise contrastive estimation; 0 of a flow.
    pub learnt_log_z: Option<f64>,
    /// The run's settings, with what was overridden for this use.
    pub settings: Settings,
    /// Steps trained.
    pub step: u64,
    /// Seconds trained.
    pub seconds: f64,
    /// What to tell the user: a damaged checkpoint that was passed over.
    pub warnings: Vec<String>,
    /// How far metrics.jsonl reached then.
    pub(crate) metrics: MetricsMark,
}

/// The model that `settings` describe for `data`, with weights that `weight` gives by parameter. Where the
/// settings draw exactly from flow contrastive estimation it is the flow.
///
/// # Errors
/// A network that does not fit the data; whatever `weight` refuses.
pub fn trained_model(
    settings: &Settings,
    data: DataRecord,
    mut weight: impl FnMut(&Parameter) -> Result<Vec<f32>>,
) -> Result<TrainedModel> {
    let model = network(settings, &data)?;
    let parameters = parameters_of(&model)?;
    let values = parameters.iter().map(&mut weight).collect::<Result<Vec<_>>>()?;
    let executor = processor(settings).executor();
    let objective = settings.objective().method();
    Ok(TrainedModel {
        model,
        weights: Weights::upload(&*executor, &parameters, &values)?,
        levels: objective.levels()?,
        data,
        executor,
        temperature: objective.temperature(),
        start_noise: objective.start_noise(),
    })
}

/// Whether the settings ask for the flow of flow contrastive estimation, not its energy.
fn draws_from_contrasted_flow(settings: &Settings) -> bool {
    let facts = settings.objective().method().sampling(settings.model().method().family());
    facts.has_flow && settings.sampler().method.method().draws_contrasted_flow()
}

/// The model that the settings ask for.
fn network(settings: &Settings, data: &DataRecord) -> Result<Network> {
    let facts = data.facts();
    if draws_from_contrasted_flow(settings)
        && let Some(flow) = settings.objective().method().contrasted_flow(&facts)?
    {
        return Ok(Network::Flow(Box::new(flow)));
    }
    settings.model().method().build(&facts)
}

/// How the settings want the processor to compute.
pub fn processor(settings: &Settings) -> Processor {
    let direct_convolutions = match settings.model().method().convolution() {
        Convolution::Direct => true,
        Convolution::Auto => false,
    };
    Processor { direct_convolutions, ..Processor::default() }
}

/// The same for the update of the training.
///
/// # Errors
/// Products in bfloat16 on a processor without the instructions.
pub fn update_processor(settings: &Settings) -> Result<Processor> {
    let bf16_products = match settings.train().products {
        Products::Single => false,
        Products::Bf16 => true,
    };
    let processor = Processor { bf16_products, ..processor(settings) };
    if processor.is_available() {
        return Ok(processor);
    }
    Err(Error::input("bfloat16 products are not available")
        .at("train.products")
        .found("a processor without AVX-512 BF16")
        .expected("AVX-512 BF16")
        .remedy("use train.products = \"single\""))
}

/// The flow that noise contrastive estimation draws its noise from, with the averaged weights of its run;
/// none where the settings name none.
///
/// # Errors
/// A run that can't be opened, or whose model is no flow.
pub fn frozen_flow(settings: &Settings) -> Result<Option<FrozenFlow>> {
    let Some(run) = settings.objective().method().noise_run() else { return Ok(None) };
    let TrainedModel { model, weights, .. } = Trained::open(run, &[])?.model;
    match model {
        Network::Flow(flow) => {
            let values = weights.parameters().iter().cloned().zip(weights.read()?);
            Ok(Some(FrozenFlow::new(flow, values.collect())))
        }
        _ => Err(Error::input("the run of the noise is not a flow")
            .at(format!("objective.flow_run = {run:?}"))
            .expected("a run with model.kind = \"real-nvp\" or \"multi-scale-flow\"")),
    }
}

/// The table of a `--set` argument.
fn table_of(set: &str) -> &str {
    set.split(['.', '=']).next().unwrap_or_default().trim()
}

/// The key of a `--set` argument, `TABLE.KEY=VALUE`.
pub fn key_of(set: &str) -> &str {
    set.split('=').next().unwrap_or_default().trim()
}

impl Trained {
    /// log|det dz/dx|, nats: what the log density of a row z as the model sees it lacks to be that of the
    /// row x in the data's own units, log p(x) = log p(z) + log|det dz/dx|. Of the scale, z = (x -
    /// low)/(high - low) of each value; of dequantised levels, whose noise fills a level, z = (level +
    /// u)/levels; of whitening, log|det W|. 0 of units in {0, 1} and of levels, whose rows have
    /// probabilities.
    ///
    /// # Errors
    /// A damaged scale.
    pub fn log_volume(&self) -> Result<f64> {
        if self.model.model.support().is_discrete() {
            return Ok(0.0);
        }
        let scale = self.model.scale()?;
        let whitening = self.model.data.whitening.as_ref();
        let values = whitening.map_or(self.model.row_len(), Whitening::width) as f64;
        let filled = self.settings.data().dequantise && whitening.is_none();
        let width = match scale.levels.filter(|_| filled).map(f64::from) {
            Some(levels) => (scale.high - scale.low) / (levels - 1.0) * levels,
            None => scale.high - scale.low,
        };
        Ok(whitening.map_or(0.0, |whitening| whitening.log_abs_det) - values * width.ln())
    }

    /// Opens the run at `path`. `sets` override keys of `[sampler]`, `data.path`, and which state counts
    /// (`train.keep`), for this use only.
    ///
    /// # Errors
    /// An input error where there is no run or no good checkpoint, an override is not one of the sampler's,
    /// or the checkpoint's tensors are not those of the settings' network (each is named).
    pub fn open(path: &Path, sets: &[String]) -> Result<Trained> {
        let of_use =
            |set: &&String| table_of(set) == "sampler" || ["data.path", "train.keep"].contains(&key_of(set));
        if let Some(set) = sets.iter().find(|set| !of_use(set)) {
            return Err(Error::input(
                "only sampler settings and train.keep can be changed for a trained run",
            )
            .at(format!("override {set}"))
            .expected("sampler.KEY=VALUE, or data.path=FILE where the training data has moved"));
        }
        let folder = RunFolder::open(path)?;
        folder.check_settings()?;
        let settings = Settings::reopen(&folder.settings_path(), sets)?;
        let best = match settings.train().keep {
            Keep::Best => folder.best_checkpoint().map_err(|error| {
                error.remedy("restore its files, or use the last state with train.keep = \"last\"")
            })?,
            Keep::Last => None,
        };
        let loaded = best.map_or_else(|| folder.latest_checkpoint(), |best| Ok(Some(best)))?;
        let Some(loaded) = loaded else {
            return Err(Error::input("the run has no checkpoint yet")
                .at(path.display())
                .remedy("train it first, or wait for its first checkpoint"));
        };
        let prefix = match settings.sampler().weights {
            WeightsChoice::Ema => "ema.",
            WeightsChoice::Raw => "",
        };
        let data = folder.manifest().data.clone();
        let trained = settings.model().method().build(&data.facts())?;
        let mut parameters = parameters_of(&trained)?;
        parameters.extend(settings.objective().method().further_parameters(settings.model(), &data.facts())?);
        loaded
            .tensors
            .expect_shapes_beside(&state_shapes(&parameters), &OTHER_PREFIXES)
            .map_err(|error| error.at(folder.checkpoint_path(loaded.step).display()))?;
        let of_flow = draws_from_contrasted_flow(&settings);
        let below = if of_flow { format!("{FLOW}.") } else { String::new() };
        let weight = |parameter: &Parameter| {
            Ok(loaded.tensors.f32(&format!("{prefix}{below}{}", parameter.name))?.to_vec())
        };
        let model = trained_model(&settings, data, weight)?;
        let learnt = format!("{prefix}{}", LOG_Z);
        let learnt_log_z = match (&model.model, loaded.tensors.get(&learnt)) {
            (model, _) if model.is_normalised() => Some(0.0),
            (_, Some(_)) => loaded.tensors.f32(&learnt)?.first().map(|log_z| f64::from(*log_z)),
            _ => None,
        };
        let step = loaded.step;
        let seconds = loaded.manifest.seconds;
        let metrics = loaded.manifest.closing.unwrap_or(loaded.manifest.metrics);
        Ok(Trained { model, learnt_log_z, settings, step, seconds, warnings: loaded.warnings, metrics })
    }
}
