//! Whether chains have arrived: what they show may not drift any more over the last part of their steps.
//!
//! Rows of N chains are watched at n steps of that part. For a function g of a row the drift d_i of chain i
//! is the mean of g over the second half of them minus that over the first, and
//!
//! ```text
//! drift = mean_i d_i,   standard error = sd_i(d_i) / √N,
//! ```
//!
//! which is 0 within its error where the chains are stationary, whether or not they cross between modes.
//! R-hat (Gelman and Rubin 1992, eq. 3 and 4; Vehtari et al. 2021, eq. 4), √(((n - 1)/n W + B/n) / W) with W
//! the variance within and B/n that between chains, tells whether they do. g is f/T in nats where there is a
//! log density, ‖s‖² σ²/2 where there is a score alone, and ‖x - m‖²/(2v) for data of mean m and variance v:
//! each varies by about √(d/2) at rest.

use serde::Serialize;

use super::density::TrainedDensity;
use super::trained::TrainedModel;
use crate::error::Result;
use crate::model::HostDensity;

/// Standard errors beyond which a drift is real; few chains have longer tails.
const MANY_ERRORS: f64 = 4.0;
/// Drifts below this share of √(d/2) don't matter.
const SMALL: f64 = 0.02;
/// Beyond this R-hat chains stay near their starts.
const LARGE_R_HAT: f64 = 1.5;
/// Steps at which rows are watched.
const POINTS: u64 = 8;

/// How the chains stood over the last part of their steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arrival {
    /// What is watched, with its unit.
    pub of: &'static str,
    /// Its mean change from the first to the second half of the steps watched.
    pub drift: f64,
    /// The standard error of the drift over chains.
    pub std_err: f64,
    /// R-hat of it: near 1 where every chain visits what all chains do.
    pub r_hat: f64,
    /// Chains watched.
    pub chains: usize,
    /// Whether the drift is beyond what chance and small steps leave.
    pub drifts: bool,
    /// Whether chains stay so near their starts that R-hat is beyond 1.5; never said of several noise
    /// levels, whose smallest is not meant to be crossed.
    pub stays: bool,
}

impl Arrival {
    /// What to tell the user, if the chains have not arrived; `remedy` names the key.
    pub(super) fn warning(&self, remedy: &str) -> Option<String> {
        let Arrival { of, drift, std_err, r_hat, chains, .. } = self;
        let how = match (self.drifts, self.stays) {
            (true, _) => "the chains have not arrived",
            (false, true) => "the chains stay near where they started",
            (false, false) => return None,
        };
        Some(format!(
            "{how}: over the last half of their steps {of} changed by {drift:.3} ± {std_err:.3}, with an \
             R-hat of {r_hat:.2} ({chains} chains; near 1 where they mix); {remedy}"
        ))
    }
}

/// The steps at which chains are watched from `from` to `to`; none of a part of fewer than four steps.
pub(super) fn watched(from: u64, to: u64) -> Vec<u64> {
    if to < from + 3 {
        return Vec::new();
    }
    let mut steps: Vec<u64> = (0..POINTS).map(|i| from + i * (to - from) / (POINTS - 1)).collect();
    steps.dedup();
    steps
}

/// A function of rows at the steps watched: for each step the value of each chain.
struct Watched {
    of: &'static str,
    values: Vec<Vec<f64>>,
}

/// How chains stand that had these `rows` at the steps watched, each `[chains, row_len]`; none where there
/// are too few steps or chains to tell.
pub(super) fn arrival(model: &TrainedModel, rows: &[Vec<f32>]) -> Result<Option<Arrival>> {
    let len = model.row_len().max(1);
    if rows.len() < 4 || rows[0].len() < 4 * len {
        return Ok(None);
    }
    let wide = |rows: &Vec<f32>| rows.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
    let rows: Vec<Vec<f64>> = rows.iter().map(wide).collect();
    let mut density = TrainedDensity::new(model)?;
    let own = if model.model.has_density() {
        let values = rows.iter().map(|rows| density.log_density(rows)).collect::<Result<_>>()?;
        Watched { of: "the log density in nats", values }
    } else {
        let scale = 0.5 * model.levels.last().powi(2).min(spread(model));
        let norm = |score: &[f64]| scale * score.iter().map(|s| s * s).sum::<f64>();
        let norms = |rows: &Vec<f64>| Ok(density.score(rows)?.chunks(len).map(norm).collect());
        let values = rows.iter().map(norms).collect::<Result<_>>()?;
        Watched { of: "the squared score (in units of the noise)", values }
    };
    let all = [distances(model, &rows), own];
    let [distance, own] = all.map(|watched| standing(&watched, len));
    if distance.drifts && !own.drifts {
        return Ok(Some(distance));
    }
    let stays = model.levels.as_slice().len() == 1 && own.r_hat > LARGE_R_HAT;
    Ok(Some(Arrival { stays, ..own }))
}

/// The variance of an element of the data, or that of its range.
pub(super) fn spread(model: &TrainedModel) -> f64 {
    let [low, high] = model.data.range;
    let of_range = (high - low).powi(2) / 12.0;
    if model.data.variance > 0.0 { model.data.variance } else { of_range.max(1e-12) }
}

/// ‖x - m‖²/(2v).
fn distances(model: &TrainedModel, rows: &[Vec<f64>]) -> Watched {
    let len = model.row_len().max(1);
    let mean = |i: usize| model.data.mean.get(i).copied().unwrap_or(0.0);
    let scale = 0.5 / spread(model);
    let of_row =
        |row: &[f64]| scale * row.iter().enumerate().map(|(i, x)| (x - mean(i)).powi(2)).sum::<f64>();
    let values = rows.iter().map(|rows| rows.chunks(len).map(of_row).collect()).collect();
    Watched { of: "the squared distance from the data's mean (in units of the data's variance)", values }
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count();
    values.sum::<f64>() / count.max(1) as f64
}

fn variance(values: &[f64]) -> f64 {
    let centre = mean(values.iter().copied());
    values.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / values.len().saturating_sub(1).max(1) as f64
}

fn standing(watched: &Watched, row_len: usize) -> Arrival {
    let points = watched.values.len();
    let count = watched.values[0].len();
    let trace = |chain: usize| watched.values.iter().map(|at| at[chain]).collect::<Vec<f64>>();
    let traces: Vec<Vec<f64>> =
        (0..count).map(trace).filter(|trace| trace.iter().all(|x| x.is_finite())).collect();
    let change = |trace: &Vec<f64>| {
        let (first, last) = trace.split_at(points / 2);
        mean(last.iter().copied()) - mean(first.iter().copied())
    };
    let changes: Vec<f64> = traces.iter().map(change).collect();
    let chains = changes.len();
    let drift = mean(changes.iter().copied());
    let std_err = (variance(&changes) / chains.max(1) as f64).sqrt();
    let within = mean(traces.iter().map(|trace| variance(trace)));
    let means: Vec<f64> = traces.iter().map(|trace| mean(trace.iter().copied())).collect();
    let n = points as f64;
    let r_hat = (((n - 1.0) / n * within + variance(&means)) / within).sqrt();
    // Student's distribution of few chains has longer tails.
    let errors = MANY_ERRORS * (1.0 + 8.0 / chains.max(1) as f64);
    let matters = drift.abs() > SMALL * (0.5 * row_len as f64).sqrt();
    let drifts = chains >= 4 && matters && drift.abs() > errors * std_err;
    Arrival { of: watched.of, drift, std_err, r_hat, chains, drifts, stays: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use enscore_program::random::{Key, normal_row};

    fn watched_values(slope: f64) -> Watched {
        let at = |point: usize| {
            let mut z = vec![0.0; 64];
            normal_row(Key::new(point as u64, 0), 5, 0, &mut z);
            z.into_iter().map(|z| z + slope * point as f64).collect()
        };
        Watched { of: "x", values: (0..8).map(at).collect() }
    }

    #[test]
    fn a_drift_is_told_from_rest() {
        let rest = standing(&watched_values(0.0), 2);
        assert!(!rest.drifts && (rest.drift / rest.std_err).abs() < 4.0, "{rest:?}");
        assert!((rest.r_hat - 1.0).abs() < 0.05, "{rest:?}");
        let moving = standing(&watched_values(0.4), 2);
        // The halves lie four points apart.
        assert!(moving.drifts && (moving.drift - 1.6).abs() < 5.0 * moving.std_err, "{moving:?}");
        assert!(moving.warning("take more steps").is_some() && rest.warning("").is_none());
    }

    #[test]
    fn chains_that_stay_apart_have_a_large_r_hat_and_no_drift() {
        let mut apart = watched_values(0.0);
        apart.values.iter_mut().for_each(|at| at.iter_mut().skip(32).for_each(|x| *x += 10.0));
        let found = standing(&apart, 2);
        assert!(found.r_hat > 3.0 && !found.drifts, "{found:?}");
    }

    #[test]
    fn steps_watched_reach_from_end_to_end() {
        assert_eq!(watched(50, 100), [50, 57, 64, 71, 78, 85, 92, 100]);
        assert_eq!(watched(2, 5), [2, 3, 4, 5]);
        assert!(watched(2, 4).is_empty());
    }
}
