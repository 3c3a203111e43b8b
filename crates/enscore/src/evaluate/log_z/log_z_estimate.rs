//! What is asked of an estimate of log Z, and what it says of how far to trust it: standard error, effective
//! sample size, chains, on which sides of it log Z is known to lie, and warnings.

use serde::{Deserialize, Serialize};

use super::annealing::{Annealed, Temperatures};
use crate::evaluate::doubt;

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
    /// Inverse temperatures from the base to the model; where none, the published schedule for units and
    /// spins, 500 along a sigmoid for energies.
    pub temperatures: Option<Temperatures>,
    /// Gibbs sweeps, or moves of an energy, of the long runs that give samples where they can't be exact.
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
    /// Effective sample size of the weights; none of an exact value.
    pub ess: Option<f64>,
    /// How far the log weights spread above their median, nats²; none of an exact value.
    #[serde(default)]
    pub upper_variance: Option<f64>,
    /// The shape of the weights' tail ([`crate::evaluate::pareto_shape()`]); none of an exact value.
    #[serde(default)]
    pub pareto_shape: Option<f64>,
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
    /// Effective sample size, 1 to the number of chains.
    pub ess: f64,
    /// How far the log weights spread above their median, nats².
    #[serde(default)]
    pub upper_variance: Option<f64>,
    /// The shape of the weights' tail.
    #[serde(default)]
    pub pareto_shape: Option<f64>,
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
            upper_variance: None,
            pareto_shape: None,
            chains: None,
            temperatures: None,
            method: method.to_string(),
            detail,
            lower: Some(log_z),
            upper: Some(log_z),
            reverse: None,
        }
    }

    /// What one direction of annealing found.
    pub fn annealed(found: &Annealed, method: &str, detail: String) -> LogZEstimate {
        LogZEstimate {
            std_err: found.std_err,
            ess: Some(found.effective_sample_size),
            upper_variance: Some(found.upper_variance),
            pareto_shape: found.pareto_shape,
            chains: Some(found.chains),
            temperatures: Some(found.temperatures),
            lower: None,
            upper: None,
            ..LogZEstimate::exact(found.log_z, method, detail)
        }
    }

    /// What to tell the user: weights that the estimate can't rely on, and directions that disagree.
    pub fn warnings(&self) -> Vec<String> {
        let Some((chains, ess)) = self.chains.zip(self.ess) else { return Vec::new() };
        let own = doubt(chains, ess, self.upper_variance.unwrap_or(0.0), self.pareto_shape);
        let check =
            if self.reverse.is_some() { "" } else { ", and anneal in both directions (bracket) to check" };
        let advice = |why: String| format!("{why}: add temperatures{check}");
        let back = self.reverse.as_ref();
        let of_reverse = back
            .and_then(|back| doubt(chains, back.ess, back.upper_variance.unwrap_or(0.0), back.pareto_shape));
        let of_reverse = of_reverse.map(|why| format!("in reverse, {}", advice(why)));
        let apart =
            back.and_then(|back| disagreement([self.log_z, back.log_z], [self.std_err, back.std_err]));
        own.map(advice).into_iter().chain(of_reverse).chain(apart).collect()
    }
}

/// Standard errors by which the two directions may differ.
const MOST_ERRORS_APART: f64 = 3.0;

fn disagreement([forward, reverse]: [f64; 2], errors: [f64; 2]) -> Option<String> {
    let gap = (forward - reverse).abs();
    let apart = gap / errors[0].hypot(errors[1]);
    (apart > MOST_ERRORS_APART).then(|| {
        format!(
            "forward and reverse differ by {gap:.2} nats, {apart:.1} standard errors: add temperatures, or sweeps \
             before the reverse chains"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bracket(reverse: f64, spread: f64) -> LogZEstimate {
        let back = Direction {
            log_z: reverse,
            std_err: 0.1,
            ess: 60.0,
            upper_variance: Some(0.5),
            pareto_shape: None,
            exact_samples: true,
        };
        LogZEstimate {
            std_err: 0.1,
            ess: Some(60.0),
            upper_variance: Some(spread),
            chains: Some(100),
            reverse: Some(back),
            ..LogZEstimate::exact(5.0, "bracket", String::new())
        }
    }

    #[test]
    fn directions_that_disagree_and_weights_that_spread_are_told() {
        assert_eq!(bracket(5.2, 0.5).warnings(), Vec::<String>::new());
        let apart = bracket(5.9, 0.5).warnings();
        assert!(
            apart.len() == 1 && apart[0].contains("differ by 0.90 nats, 6.4 standard errors"),
            "{apart:?}"
        );
        let spread = bracket(5.2, 4.0).warnings();
        assert!(spread.len() == 1 && spread[0].contains("vary by 4.0 nats²"), "{spread:?}");
        let alone = LogZEstimate { reverse: None, ..bracket(5.2, 4.0) }.warnings();
        assert!(alone[0].contains("(bracket) to check"), "{alone:?}");
        assert!(LogZEstimate::exact(1.0, "kaufman", String::new()).warnings().is_empty());
    }
}
