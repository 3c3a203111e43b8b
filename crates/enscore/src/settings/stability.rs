//! `[stability]`: what counts as divergence, and how often training rolls back to its last checkpoint
//! with smaller steps.

use crate::Result;
use crate::keys::{Keys, Reader, above, at_least, from_to_below, keys, within};

keys! {
    /// What counts as divergence, and the response. A step that is not finite always counts.
    Stability {
        rollbacks: u64 = 3, at_least(0),
            "Rollbacks to the last checkpoint after divergence before training fails.";
        rate_factor: f64 = 0.1, from_to_below(1e-6, 1.0),
            "Factor on the learning rate at each rollback.";
        loss_ratio: f64 = 100.0, at_least(0.0),
            "Divergence: the running mean of the loss per dimension exceeds this times (1 + |its mean over the first ten steps|); 0: not checked.";
        gradient_ratio: f64 = 1e4, at_least(0.0),
            "Divergence: the running mean of the gradient norm exceeds this times (1 + its mean over the first ten steps); 0: not checked.";
        energy_gap: f64 = 1000.0, at_least(0.0),
            "Divergence: the mean log densities of data and chains differ by more than this, in nats; 0: not checked.";
        range_ratio: f64 = 10.0, above(1.0),
            "A chain has escaped if a value is further from the centre of the data's range than this multiple of its half-width.";
        escaped: f64 = 0.5, within(0.0, 1.0), "Divergence: more than this fraction of the chains has escaped.";
    }
}

impl Stability {
    pub(super) fn read(reader: &mut Reader) -> Result<Stability> {
        reader.table("stability");
        Stability::read_keys(reader)
    }
}
