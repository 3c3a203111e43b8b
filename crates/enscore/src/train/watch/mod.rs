//! What a training is watched by: divergence, lines of metrics, losses and figures of held-out rows.

pub(super) mod stability;
pub(super) mod unit_monitor;
pub(super) mod validation;
pub(super) mod window;
