//! What decides which samplers fit a trained model, and their defaults.

use crate::model::Family;

/// The noise levels that an objective trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrainedLevels {
    /// None: the density of the data itself.
    #[default]
    None,
    /// One.
    One,
    /// A ladder.
    Many,
}

/// The defaults of Langevin chains: those that taught the model, where there were any; 0 where pilot chains
/// choose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LangevinDefaults {
    /// Coefficient of the score, in squared units of the scaled data.
    pub step_size: f64,
    /// Standard deviation of the noise of a step; 0: that of temperature 1.
    pub noise_std: f64,
    /// Steps of a chain.
    pub steps: u64,
    /// Whether the model was trained on chains of this length that start from noise.
    pub short_run: bool,
}

impl Default for LangevinDefaults {
    fn default() -> Self {
        LangevinDefaults { step_size: 0.0, noise_std: 0.0, steps: 0, short_run: false }
    }
}

/// What decides which samplers fit, and their defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SamplerFacts {
    /// The model's family.
    pub family: Family,
    /// The noise levels that it was trained at.
    pub levels: TrainedLevels,
    /// Whether the objective trains a flow beside the model, which can be drawn from instead.
    pub has_flow: bool,
    /// The defaults of Langevin chains.
    pub langevin: LangevinDefaults,
}
