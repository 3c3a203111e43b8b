//! What a training is watched by: divergence, lines of metrics, losses and figures of held-out rows.

mod generator_monitor;
pub(super) mod monitor;
pub(super) mod stability;
mod unit_monitor;
pub(super) mod validation;
pub(super) mod window;
