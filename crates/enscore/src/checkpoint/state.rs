//! Which tensors a checkpoint of a training holds: four values for each parameter.

use enscore_program::Parameter;

/// What stands before a parameter's name: the parameter itself, Adam's two moments, its moving average.
pub const STATE_PREFIXES: [&str; 4] = ["", "moment1.", "moment2.", "ema."];

/// What stands before the names of what else a training remembers: its chains and whose turn it is, its watch
/// over divergence, what steps reported since the last line of metrics.
pub const OTHER_PREFIXES: [&str; 3] = ["objective.", "stability.", "log."];

/// The names and shapes of a training's state, in the order of the update's inputs.
pub fn state_shapes(parameters: &[Parameter]) -> Vec<(String, Vec<usize>)> {
    let named = |prefix| {
        parameters
            .iter()
            .map(move |parameter| (format!("{prefix}{}", parameter.name), parameter.shape.clone()))
    };
    STATE_PREFIXES.into_iter().flat_map(named).collect()
}
