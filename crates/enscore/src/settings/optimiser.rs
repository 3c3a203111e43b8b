//! `[optimiser]`: Adam (Kingma and Ba 2015) or gradient descent with momentum, the learning rate over time,
//! clipping, decay, and the average of the weights.

use super::reading::{Reader, above, at_least, choice, from_to_below, keys, within};
use crate::Result;

choice! {
    /// How the learning rate falls after the warm-up.
    Decay {
        /// It doesn't.
        None = "none",
        /// Along half a cosine.
        Cosine = "cosine",
        /// Along a line.
        Linear = "linear",
    }
}

choice! {
    /// The rule of a step.
    Descent {
        /// Adam.
        Adam = "adam",
        /// Gradient descent with momentum.
        Sgd = "sgd",
    }
}

keys! {
    /// How parameters are updated.
    Optimiser {
        kind: Descent = Descent::Adam, (), "The rule of a step: Adam, or gradient descent with momentum.";
        learning_rate: f64 = 1e-3, above(0.0), "The step size at its largest.";
        momentum: f64 = 0.0, from_to_below(0.0, 1.0),
            "With kind = \"sgd\": the fraction of a step that the next one repeats (Polyak 1964).";
        weight_decay: f64 = 0.0, at_least(0.0),
            "Fraction of the weights, biases left out, that is taken off per step and unit of learning_rate, beside the gradient (Loshchilov and Hutter 2019).";
        beta1: f64 = 0.9, from_to_below(0.0, 1.0), "Decay per step of Adam's mean of gradients.";
        beta2: f64 = 0.999, from_to_below(0.0, 1.0), "Decay per step of Adam's mean of squared gradients.";
        epsilon: f64 = 1e-8, above(0.0), "Added to the root of Adam's mean of squared gradients.";
        warmup_steps: u64 = 0, at_least(0), "Steps over which the learning rate rises from 0.";
        decay: Decay = Decay::None, (), "How the learning rate falls after the warm-up.";
        final_fraction: f64 = 0.0, within(0.0, 1.0),
            "Learning rate at the end of the decay, as a fraction of learning_rate.";
        clip_norm: f64 = 1.0, at_least(0.0), "Largest norm of the gradient, scaled down to it above; 0: off.";
        ema_decay: f64 = 0.999, from_to_below(0.0, 1.0),
            "Decay per step of the average of the weights; (1 + step) / (10 + step) while that is smaller.";
    }
}

impl Optimiser {
    pub(super) fn read(reader: &mut Reader) -> Result<Optimiser> {
        reader.table("optimiser");
        Optimiser::read_keys(reader)?.checked(reader)
    }

    /// Refuses what goes with the other rule.
    fn checked(self, reader: &Reader) -> Result<Optimiser> {
        if self.kind == Descent::Adam && self.momentum > 0.0 {
            return Err(reader
                .wrong("momentum")
                .found(format!("{} with kind = \"adam\"", self.momentum))
                .expected("kind = \"sgd\" beside it")
                .remedy("Adam's is optimiser.beta1"));
        }
        Ok(self)
    }

    /// The largest norm of the gradient, if it is clipped.
    pub fn clip(&self) -> Option<f64> {
        (self.clip_norm > 0.0).then_some(self.clip_norm)
    }
}
