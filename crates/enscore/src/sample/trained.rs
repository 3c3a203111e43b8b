//! A trained score, ready to be evaluated: the network of a run with the weights of its last good checkpoint.

use std::path::Path;

use enscore_cpu::conv::Algorithm;
use enscore_cpu::{Argument, Executable, Options};
use enscore_program::{Parameter, Program};

use crate::checkpoint::{DataRecord, RunFolder};
use crate::data::Scale;
use crate::error::{Error, Result};
use crate::model::{self, NoiseLevels, Score};
use crate::objective;
use crate::settings::{Convolution, Model, Settings, Weights};

/// A score network with its weights.
pub struct TrainedScore {
    /// The network.
    pub model: Box<dyn Score>,
    /// Its parameters, in the order of first use.
    pub parameters: Vec<Parameter>,
    /// Their values, in the same order.
    pub weights: Vec<Vec<f32>>,
    /// The noise levels that it was trained at.
    pub levels: NoiseLevels,
    /// The data that it was trained on.
    pub data: DataRecord,
    /// How programs are compiled for it.
    pub options: Options,
}

/// A run opened to use its model.
pub struct Trained {
    /// The score.
    pub score: TrainedScore,
    /// The run's settings, with what was overridden for this use.
    pub settings: Settings,
    /// Steps trained.
    pub step: u64,
    /// Seconds trained.
    pub seconds: f64,
    /// What to tell the user: a damaged checkpoint that was passed over.
    pub warnings: Vec<String>,
}

impl TrainedScore {
    /// The network that `settings` describe for `data`, with weights that `weight` gives by parameter.
    ///
    /// # Errors
    /// A network that does not fit the data; whatever `weight` refuses.
    pub fn new(
        settings: &Settings,
        data: DataRecord,
        mut weight: impl FnMut(&Parameter) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        let model = model::build(settings.model(), &data.row_shape, data.variance)?;
        let parameters = model::parameters_of(&*model)?;
        let weights = parameters.iter().map(&mut weight).collect::<Result<_>>()?;
        let levels = objective::noise_levels(settings.objective())?;
        Ok(TrainedScore { model, parameters, weights, levels, data, options: options(settings) })
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
            Error::input("the run's data scale can't be read").at("manifest.json").found(reason)
        })
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

/// How the settings want programs compiled.
pub fn options(settings: &Settings) -> Options {
    let conv = match settings.model() {
        Model::Unet(unet) if unet.conv == Convolution::Direct => Algorithm::Direct,
        _ => Algorithm::Auto,
    };
    Options { conv, ..Options::default() }
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
    /// An input error where there is no run or no good checkpoint, an override is not one of the sampler's, or the
    /// checkpoint's tensors are not those of the settings' network (each is named).
    pub fn open(path: &Path, sets: &[String]) -> Result<Trained> {
        if let Some(set) = sets.iter().find(|set| table_of(set) != "sampler") {
            return Err(Error::input("only the sampler's settings can be changed for a trained run")
                .at(format!("--set {set}"))
                .expected("--set sampler.KEY=VALUE"));
        }
        let folder = RunFolder::open(path)?;
        let settings = Settings::load(&folder.settings_path(), sets)?;
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
        let network = model::build(settings.model(), &data.row_shape, data.variance)?;
        let expected = crate::checkpoint::state_shapes(&model::parameters_of(&*network)?);
        loaded
            .tensors
            .expect_shapes(&expected)
            .map_err(|error| error.at(folder.checkpoint_path(loaded.step).display()))?;
        let weight =
            |parameter: &Parameter| Ok(loaded.tensors.f32(&format!("{prefix}{}", parameter.name))?.to_vec());
        let score = TrainedScore::new(&settings, data, weight)?;
        let (step, seconds) = (loaded.step, loaded.manifest.seconds);
        Ok(Trained { score, settings, step, seconds, warnings: loaded.warnings })
    }
}
