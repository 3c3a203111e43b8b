//! The comparison as a table and as numbers.

use std::path::Path;

use super::figures::FIGURES;
use super::measured::LikelihoodKind;
use super::over_seeds::OverSeeds;
use super::{Compared, Outcome};
use crate::error::{Error, Result};
use crate::evaluate::{Mean, TwoSample};
use crate::files::write_bytes_atomically;
use crate::report::{Best, Cell, Column, Comparison};

/// Fills in the figures over seeds and the text, and writes `comparison.md` and `comparison.json`.
pub(super) fn write(outcome: &mut Outcome, out: &Path) -> Result<()> {
    outcome.over_seeds = outcome.by_training().iter().filter_map(|runs| OverSeeds::of(runs)).collect();
    let table = table(outcome)?;
    let below = below(outcome);
    outcome.text = format!("{}{below}", table.text());
    let markdown = out.join("comparison.md");
    let numbers = out.join("comparison.json");
    write_bytes_atomically(&markdown, format!("{}\n{below}", table.markdown()).as_bytes())?;
    outcome.files.extend([markdown, numbers.clone()]);
    let json = serde_json::to_string_pretty(outcome)
        .map_err(|reason| Error::run("can't write the comparison").found_error(reason))?;
    write_bytes_atomically(&numbers, format!("{json}\n").as_bytes())
}

/// A row a training, a column a figure; a figure that applies to none is left out.
fn table(outcome: &Outcome) -> Result<Comparison> {
    let trainings = outcome.by_training();
    let applies =
        |id: &str| outcome.over_seeds.iter().any(|one| one.figures.iter().any(|known| known.id == id));
    let figures: Vec<_> = FIGURES.iter().filter(|figure| applies(figure.id)).collect();
    let mut columns =
        vec![Column::new("parameters", "", Best::None), Column::new("likelihood", "", Best::None)];
    columns.extend(figures.iter().map(|figure| figure.column()));
    let mut table = Comparison::new("training", columns);
    for (one, runs) in outcome.over_seeds.iter().zip(&trainings) {
        let mut cells = vec![Cell::Count(one.parameters), Cell::Word(one.likelihood.word())];
        for figure in &figures {
            let known = one.figures.iter().find(|known| known.id == figure.id);
            let reading = runs.iter().find_map(|run| (figure.of)(run));
            cells.push(known.zip(reading).map_or(Cell::Absent, |(known, reading)| known.cell(&reading)));
        }
        table.push(&one.name, cells)?;
    }
    Ok(table)
}

/// What the table leaves to be said.
fn below(outcome: &Outcome) -> String {
    let mut lines = vec![spread(outcome)];
    lines.extend(likelihoods(outcome));
    lines.extend(samples(outcome));
    if let Some(Mean { value, std_err, .. }) = outcome.truth_log_likelihood {
        lines.push(format!(
            "The truth has a held-out log-likelihood of {value:.4} ± {std_err:.4} nats. Quality: a relative Fisher \
             divergence of {}.",
            outcome.quality
        ));
    }
    lines.extend(outcome.failed.iter().map(|failed| format!("Not compared: {}.", failed.why)));
    for runs in outcome.by_training() {
        for run in &runs {
            let name =
                if runs.len() > 1 { format!("{}, seed {}", run.name, run.seed) } else { run.name.clone() };
            lines.extend(
                notes(run).into_iter().map(|note| format!("{name}: {}.", note.trim_end_matches('.'))),
            );
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// What ± is.
fn spread(outcome: &Outcome) -> String {
    let runs: Vec<usize> = outcome.over_seeds.iter().map(|one| one.seeds.len()).collect();
    let (least, most) = (runs.iter().min().copied().unwrap_or(0), runs.iter().max().copied().unwrap_or(0));
    let marked = "what is marked is within two such errors of the best";
    if most < 2 {
        return format!(
            "± is the standard error over held-out rows and, where it was computed, of log Z; {marked}."
        );
    }
    let over = if least == most { format!("{most} seeds") } else { format!("{least} to {most} seeds") };
    let alone = if least < 2 { "; of a training with one seed, its own standard error" } else { "" };
    format!(
        "Means over {over}, ± the sample standard deviation over them (divisor n - 1){alone}; {marked}, the \
         standard error of a run among them."
    )
}

/// What the kinds of likelihood are that stand in the table.
fn likelihoods(outcome: &Outcome) -> Option<String> {
    let mut kinds: Vec<LikelihoodKind> = Vec::new();
    for one in &outcome.over_seeds {
        if !kinds.contains(&one.likelihood) {
            kinds.push(one.likelihood);
        }
    }
    let meanings: Vec<&str> = kinds.into_iter().filter_map(LikelihoodKind::meaning).collect();
    (!meanings.is_empty()).then(|| format!("Log-likelihoods: {}.", meanings.join("; ")))
}

/// How many rows the metrics of samples were computed from, and what is in brackets.
fn samples(outcome: &Outcome) -> Option<String> {
    let metrics =
        || outcome.compared.iter().filter_map(|run| run.sampled.as_ref()).flat_map(|one| &one.metrics);
    let rows = |metric: &TwoSample| metric.n;
    let (least, most) = (metrics().map(rows).min()?, metrics().map(rows).max()?);
    let rows = if least == most { format!("{most}") } else { format!("{least} to {most}") };
    Some(format!(
        "Sample metrics are of {rows} samples and as many held-out rows, in brackets the same of two sets of real \
         rows of that size. Sampling is timed on this machine, with what is prepared for it."
    ))
}

/// What the user must know of a run's figures.
fn notes(run: &Compared) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    notes.extend(run.measured.log_likelihood_left_out.iter().map(|why| format!("no log-likelihood: {why}")));
    notes.extend(run.measured.warnings.iter().cloned());
    if let Some(sampled) = &run.sampled {
        notes.extend(sampled.warnings.iter().cloned());
        for (at, refused) in sampled.refused.iter().enumerate() {
            // Metrics for one reason are one line.
            if !sampled.refused[..at].iter().any(|other| other.reason == refused.reason) {
                let labels: Vec<&str> = sampled
                    .refused
                    .iter()
                    .filter(|other| other.reason == refused.reason)
                    .map(|other| other.label.as_str())
                    .collect();
                notes.push(format!("no {}: {}", labels.join(", "), refused.reason));
            }
        }
    }
    notes
}
