//! The figures of a comparison: of a run, what each is, and what it is held against. The columns of the table
//! and the numbers over seeds are this list.

use super::compared::Compared;
use crate::evaluate::{Mean, TwoSample};
use crate::report::{Best, Column};

/// What a run has of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reading {
    pub(super) value: f64,
    /// Its own error, where it has one.
    pub(super) error: Option<f64>,
    /// Whether the error is written.
    pub(super) shows_error: bool,
    /// The same of real rows, with its error.
    pub(super) null: Option<(f64, f64)>,
    pub(super) sign: &'static str,
}

/// A figure of runs.
pub(super) struct Figure {
    /// The word for programs.
    pub(super) id: &'static str,
    /// The head of its column.
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) best: Best,
    pub(super) of: fn(&Compared) -> Option<Reading>,
}

impl Figure {
    pub(super) fn column(&self) -> Column {
        Column::new(self.name, self.unit, self.best)
    }
}

fn bare(value: f64) -> Reading {
    Reading { value, ..Reading::default() }
}

fn of_mean(mean: Mean) -> Reading {
    Reading { error: Some(mean.std_err), shows_error: true, ..bare(mean.value) }
}

/// A metric of its samples. Its error is that of the null value, which says how far chance moves it.
fn metric(compared: &Compared, word: &str) -> Option<Reading> {
    let metrics = &compared.sampled.as_ref()?.metrics;
    let TwoSample { value, null, null_std, .. } =
        metrics.iter().find(|metric| metric.name.starts_with(word))?;
    Some(Reading { error: Some(*null_std), null: Some((*null, *null_std)), ..bare(*value) })
}

fn likelihood(compared: &Compared) -> Option<Reading> {
    let measured = &compared.measured;
    let mean = measured.log_likelihood.or(measured.log_likelihood_bound)?;
    Some(Reading { sign: measured.likelihood.sign(), ..of_mean(mean) })
}

fn bits(compared: &Compared) -> Option<Reading> {
    let sign = if compared.measured.likelihood.is_bound() { "≤" } else { "" };
    compared.measured.bits_per_dim.map(|mean| Reading { sign, ..of_mean(mean) })
}

fn log_z(compared: &Compared) -> Option<Reading> {
    let error = compared.measured.log_z_error;
    compared.measured.log_z.map(|log_z| Reading { error, shows_error: true, ..bare(log_z) })
}

const fn figure(
    id: &'static str,
    name: &'static str,
    unit: &'static str,
    best: Best,
    of: fn(&Compared) -> Option<Reading>,
) -> Figure {
    Figure { id, name, unit, best, of }
}

/// All figures, in the order of the table.
pub(super) const FIGURES: [Figure; 15] = [
    figure("training_seconds", "training", "s", Best::None, |run| Some(bare(run.seconds))),
    figure("sampling_seconds", "sampling 1,000 rows", "s", Best::None, |run| {
        run.sampled.as_ref().and_then(|sampled| sampled.seconds_per_1000()).map(bare)
    }),
    figure("log_likelihood", "held-out log-likelihood", "nats", Best::Highest, likelihood),
    figure("bits_per_dim", "held-out bits per dimension", "", Best::Lowest, bits),
    figure("frechet", "Frechet distance (null)", "", Best::Lowest, |run| metric(run, "frechet")),
    figure("mmd", "MMD² (null)", "", Best::Lowest, |run| metric(run, "mmd")),
    figure("precision", "precision (null)", "", Best::Highest, |run| metric(run, "precision")),
    figure("recall", "recall (null)", "", Best::Highest, |run| metric(run, "recall")),
    figure("relative_fisher_divergence", "relative Fisher divergence", "", Best::Lowest, |run| {
        run.measured.fisher_divergence.map(|divergence| bare(divergence.relative))
    }),
    figure("seconds_to_quality", "time to quality", "s", Best::Lowest, |run| {
        run.seconds_to_quality.map(bare)
    }),
    figure("milliseconds_per_step", "time per step", "ms", Best::Lowest, |run| {
        Some(bare(1e3 * run.seconds / run.steps.max(1) as f64))
    }),
    figure("score_matching_loss", "score matching loss", "", Best::Lowest, |run| {
        run.measured.score_matching_loss.map(of_mean)
    }),
    figure("log_z", "log Z", "nats", Best::None, log_z),
    figure("reverse_log_z", "log Z in reverse", "nats", Best::None, |run| {
        run.measured.reverse_log_z.map(of_mean)
    }),
    figure("learnt_log_z_error", "learnt log Z - log Z", "nats", Best::None, |run| {
        run.measured.learnt_log_z_error.map(bare)
    }),
];
