//! How a training runs, apart from what it trains, what it minimises and what it learns from.

use super::schedule::{LearningRate, average_decay};
use super::stepper::StepRates;
use super::update::Optimiser;
use super::update::adam::{Adam, Rule};
use crate::data::Preprocess;
use crate::error::Result;
use crate::settings::{Decay, Descent, Settings};

/// How a training runs.
///
/// ```
/// use enscore::train::TrainingOptions;
/// let options = TrainingOptions { steps: 500, batch: 32, ..TrainingOptions::default() };
/// assert_eq!(options.learning_rate.peak, 1e-3);
/// ```
#[derive(Clone, Debug)]
pub struct TrainingOptions {
    /// Updates in the whole training, which the learning rate's decay follows.
    pub steps: u64,
    /// Rows per update.
    pub batch: usize,
    /// Seed of every random number.
    pub seed: u64,
    /// The rule of an update.
    pub optimiser: Optimiser,
    /// The learning rate over the training.
    pub learning_rate: LearningRate,
    /// Decay per update of the weights' moving average.
    pub ema_decay: f64,
    /// Whether uniform noise as wide as one level of the data is added to each batch.
    pub dequantise: bool,
    /// A chain has left the data's range beyond this multiple of half its width.
    pub range_ratio: f64,
    /// The largest memory, in GiB; a training that needs more is refused. 0: three quarters of what is free.
    pub memory_limit_gib: f64,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        TrainingOptions {
            steps: 1000,
            batch: 64,
            seed: 0,
            optimiser: Optimiser { clip_norm: 1.0, ..Optimiser::default() },
            learning_rate: LearningRate {
                peak: 1e-3,
                warmup_steps: 0,
                decay: Decay::None,
                final_fraction: 0.0,
            },
            ema_decay: 0.999,
            dequantise: false,
            range_ratio: 10.0,
            memory_limit_gib: 0.0,
        }
    }
}

impl TrainingOptions {
    /// The options of checked settings.
    ///
    /// # Errors
    /// Constants of Adam out of range.
    pub fn of(settings: &Settings) -> Result<TrainingOptions> {
        let optimiser = settings.optimiser();
        let train = settings.train();
        let rule = match optimiser.kind {
            Descent::Adam => Rule::Adam(Adam::new(optimiser.beta1, optimiser.beta2, optimiser.epsilon)?),
            Descent::Sgd => Rule::Momentum(optimiser.momentum),
        };
        Ok(TrainingOptions {
            steps: train.steps,
            batch: train.batch,
            seed: train.seed,
            optimiser: Optimiser {
                rule,
                weight_decay: optimiser.weight_decay,
                clip_norm: optimiser.clip_norm,
            },
            learning_rate: LearningRate {
                peak: optimiser.learning_rate,
                warmup_steps: optimiser.warmup_steps,
                decay: optimiser.decay,
                final_fraction: optimiser.final_fraction,
            },
            ema_decay: optimiser.ema_decay,
            // Rows of a table got their noise when they were mapped.
            dequantise: settings.data().dequantise && settings.data().preprocess == Preprocess::None,
            range_ratio: settings.stability().range_ratio,
            memory_limit_gib: train.memory_limit_gib,
        })
    }

    /// What update `step` = 1, 2, .. takes at this learning rate.
    pub(super) fn rates(&self, step: u64, learning_rate: f64) -> StepRates {
        let [correction1, correction2] = match self.optimiser.rule {
            Rule::Adam(adam) => adam.corrections(step),
            // Momentum takes no notice of them.
            Rule::Momentum(_) => Adam::default().corrections(step),
        };
        let ema_decay = average_decay(self.ema_decay, step.saturating_sub(1));
        StepRates { learning_rate, correction1, correction2, ema_decay }
    }
}
