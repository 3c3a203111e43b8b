//! `[stability]`: what counts as divergence, and how a training goes back to its last good state and on with
//! smaller steps.

use super::reading::{Reader, above, at_least, from_to_below, keys, within};
use crate::Result;

keys! {
    /// What counts as divergence, and what follows. A step that is not finite always counts.
    Stability {
        rollbacks: u64 = 3, at_least(0),
            "Times that a diverging training goes back to its last good state, before it ends as failed.";
        rate_factor: f64 = 0.1, from_to_below(1e-6, 1.0),
            "Factor on the learning rate at each return.";
        loss_ratio: f64 = 100.0, at_least(0.0),
            "Diverged where the running mean of the loss per dimension exceeds this multiple of 1 + the size of that of the first ten steps; 0: not checked.";
        gradient_ratio: f64 = 1e4, at_least(0.0),
            "Diverged where the running mean of the gradient's norm exceeds this multiple of 1 + that of the first ten steps; 0: not checked.";
        energy_gap: f64 = 1000.0, at_least(0.0),
            "Diverged where the mean log density of data and chains differ by more, in nats; 0: not checked.";
        range_ratio: f64 = 10.0, above(1.0),
            "A chain has left the data's range where a value lies further from its centre than this multiple of half its width.";
        escaped: f64 = 0.5, within(0.0, 1.0), "Diverged where more than this fraction of the chains has left the range.";
    }
}

impl Stability {
    pub(super) fn read(reader: &mut Reader) -> Result<Stability> {
        reader.table("stability");
        Stability::read_keys(reader)
    }
}
