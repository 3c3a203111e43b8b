//! Estimates log Z of a bipartite model by the requested method, with diagnostics of how far to trust it:
//! standard error, effective sample size, chains, and on which sides of it log Z is known to lie.
//!
//! Forward annealing estimates Z without bias, so log Z is above its estimate on average; reverse annealing
//! from exact samples estimates 1/Z without bias, so log Z is below its own. Hence
//!
//! ```text
//! lower = forward estimate - 2 standard errors,
//! upper = reverse estimate + 2 standard errors (exact samples only).
//! ```
//!
//! Samples are exact where a side can be enumerated, else the ends of long Gibbs runs, whose reverse estimate
//! is no bound.

use enscore_program::Kind;
use enscore_program::executor::Width;
use enscore_program::random::Key;
use serde::{Deserialize, Serialize};

use super::annealed_importance::{Annealed, SampleOrigin};
use super::base_rates::base_rates;
use super::bipartite_annealing::{BipartiteAnnealing, Tell};
use super::geometric_path::Temperatures;
use super::side_enumeration::{SideEnumeration, can_enumerate};
use crate::error::{Error, Result};
use crate::ising::IsingModel;
use crate::ising::exact::{ExactMethod, exact_log_z};
use crate::model::trace;
use crate::sample::{WeightedBipartite, ising_sides};

/// How log Z is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogZMethod {
    /// Without error, by the cheapest way that there is.
    Exact,
    /// Annealed importance sampling from the base.
    Ais,
    /// Annealed importance sampling from samples of the model.
    ReverseAis,
    /// Annealing in both directions: a lower and an upper bound.
    Bracket,
}

/// What an estimate takes.
#[derive(Clone, Debug)]
pub struct LogZSettings {
    /// How log Z is computed.
    pub method: LogZMethod,
    /// Chains, at least 2.
    pub chains: usize,
    /// Inverse temperatures from the base to the model.
    pub temperatures: Temperatures,
    /// Gibbs sweeps of the long runs that give samples where they can't be exact.
    pub sweeps: usize,
    /// The widest bracket that counts as an answer, nats.
    pub width: f64,
    /// The seed of starts and sweeps.
    pub seed: u64,
}

/// log Z as it was found, nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogZEstimate {
    /// log Z, nats.
    pub log_z: f64,
    /// Its standard error; 0 of an exact value.
    pub std_err: f64,
    /// Effective number of chains; none of an exact value.
    pub ess: Option<f64>,
    /// Chains in each direction; none of an exact value.
    pub chains: Option<usize>,
    /// Temperatures after the base's; none of an exact value.
    pub temperatures: Option<usize>,
    /// `enumeration`, `transfer-matrix`, `kaufman`, `ais`, `reverse-ais` or `bracket`.
    pub method: String,
    /// What the method did, in words.
    pub detail: String,
    /// What log Z is above.
    pub lower: Option<f64>,
    /// What log Z is below.
    pub upper: Option<f64>,
    /// The reverse direction of a bracket.
    pub reverse: Option<Direction>,
}

/// One direction of a bracket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Direction {
    /// Its estimate of log Z, nats.
    pub log_z: f64,
    /// The standard error, nats.
    pub std_err: f64,
    /// Effective number of chains, 1 to their number.
    pub ess: f64,
    /// Whether it began at exact samples.
    pub exact_samples: bool,
}

impl LogZEstimate {
    /// An estimate without error.
    pub fn exact(log_z: f64, method: &str, detail: String) -> LogZEstimate {
        LogZEstimate {
            log_z,
            std_err: 0.0,
            ess: None,
            chains: None,
            temperatures: None,
            method: method.to_string(),
            detail,
            lower: Some(log_z),
            upper: Some(log_z),
            reverse: None,
        }
    }

    fn annealed(found: &Annealed, method: &str, detail: String) -> LogZEstimate {
        LogZEstimate {
            std_err: found.std_err,
            ess: Some(found.effective_sample_size),
            chains: Some(found.chains),
            temperatures: Some(found.temperatures),
            lower: None,
            upper: None,
            ..LogZEstimate::exact(found.log_z, method, detail)
        }
    }

    /// What to tell the user: an estimate that rests on a few chains.
    pub fn warnings(&self) -> Vec<String> {
        let weak = |ess: f64| ess < FEW_CHAINS;
        let ess = self.reverse.as_ref().map_or(self.ess, |reverse| self.ess.map(|ess| ess.min(reverse.ess)));
        let text = |ess| format!("effective sample size only {ess:.1}: add temperatures or chains");
        ess.filter(|ess| weak(*ess)).map(text).into_iter().collect()
    }
}

/// An effective sample size below this says little about the error.
const FEW_CHAINS: f64 = 5.0;

/// log Z of `target`; `rows` `[n, row]` are data that the base is fitted to and long runs begin at.
///
/// # Errors
/// No side that can be enumerated for an exact value (with its cost); fewer than 2 chains; weights that are
/// not finite; a bracket wider than asked for, or whose directions contradict each other; what `tell`
/// returns.
pub fn log_z_estimate(
    target: &WeightedBipartite,
    rows: Option<&[f32]>,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<LogZEstimate> {
    if settings.method == LogZMethod::Exact {
        let found = SideEnumeration::new(target, tell)?;
        return Ok(LogZEstimate::exact(found.log_z(), "enumeration", found.described()));
    }
    let bias = base_rates(target, rows.unwrap_or_default());
    let mut annealing = BipartiteAnnealing::new(target, &bias, settings.chains)?;
    let temperatures = &settings.temperatures;
    let seed = settings.seed;
    let base = if rows.is_some() { "from the data's base rates" } else { "from the uniform base" };
    let mut forward = None;
    if settings.method != LogZMethod::ReverseAis {
        let found = annealing.forward(temperatures, seed, tell)?;
        let lower = Some(found.log_z - 2.0 * found.std_err);
        let estimate = LogZEstimate::annealed(&found, "ais", base.to_string());
        forward = Some(LogZEstimate { lower, ..estimate });
    }
    if let (LogZMethod::Ais, Some(forward)) = (settings.method, &forward) {
        return Ok(forward.clone());
    }
    let (samples, origin) = samples(target, &mut annealing, rows, settings, tell)?;
    let found = annealing.reverse(temperatures, &samples, origin, seed, tell)?;
    let exact = origin == SampleOrigin::Exact;
    let described = if exact {
        "reverse from exact samples".to_string()
    } else {
        format!("reverse from samples after {} Gibbs sweeps: not a bound", settings.sweeps)
    };
    let upper = exact.then_some(found.log_z + 2.0 * found.std_err);
    match forward {
        None => Ok(LogZEstimate { upper, ..LogZEstimate::annealed(&found, "reverse-ais", described) }),
        Some(forward) => bracketed(forward, &found, upper, described, settings.width),
    }
}

/// log Z of an Ising model: exact by the cheapest way, or annealed as a machine whose sides are the two
/// colours of its sites.
///
/// # Errors
/// As [`log_z_estimate`]; no exact way that is affordable; sites that take three colours where it is
/// annealed.
pub fn ising_log_z_estimate(
    model: &IsingModel,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<LogZEstimate> {
    if settings.method == LogZMethod::Exact {
        let found = exact_log_z(model)?;
        let detail = match found.method {
            ExactMethod::Enumeration => format!("all 2^{} states", model.sites()),
            ExactMethod::TransferMatrix => "site by site along the strip".to_string(),
            ExactMethod::Kaufman => "Kaufman's formula for the torus without a field".to_string(),
        };
        return Ok(LogZEstimate::exact(found.log_z, found.method.name(), detail));
    }
    let (machine, constant) = ising_sides(model)?;
    let found = log_z_estimate(&machine.weighted()?, None, settings, tell)?;
    Ok(LogZEstimate {
        log_z: found.log_z + constant,
        lower: found.lower.map(|bound| bound + constant),
        upper: found.upper.map(|bound| bound + constant),
        reverse: found.reverse.map(|reverse| Direction { log_z: reverse.log_z + constant, ..reverse }),
        ..found
    })
}

/// Samples of the model `[chains, first]`: exact where a side can be enumerated.
fn samples(
    target: &WeightedBipartite,
    annealing: &mut BipartiteAnnealing,
    rows: Option<&[f32]>,
    settings: &LogZSettings,
    tell: &mut Tell,
) -> Result<(Vec<f32>, SampleOrigin)> {
    if can_enumerate(target) {
        let samples = SideEnumeration::new(target, tell)?.draw(settings.chains, settings.seed)?;
        return Ok((samples, SampleOrigin::Exact));
    }
    // Rows of data are closer to the model than the base.
    let width: usize = target.model.row_shape().iter().product();
    let start = rows.filter(|rows| !rows.is_empty()).map(|rows| {
        let count = rows.len() / width;
        let spread = |chain: usize| chain * (count / settings.chains).max(1) % count;
        let row = |chain: usize| rows[spread(chain) * width..][..width].to_vec();
        completed(target, &(0..settings.chains).flat_map(row).collect::<Vec<f32>>(), settings.seed)
    });
    let start = start.transpose()?;
    let samples = annealing.long_run(start.as_deref(), settings.sweeps, settings.seed, tell)?;
    Ok((samples, SampleOrigin::Approximate))
}

/// The first side given rows of the data `[n, row]`: where it holds more than these, with units drawn at
/// their mean field.
fn completed(target: &WeightedBipartite, rows: &[f32], seed: u64) -> Result<Vec<f32>> {
    let width = target.model.row_shape().iter().product::<usize>();
    let side = target.model.first_width();
    if width == side {
        return Ok(rows.to_vec());
    }
    let count = rows.len() / width;
    let (program, _) = trace(target.parameters(), |scope, parameters| {
        let x = scope.input("x", Kind::Float, &[count, width]);
        let key = scope.input("key", Kind::Key, &[]);
        let (first, _) = target.model.first_given_data(parameters, x);
        let hidden = first.slice(1, width, side);
        let drawn = key.uniform(&hidden.shape()).less(hidden).to_float();
        vec![("first".to_string(), x.concatenate(&[drawn], 1))]
    })?;
    let mut routine = target.compile(&program, Width::Double)?;
    let x: Vec<f64> = rows.iter().map(|value| f64::from(*value)).collect();
    let mut first = vec![0.0f64; count * side];
    let call = routine.call().weights(&target.weights).with("x", &x);
    call.with("key", Key::new(seed, 0)).to("first", &mut first).run()?;
    Ok(first.iter().map(|value| *value as f32).collect())
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
            exact_samples: upper.is_some(),
        }),
        ..forward
    })
}
