//! What the file of an objective declares beside the objective: how settings become a task for given rows,
//! and what follows from the choice.

use std::fmt::Debug;
use std::path::Path;

use enscore_program::Parameter;

use super::noise::FrozenFlow;
use super::task::Task;
use crate::citation::Citation;
use crate::data::Subset;
use crate::error::Result;
use crate::mcmc::{SamplerFacts, StartNoise};
use crate::model::{DataFacts, Family, ModelSettings, Network, NoiseLevels, RealNvp};

/// What decides which objectives fit a model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ObjectiveFacts {
    /// The model's family.
    pub family: Family,
    /// The hidden layers of a deep Boltzmann machine, which can be pretrained one by one.
    pub deep_layers: Option<usize>,
}

/// What an objective is built for.
pub struct Scene<'a> {
    /// The model's settings.
    pub model: &'a ModelSettings,
    /// The model.
    pub network: &'a Network,
    /// The facts about the data.
    pub data: &'a DataFacts<'a>,
    /// The rows that it is trained on.
    pub training: &'a Subset,
    /// The rows that it is validated on.
    pub validation: Option<&'a Subset>,
    /// The flow of [`ObjectiveKind::noise_run`].
    pub flow_noise: Option<FrozenFlow>,
}

/// The loss of an objective on held-out rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldOutLoss {
    /// The denoising loss at each noise level.
    Denoising,
    /// Its own, a mean over rows.
    Own,
    /// Its own, while the training holds what it plays against.
    OwnInTraining,
    /// None: it depends on chains.
    None,
}

/// A kind of objective, as its file declares it.
pub trait ObjectiveKind: Debug {
    /// The task for a model and its rows.
    ///
    /// # Errors
    /// An input error that names the setting: noise that can't be fitted to the rows, or that has no
    /// density at one of them; a model too large to enumerate.
    fn build(&self, scene: Scene) -> Result<Task>;

    /// The noise levels that it trains, from the largest to the smallest. Objectives without noise have the
    /// one level 1, which a score network is told.
    ///
    /// # Errors
    /// An input error that names the setting.
    fn levels(&self) -> Result<NoiseLevels> {
        NoiseLevels::single(1.0)
    }

    /// Its loss on held-out rows.
    fn held_out(&self) -> HeldOutLoss {
        HeldOutLoss::Own
    }

    /// The unit of that loss as training shows it.
    fn loss_unit(&self) -> &'static str {
        "per dimension"
    }

    /// The temperature T of the density that it teaches, exp(f/T) / Z: other than 1 only where chains at
    /// another temperature teach it.
    fn temperature(&self) -> f64 {
        1.0
    }

    /// The noise that chains of the trained model start from.
    fn start_noise(&self) -> StartNoise {
        StartNoise::Uniform
    }

    /// What it lets samplers do with a model of this family.
    fn sampling(&self, family: Family) -> SamplerFacts {
        SamplerFacts { family, ..SamplerFacts::default() }
    }

    /// The parameters that it has beside those of its model.
    ///
    /// # Errors
    /// A flow or a machine that does not fit the rows.
    fn further_parameters(&self, model: &ModelSettings, data: &DataFacts) -> Result<Vec<Parameter>> {
        let _ = (model, data);
        Ok(Vec::new())
    }

    /// The flow that it trains beside the model, if it does; its parameters stand below `flow.`.
    ///
    /// # Errors
    /// Rows that the flow does not fit.
    fn contrasted_flow(&self, data: &DataFacts) -> Result<Option<RealNvp>> {
        let _ = data;
        Ok(None)
    }

    /// The run folder of the flow that it draws its noise from, if it names one.
    fn noise_run(&self) -> Option<&Path> {
        None
    }

    /// The same task with `tangents` tangents at a time, where the settings leave the number open.
    fn with_tangents(&self, tangents: usize) -> Option<Task> {
        let _ = tangents;
        None
    }

    /// The works behind it.
    fn cites(&self) -> Vec<Citation> {
        Vec::new()
    }
}
