//! A trained model, ready to be evaluated: the model of a run with the weights of its last good checkpoint.

use std::path::Path;

use enscore_cpu::conv::Algorithm;
use enscore_cpu::matmul::{Products, bf16};
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::{Parameter, Program};

use crate::checkpoint::{DataRecord, OTHER_PREFIXES, RunFolder};
use crate::data::Scale;
use crate::error::{Error, Result};
use crate::model::{self, Network, NoiseLevels};
use crate::objective::{self, FrozenFlow};
use crate::settings::{self, Convolution, Method, Objective, Settings, StartNoise, Weights};

/// A model with its weights.
pub struct TrainedModel {
    /// The model.
    pub model: Network,
    /// Its parameters, in the order of first use.
    pub parameters: Vec<Parameter>,
    /// Their values, in the same order.
    pub weights: Vec<Vec<f32>>,
    /// The noise levels that it was trained at; for an objective without noise the one level 1, which a score
    /// network is told.
    pub levels: NoiseLevels,
    /// The data that it was trained on.
    pub data: DataRecord,
    /// How programs are compiled for it.
    pub options: Options,
    /// The temperature T of its log density f: the density is exp(f / T) / Z. Other than 1 only where chains
    /// at another temperature taught it.
    pub temperature: f64,
    /// The noise that chains start from.
    pub start_noise: StartNoise,
}

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
}

impl TrainedModel {
    /// The model that `settings` describe for `data`, with weights that `weight` gives by parameter. Where
    /// the settings draw exactly from flow contrastive estimation it is the flow.
    ///
    /// # Errors
    /// A network that does not fit the data; whatever `weight` refuses.
    pub fn new(
        settings: &Settings,
        data: DataRecord,
        mut weight: impl FnMut(&Parameter) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let model = network(settings, &data)?;
        let parameters = model::parameters_of(&model)?;
        let weights = parameters.iter().map(&mut weight).collect::<Result<_>>()?;
        let levels = objective::noise_levels(settings.objective())?;
        let (options, temperature) = (options(settings), temperature(settings));
        let start_noise = match settings.objective() {
            Objective::Cd(cd) => cd.start_noise,
            _ => StartNoise::Uniform,
        };
        Ok(TrainedModel { model, parameters, weights, levels, data, options, temperature, start_noise })
    }

    /// Elements of one row.
    pub fn row_len(&self) -> usize {
        self.data.row_shape.iter().product()
    }

    /// How the data was scaled.
    ///
    /// # Errors
    /// A manifest whose scale can't be read.
    pub fn scale(&self) -> Result<Scale> {
        serde_json::from_value(self.data.scale.clone()).map_err(|reason| {
            Error::input("can't read the data scale of the run").at("manifest.json").found(reason)
        })
    }

    /// Rows of the model in the units of the data: `[rows, ..row_shape]`, of a table the columns that were
    /// kept.
    ///
    /// # Errors
    /// A manifest whose scale or whitening can't be used.
    pub fn raw_rows(&self, rows: &[f32]) -> Result<Vec<f32>> {
        let scale = self.scale()?;
        let Some(whitening) = &self.data.whitening else {
            return Ok(rows.iter().map(|value| scale.raw(f64::from(*value)) as f32).collect());
        };
        let mut raw = Vec::with_capacity(rows.len());
        for row in rows.chunks(self.row_len().max(1)) {
            let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            raw.extend(whitening.invert(&row)?.iter().map(|value| scale.raw(*value) as f32));
        }
        Ok(raw)
    }

    /// Compiles `program`, whose first inputs are the parameters.
    ///
    /// # Errors
    /// A program that the executor does not take.
    pub fn compile(&self, program: &Program) -> Result<Executable<f32>> {
        Executable::compile(program, self.options).map_err(refused)
    }

    /// The weights as the first inputs of a program.
    pub fn arguments(&self) -> Vec<Argument<'_, f32>> {
        self.weights.iter().map(|values| Argument::Float(values)).collect()
    }
}

/// Whether the settings ask for the flow of flow contrastive estimation, not its energy.
fn draws_from_contrasted_flow(settings: &Settings) -> bool {
    matches!((settings.objective(), &settings.sampler().method), (Objective::Fce(_), Method::Exact))
}

/// The model that the settings ask for.
fn network(settings: &Settings, data: &DataRecord) -> Result<Network> {
    match settings.objective() {
        Objective::Fce(fce) if draws_from_contrasted_flow(settings) => {
            Ok(Network::Flow(Box::new(objective::contrasted_flow(fce, &data.facts())?)))
        }
        _ => model::build(settings.model(), &data.facts()),
    }
}

/// How the settings want programs compiled.
pub fn options(settings: &Settings) -> Options {
    let conv = match settings.model().convolution() {
        Convolution::Direct => Algorithm::Direct,
        Convolution::Auto => Algorithm::Auto,
    };
    Options { conv, ..Options::default() }
}

/// The same for the update of the training.
///
/// # Errors
/// Products in bfloat16 on a processor without the instructions.
pub fn update_options(settings: &Settings) -> Result<Options> {
    let products = match settings.train().products {
        settings::Products::Single => Products::Single,
        settings::Products::Bf16 if bf16::is_available() => Products::Bf16,
        settings::Products::Bf16 => {
            return Err(Error::input("bfloat16 products are not available")
                .at("train.products")
                .found("a processor without AVX-512 BF16")
                .expected("AVX-512 BF16")
                .remedy("use train.products = \"single\""));
        }
    };
    Ok(Options { products, ..options(settings) })
}

/// T = b²/(2a) of the chains that taught the energy, 1 where none did: a chain with step a on the score and
/// noise of standard deviation b targets the density to the power 1/T, so exp(f/T) is what chains of f reach
/// in the long run.
pub fn temperature(settings: &Settings) -> f64 {
    match settings.objective() {
        Objective::Cd(cd) if cd.noise_std > 0.0 => cd.noise_std * cd.noise_std / (2.0 * cd.step_size),
        _ => 1.0,
    }
}

/// The flow that noise contrastive estimation draws its noise from, with the averaged weights of its run;
/// none where the settings name none.
///
/// # Errors
/// A run that can't be opened, or whose model is no flow.
pub fn frozen_flow(settings: &Settings) -> Result<Option<FrozenFlow>> {
    let Objective::Nce(nce) = settings.objective() else { return Ok(None) };
    if nce.flow_run.is_empty() {
        return Ok(None);
    }
    let TrainedModel { model, parameters, weights, .. } = Trained::open(Path::new(&nce.flow_run), &[])?.model;
    match model {
        Network::Flow(flow) => Ok(Some(FrozenFlow::new(flow, parameters.into_iter().zip(weights).collect()))),
        _ => Err(Error::input("the run of the noise is not a flow")
            .at(format!("objective.flow_run = {:?}", nce.flow_run))
            .expected("a run with model.kind = \"real-nvp\" or \"multi-scale-flow\"")),
    }
}

/// The executor's refusal as this crate's error.
pub fn refused(error: enscore_cpu::ExecutorError) -> Error {
    Error::input("the executor can't run this program").found(error)
}

/// The table of a `--set` argument.
fn table_of(set: &str) -> &str {
    set.split(['.', '=']).next().unwrap_or_default().trim()
}

impl Trained {
    /// Opens the run at `path`. `sets` override keys of `[sampler]` for this use only.
    ///
    /// # Errors
    /// An input error where there is no run or no good checkpoint, an override is not one of the sampler's,
    /// or the checkpoint's tensors are not those of the settings' network (each is named).
    pub fn open(path: &Path, sets: &[String]) -> Result<Trained> {
        if let Some(set) = sets.iter().find(|set| table_of(set) != "sampler") {
            return Err(Error::input("only sampler settings can be changed for a trained run")
                .at(format!("--set {set}"))
                .expected("--set sampler.KEY=VALUE"));
        }
        let folder = RunFolder::open(path)?;
        let settings = Settings::reopen(&folder.settings_path(), sets)?;
        let Some(loaded) = folder.latest_checkpoint()? else {
            return Err(Error::input("the run has no checkpoint yet")
                .at(path.display())
                .remedy("train it first, or wait for its first checkpoint"));
        };
        let prefix = match settings.sampler().weights {
            Weights::Ema => "ema.",
            Weights::Raw => "",
        };
        let data = folder.manifest().data.clone();
        let trained = model::build(settings.model(), &data.facts())?;
        let mut parameters = model::parameters_of(&trained)?;
        parameters.extend(objective::further_parameters(&settings, &data.facts())?);
        loaded
            .tensors
            .expect_shapes_beside(&crate::checkpoint::state_shapes(&parameters), &OTHER_PREFIXES)
            .map_err(|error| error.at(folder.checkpoint_path(loaded.step).display()))?;
        let below =
            if draws_from_contrasted_flow(&settings) { format!("{}.", objective::FLOW) } else { "".into() };
        let weight = |parameter: &Parameter| {
            Ok(loaded.tensors.f32(&format!("{prefix}{below}{}", parameter.name))?.to_vec())
        };
        let model = TrainedModel::new(&settings, data, weight)?;
        let learnt = format!("{prefix}{}", objective::LOG_Z);
        let learnt_log_z = match (&model.model, loaded.tensors.get(&learnt)) {
            (Network::Flow(_), _) => Some(0.0),
            (_, Some(_)) => loaded.tensors.f32(&learnt)?.first().map(|log_z| f64::from(*log_z)),
            _ => None,
        };
        let (step, seconds) = (loaded.step, loaded.manifest.seconds);
        Ok(Trained { model, learnt_log_z, settings, step, seconds, warnings: loaded.warnings })
    }
}
