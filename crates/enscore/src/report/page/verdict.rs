//! A verdict in words: what an evaluation and the course of a training say of a model, and what to do next.
//!
//! The rules, each with its threshold:
//! - A metric is within its null value where it is at most four standard deviations of the null above it.
//! - A loss is above or below that of the best affine network by more than two standard errors.
//! - Validation rises where it was lowest before the last quarter and has risen since by more than a
//!   twentieth of what it had fallen.
//! - A model prefers its training rows where their log density is above that of held-out rows by more than
//!   four standard errors of the difference.
//! - A machine is worse than independent units where its log-likelihood is lower by more than two standard
//!   errors of the difference.
//! - Samples leave out modes where their coverage is below half of that of real rows.

use super::collapse::COLLAPSED;
use crate::evaluate::{DenoisingLoss, Evaluation, HeldOut, HeldOutFigure, TwoSample};
use crate::report::markup::{measured, number};

/// Standard deviations of a null value, or standard errors of a difference, that are not chance.
const FAR: f64 = 4.0;
/// Standard errors of a loss or likelihood that are not chance.
const APART: f64 = 2.0;
/// The share of its fall that a validation loss may rise again.
const RISE: f64 = 0.05;
/// Rows on each side below which a metric sees coarse differences only.
const FEW: usize = 200;

/// Something that was found, and what to do about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Whether it is as it should be.
    pub is_good: bool,
    /// What was found, with its figures.
    pub says: String,
    /// What to do next; empty where nothing is to be done.
    pub next: String,
}

impl Finding {
    fn good(says: String) -> Finding {
        Finding { is_good: true, says, next: String::new() }
    }

    fn bad(says: String, next: &str) -> Finding {
        Finding { is_good: false, says, next: next.into() }
    }
}

/// All findings of an evaluation; `validation` is the loss on held-out rows over the steps of the training.
pub fn findings(evaluation: &Evaluation, validation: &[(f64, f64)]) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(of_loss(evaluation));
    found.extend(of_validation(validation));
    found.extend(of_rows_seen(evaluation));
    found.extend(of_independent_units(evaluation));
    found.extend(of_metrics(&evaluation.metrics));
    found
}

fn of_loss(evaluation: &Evaluation) -> Vec<Finding> {
    let (Some(loss), Some(affine)) = (&evaluation.loss, &evaluation.affine) else { return Vec::new() };
    let best = affine.iter().sum::<f64>() / affine.len().max(1) as f64;
    let difference = loss.loss_per_dim - best;
    let doubt = APART * loss.std_err;
    let figures = format!(
        "The loss per dimension is {}, that of the best affine network {}",
        measured(loss.loss_per_dim, Some(loss.std_err)),
        number(best)
    );
    let longer = "Train longer; if the loss has settled, use a larger network or another learning rate.";
    let mut found = vec![if difference < -doubt {
        let percent = 100.0 * -difference / best;
        Finding::good(format!(
            "{figures}: {percent:.0} % lower, so the network has learnt more than moments."
        ))
    } else if difference > doubt {
        Finding::bad(format!("{figures}: the network has not even learnt mean and covariance."), longer)
    } else {
        Finding::bad(format!("{figures}: the network has learnt no more than mean and covariance."), longer)
    }];
    if difference <= doubt {
        found.extend(worse_levels(loss, affine));
    }
    found
}

/// Noise levels at which the network is worse than an affine one, though it is not on average.
fn worse_levels(loss: &DenoisingLoss, affine: &[f64]) -> Option<Finding> {
    let worse: Vec<String> = (loss.levels.iter().zip(affine))
        .filter(|(level, affine)| level.loss - **affine > APART * level.std_err)
        .map(|(level, _)| number(level.sigma))
        .collect();
    let shown = worse.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
    let more = if worse.len() > 4 { format!(" and {} more", worse.len() - 4) } else { String::new() };
    let next = "Train longer, or leave out levels that are larger than the data needs.";
    (!worse.is_empty())
        .then(|| Finding::bad(format!("At sigma = {shown}{more} an affine network would be better."), next))
}

fn of_validation(curve: &[(f64, f64)]) -> Option<Finding> {
    let finite: Vec<(f64, f64)> = curve.iter().copied().filter(|(_, loss)| loss.is_finite()).collect();
    let lowest = (0..finite.len()).min_by(|&a, &b| finite[a].1.total_cmp(&finite[b].1))?;
    let (first, last) = (finite.first()?, finite.last()?);
    if finite.len() < 4 {
        return None;
    }
    let (step, best) = finite[lowest];
    let rise = last.1 - best;
    let is_early = lowest < finite.len() - (finite.len() / 4).max(1);
    if is_early && rise > RISE * (first.1 - best) && rise > 0.0 {
        let says = format!(
            "The validation loss was lowest at step {step:.0} ({}) and is {} at the end: the training overfits.",
            number(best),
            number(last.1)
        );
        let next = format!("Stop near step {step:.0}, take more data or a smaller network.");
        return Some(Finding::bad(says, &next));
    }
    let still = lowest + 1 == finite.len() && first.1 - best > 0.0;
    let falling = still && finite[lowest - 1].1 - best > RISE * (first.1 - best);
    if falling {
        let says = format!("The validation loss still falls at the end ({}).", number(best));
        return Some(Finding::bad(says, "Train for more steps."));
    }
    Some(Finding::good("The validation loss has not risen.".into()))
}

/// The figure with one of these ids.
fn figure<'a>(evaluation: &'a Evaluation, ids: &[&str]) -> Option<&'a HeldOutFigure> {
    evaluation.figures.iter().find(|figure| ids.contains(&figure.id))
}

fn of_rows_seen(evaluation: &Evaluation) -> Option<Finding> {
    if evaluation.held_out == HeldOut::Other || evaluation.held_out == HeldOut::Training {
        return None;
    }
    let seen = ["log_density_training", "log_density_bound_training", "log_likelihood_training"];
    let seen = figure(evaluation, &seen)?;
    let held_out = ["log_density_held_out", "log_density_bound_held_out", "log_likelihood"];
    let held_out = figure(evaluation, &held_out)?;
    let gap = seen.value - held_out.value;
    let error = seen.std_err?.hypot(held_out.std_err?);
    let shown = measured(gap, Some(error));
    if gap > FAR * error {
        let says =
            format!("Training rows are {shown} nats more likely than held-out rows: the model overfits.");
        return Some(Finding::bad(says, "Stop earlier, take more data or a smaller network."));
    }
    Some(Finding::good(format!("Held-out rows are as likely as training rows (difference {shown} nats).")))
}

fn of_independent_units(evaluation: &Evaluation) -> Option<Finding> {
    let bar = figure(evaluation, &["log_likelihood_independent_units"])?;
    let found = figure(evaluation, &["log_likelihood_kept", "log_likelihood"])?;
    let gain = found.value - bar.value;
    let error = found.std_err?.hypot(bar.std_err?);
    let shown = measured(gain.abs(), Some(error));
    if gain < -APART * error {
        let says = format!("Independent units explain held-out rows better, by {shown} nats a row.");
        let next = "Train longer or with a smaller learning rate; check log Z.";
        return Some(Finding::bad(says, next));
    }
    Some(Finding::good(format!(
        "The model explains held-out rows {shown} nats a row better than independent units."
    )))
    .filter(|_| gain > APART * error)
}

fn of_metrics(metrics: &[TwoSample]) -> Vec<Finding> {
    let is_within = |metric: &&TwoSample| metric.excess() <= FAR * metric.null_std;
    let (within, beyond): (Vec<&TwoSample>, Vec<&TwoSample>) = metrics.iter().partition(is_within);
    let names = |metrics: &[&TwoSample]| {
        metrics.iter().map(|metric| metric.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut found = Vec::new();
    if !within.is_empty() {
        let says = format!("By {} the samples can't be told from real rows.", names(&within));
        found.push(Finding::good(says));
    }
    if !beyond.is_empty() {
        let said: Vec<String> = beyond.iter().map(|metric| against_null(metric)).collect();
        let next =
            "Train longer; where the loss has settled, draw with more or smaller steps of the sampler.";
        found.push(Finding::bad(format!("The samples differ from real rows: {}.", said.join("; ")), next));
    }
    found.extend(left_out(metrics));
    if let Some(metric) = metrics.iter().find(|metric| metric.n < FEW) {
        let says = format!("Metrics compare {} rows a side: small differences don't show.", metric.n);
        found.push(Finding::bad(says, "Evaluate with more samples and more held-out rows."));
    }
    found
}

/// Modes of the data that have no samples: what a collapsed generator shows.
fn left_out(metrics: &[TwoSample]) -> Option<Finding> {
    let coverage = metrics.iter().find(|metric| metric.name.starts_with("coverage"))?;
    let TwoSample { value, null, .. } = *coverage;
    (value < COLLAPSED * null).then(|| {
        let says = format!(
            "The samples leave out a large part of the data: {value:.2} of the real rows have a sample nearby, \
             {null:.2} where real rows take its place."
        );
        let next = "Where a generator has collapsed: objective.kind = \"wgan-gp\", a smaller learning rate, more steps of \
                    the critic. Where chains draw: more of them, or longer ones.";
        Finding::bad(says, next)
    })
}

/// A value beyond its null value: how far, in the null's standard deviations.
fn against_null(metric: &TwoSample) -> String {
    let value = number(metric.value);
    let null = measured(metric.null, Some(metric.null_std));
    let far = metric.excess() / metric.null_std;
    let far = if far.is_finite() { format!(", {far:.0} standard deviations away") } else { String::new() };
    format!("{} is {value}, between real rows {null}{far}", metric.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::LevelLoss;

    fn empty() -> Evaluation {
        Evaluation {
            loss: None,
            figures: Vec::new(),
            affine: None,
            metrics: Vec::new(),
            refused_metrics: Vec::new(),
            refused_figures: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
            held_out: HeldOut::Test,
            samples: Vec::new(),
            rows: Vec::new(),
            trajectory: Vec::new(),
            stages: 0,
        }
    }

    fn metric(value: f64, n: usize) -> TwoSample {
        TwoSample { name: "mmd2".into(), value, null: 0.01, null_std: 0.001, n, larger_is_better: false }
    }

    fn good(findings: &[Finding]) -> Vec<bool> {
        findings.iter().map(|finding| finding.is_good).collect()
    }

    #[test]
    fn a_metric_is_judged_by_its_null() {
        let judged = |value, n| findings(&Evaluation { metrics: vec![metric(value, n)], ..empty() }, &[]);
        assert_eq!(good(&judged(0.0139, 500)), [true]);
        let beyond = judged(0.0145, 500);
        assert_eq!(good(&beyond), [false]);
        assert!(beyond[0].says.contains("0.0100 ± 0.0010, 4 standard"), "{}", beyond[0].says);
        assert!(beyond[0].next.contains("sampler"));
        assert_eq!(good(&judged(-1.0, 20)), [true, false], "few rows are said");
    }

    #[test]
    fn a_loss_is_judged_by_the_best_affine_network() {
        let level = |sigma, loss| LevelLoss { sigma, loss, std_err: 0.01 };
        let judged = |losses: [f64; 2]| {
            let levels = vec![level(1.0, losses[0]), level(0.1, losses[1])];
            let loss_per_dim = (losses[0] + losses[1]) / 2.0;
            let loss = DenoisingLoss { loss_per_dim, std_err: 0.01, rows: 9, levels };
            findings(&Evaluation { loss: Some(loss), affine: Some(vec![0.5, 0.5]), ..empty() }, &[])
        };
        let better = judged([0.4, 0.4]);
        assert!(better[0].is_good && better[0].says.contains("20 % lower"), "{better:?}");
        assert!(judged([0.6, 0.6])[0].says.contains("not even"));
        assert!(judged([0.5, 0.5])[0].says.contains("no more than"));
        let mixed = judged([0.55, 0.2]);
        assert_eq!(good(&mixed), [true, false]);
        assert!(mixed[1].says.contains("sigma = 1.000 "), "{}", mixed[1].says);
    }

    #[test]
    fn validation_that_rises_is_told_with_its_best_step() {
        let curve = |losses: &[f64]| -> Vec<(f64, f64)> {
            losses.iter().enumerate().map(|(at, loss)| (100.0 * at as f64, *loss)).collect()
        };
        let judged = |losses: &[f64]| of_validation(&curve(losses));
        let rising = judged(&[2.0, 1.0, 1.1, 1.3, 1.4]).unwrap();
        assert!(!rising.is_good && rising.says.contains("lowest at step 100 "), "{rising:?}");
        assert!(judged(&[2.0, 1.0, 1.01, 1.0, 1.02]).unwrap().is_good, "less than a twentieth of its fall");
        assert!(judged(&[2.0, 1.5, 1.2, 1.1, 1.09]).unwrap().is_good);
        assert!(judged(&[2.0, 1.8, 1.6, 1.4, 1.2]).unwrap().says.contains("still falls"));
        assert_eq!(judged(&[2.0, 1.0, 5.0]), None, "too few to say");
        assert_eq!(judged(&[]), None);
    }

    #[test]
    fn rows_seen_and_independent_units_are_compared_with_their_errors() {
        let figure = |id, value| HeldOutFigure {
            id,
            label: id.into(),
            value,
            std_err: Some(0.1),
            unit: "nats",
            rows: 9,
        };
        let judged = |figures| findings(&Evaluation { figures, ..empty() }, &[]);
        let gap = |gap| {
            judged(vec![figure("log_density_held_out", 1.0), figure("log_density_training", 1.0 + gap)])
        };
        assert_eq!((good(&gap(0.5)), good(&gap(0.6))), (vec![true], vec![false]));
        let gain = |gain| {
            let bar = figure("log_likelihood_independent_units", -9.0);
            judged(vec![bar, figure("log_likelihood_kept", -9.0 + gain)])
        };
        assert_eq!(
            (good(&gain(1.0)), good(&gain(0.1)), good(&gain(-1.0))),
            (vec![true], vec![], vec![false])
        );
    }
}
