//! The numbers that an update takes beside its batch, as the settings make them follow from the step and the
//! progress of the run.

use crate::error::Result;
use crate::settings::{Decay as DecaySetting, Settings};
use crate::train::adam::Adam;
use crate::train::schedule::{Decay, LearningRate, average_decay};

/// Learning rate, Adam's corrections and the decay of the average over a run.
pub(super) struct Pace {
    rate: LearningRate,
    adam: Adam,
    ema_decay: f64,
}

impl Pace {
    /// # Errors
    /// Constants of Adam that are none.
    pub(super) fn new(settings: &Settings) -> Result<Pace> {
        let optimiser = settings.optimiser();
        let decay = match optimiser.decay {
            DecaySetting::None => Decay::None,
            DecaySetting::Cosine => Decay::Cosine,
            DecaySetting::Linear => Decay::Linear,
        };
        let (peak, warmup_steps) = (optimiser.learning_rate, optimiser.warmup_steps);
        Ok(Pace {
            rate: LearningRate { peak, warmup_steps, decay, final_fraction: optimiser.final_fraction },
            adam: Adam::new(optimiser.beta1, optimiser.beta2, optimiser.epsilon)?,
            ema_decay: optimiser.ema_decay,
        })
    }

    /// The learning rate of update `step` = 1, 2, .. at this progress of the run.
    pub(super) fn learning_rate(&self, step: u64, progress: f64) -> f64 {
        self.rate.at(step, progress)
    }

    /// What update `step` = 1, 2, .. takes, at this learning rate: it, 1 - β1^t, 1 - β2^t, decay of the
    /// average.
    pub(super) fn rates(&self, step: u64, learning_rate: f64) -> [f64; 4] {
        let [correction1, correction2] = self.adam.corrections(step);
        [learning_rate, correction1, correction2, average_decay(self.ema_decay, step.saturating_sub(1))]
    }
}
