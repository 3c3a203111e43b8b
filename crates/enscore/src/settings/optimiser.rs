//! `[optimiser]`: Adam (Kingma and Ba 2015) or SGD with momentum, the learning rate schedule, gradient
//! clipping, weight decay, and the moving average of the weights.

use crate::Result;
use crate::keys::{Keys, Reader, above, at_least, choice, from_to_below, keys, within};

choice! {
    /// Decay of the learning rate after the warm-up.
    #[derive(Default)]
    Decay {
        /// None.
        #[default]
        None = "none",
        /// Along half a cosine (Loshchilov and Hutter 2017, eq. 5, one period).
        Cosine = "cosine",
        /// Along a line.
        Linear = "linear",
    }
}

choice! {
    /// The optimiser.
    Descent {
        /// Adam.
        Adam = "adam",
        /// Stochastic gradient descent with momentum.
        Sgd = "sgd",
    }
}

keys! {
    /// How parameters are updated.
    Optimiser {
        kind: Descent = Descent::Adam, (), "Optimiser: Adam, or SGD with momentum.";
        learning_rate: f64 = 1e-3, above(0.0), "Peak learning rate.";
        momentum: f64 = 0.0, from_to_below(0.0, 1.0),
            "With kind = \"sgd\": momentum coefficient (Polyak 1964).";
        weight_decay: f64 = 0.0, at_least(0.0),
            "Decoupled weight decay (Loshchilov and Hutter 2019): each step shrinks the weights, not the biases, by learning_rate times this.";
        beta1: f64 = 0.9, from_to_below(0.0, 1.0), "Decay rate of Adam's first moment.";
        beta2: f64 = 0.999, from_to_below(0.0, 1.0), "Decay rate of Adam's second moment.";
        epsilon: f64 = 1e-8, above(0.0), "Term added to the denominator of Adam's update.";
        warmup_steps: u64 = 0, at_least(0), "Steps of linear warm-up of the learning rate from 0.";
        decay: Decay = Decay::None, (), "Decay of the learning rate after the warm-up.";
        final_fraction: f64 = 0.0, within(0.0, 1.0),
            "Final learning rate, as a fraction of learning_rate.";
        clip_norm: f64 = 1.0, at_least(0.0), "Clip the norm of the gradient to this; 0: off.";
        ema_decay: f64 = 0.999, from_to_below(0.0, 1.0),
            "Decay rate of the moving average of the weights; (1 + step) / (10 + step) while that is smaller.";
    }
}

impl Optimiser {
    pub(super) fn read(reader: &mut Reader) -> Result<Optimiser> {
        reader.table("optimiser");
        Optimiser::read_keys(reader)?.checked(reader)
    }

    /// Refuses keys of the other optimiser.
    fn checked(self, reader: &Reader) -> Result<Optimiser> {
        if self.kind == Descent::Adam && self.momentum > 0.0 {
            return Err(reader
                .wrong("momentum")
                .found(format!("{} with kind = \"adam\"", self.momentum))
                .expected("0, or kind = \"sgd\"")
                .remedy("Adam's momentum is optimiser.beta1"));
        }
        Ok(self)
    }

    /// The largest norm of the gradient, if it is clipped.
    pub fn clip(&self) -> Option<f64> {
        (self.clip_norm > 0.0).then_some(self.clip_norm)
    }
}
