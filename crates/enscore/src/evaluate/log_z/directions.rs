//! One answer from annealing in one direction or in both, of whatever model.
//!
//! Forward annealing estimates Z without bias, so log Z is above its estimate on average; reverse annealing
//! from exact samples estimates 1/Z without bias, so log Z is below its own. Hence
//!
//! ```text
//! lower = forward estimate - 2 standard errors,
//! upper = reverse estimate + 2 standard errors (exact samples only).
//! ```

use super::annealing::{Annealed, BoundSide, Tell};
use super::log_z_estimate::{Direction, LogZEstimate, LogZMethod};
use crate::error::{Error, Result};

/// Annealing of a model in either direction.
pub trait Directions {
    /// Where the forward chains begin, in words.
    fn base(&self) -> String;

    /// Anneals chains from the base to the model.
    ///
    /// # Errors
    /// Weights that are not finite or all 0; what `tell` returns.
    fn forward(&mut self, tell: &mut Tell) -> Result<Annealed>;

    /// Anneals chains from samples of the model to the base; with what the samples are, in words.
    ///
    /// # Errors
    /// As [`Directions::forward`].
    fn reverse(&mut self, tell: &mut Tell) -> Result<(Annealed, String)>;
}

/// log Z by `method`, which anneals; a bracket may be `width` nats wide.
///
/// # Errors
/// Weights that are not finite; a bracket wider than asked for, or whose directions contradict each other;
/// what `tell` returns.
pub fn estimate(
    directions: &mut dyn Directions,
    method: LogZMethod,
    width: f64,
    tell: &mut Tell,
) -> Result<LogZEstimate> {
    let mut forward = None;
    if method != LogZMethod::ReverseAis {
        let found = directions.forward(tell)?;
        let lower = Some(found.log_z - 2.0 * found.std_err);
        let estimate = LogZEstimate::annealed(&found, "ais", directions.base());
        forward = Some(LogZEstimate { lower, ..estimate });
    }
    if let (LogZMethod::Ais, Some(forward)) = (method, &forward) {
        return Ok(forward.clone());
    }
    let (found, described) = directions.reverse(tell)?;
    let upper = (found.side == BoundSide::Upper).then_some(found.log_z + 2.0 * found.std_err);
    match forward {
        None => Ok(LogZEstimate { upper, ..LogZEstimate::annealed(&found, "reverse-ais", described) }),
        Some(forward) => bracketed(forward, &found, upper, described, width),
    }
}

/// Both directions as one answer, or the refusal of what is too wide.
fn bracketed(
    forward: LogZEstimate,
    reverse: &Annealed,
    upper: Option<f64>,
    described: String,
    width: f64,
) -> Result<LogZEstimate> {
    let low = forward.log_z - 2.0 * forward.std_err;
    let high = reverse.log_z + 2.0 * reverse.std_err;
    let found = high - low;
    let place = format!(
        "forward {:.3} ± {:.3}, reverse {:.3} ± {:.3} nats",
        forward.log_z, forward.std_err, reverse.log_z, reverse.std_err
    );
    if found.is_nan() || found > width {
        return Err(Error::run("the bracket of log Z is too wide")
            .at(place)
            .found(format_args!("{found:.3} nats"))
            .expected(format_args!("at most {width}"))
            .remedy("add temperatures or chains, or allow a larger width"));
    }
    if found < 0.0 {
        return Err(Error::run("the forward and reverse estimates contradict each other")
            .at(place)
            .remedy("add chains or temperatures; reverse annealing may need more sweeps"));
    }
    Ok(LogZEstimate {
        method: "bracket".to_string(),
        detail: format!("{}; {described}", forward.detail),
        upper,
        reverse: Some(Direction {
            log_z: reverse.log_z,
            std_err: reverse.std_err,
            ess: reverse.effective_sample_size,
            upper_variance: Some(reverse.upper_variance),
            pareto_shape: reverse.pareto_shape,
            exact_samples: upper.is_some(),
        }),
        ..forward
    })
}
