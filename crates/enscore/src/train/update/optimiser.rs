//! The constants of an update.

use super::adam::Rule;

/// The constants of an update.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Optimiser {
    /// The step.
    pub rule: Rule,
    /// The fraction of the weights that is taken off per step and unit of learning rate, beside the gradient
    /// (Loshchilov and Hutter 2019); of parameters with one dimension, as biases, none.
    pub weight_decay: f64,
    /// The largest global norm of the gradient of the loss per dimension; 0 for no limit.
    pub clip_norm: f64,
}
