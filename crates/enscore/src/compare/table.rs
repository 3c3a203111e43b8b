//! The comparison as a table and as numbers.

use std::path::Path;

use super::measure::Measured;
use super::{Compared, Outcome};
use crate::error::{Error, Result};
use crate::evaluate::Mean;
use crate::files::write_bytes_atomically;
use crate::report::{Best, Cell, Column, Comparison};

/// Fills in the text, and writes `comparison.md` and `comparison.json`.
pub(super) fn write(outcome: &mut Outcome, out: &Path) -> Result<()> {
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

/// What the table leaves to be said.
fn below(outcome: &Outcome) -> String {
    let quality = format!("Quality: a relative Fisher divergence of {}.", outcome.quality);
    let truth = match outcome.truth_log_likelihood {
        Some(Mean { value, std_err, .. }) => {
            format!("The truth has a held-out log-likelihood of {value:.4} ± {std_err:.4} nats. {quality}\n")
        }
        None => String::new(),
    };
    let failed = outcome.failed.iter().map(|failed| format!("Not compared: {}.\n", failed.why));
    let notes = outcome.compared.iter().flat_map(|compared| {
        let Measured { log_likelihood_left_out, warnings, .. } = &compared.measured;
        let left_out = log_likelihood_left_out.iter().map(|why| format!("no log-likelihood: {why}"));
        left_out.chain(warnings.iter().cloned()).map(|note| format!("{}: {note}.\n", compared.name))
    });
    notes.fold(truth + &failed.collect::<String>(), |text, note| text + &note)
}

fn table(outcome: &Outcome) -> Result<Comparison> {
    let columns = vec![
        Column::new("time per step", "ms", Best::Lowest),
        Column::new("training", "s", Best::None),
        Column::new("time to quality", "s", Best::Lowest),
        Column::new("relative Fisher divergence", "", Best::Lowest),
        Column::new("score matching loss", "", Best::Lowest),
        Column::new("log Z", "nats", Best::None),
        Column::new("log Z in reverse", "nats", Best::None),
        Column::new("learnt log Z - log Z", "nats", Best::None),
        Column::new("held-out log-likelihood", "nats", Best::Highest),
        Column::new("held-out log-likelihood, lower bound", "nats", Best::Highest),
        Column::new("held-out bits per dimension", "", Best::Lowest),
    ];
    // A measure that applies to none is left out.
    let rows: Vec<Vec<Cell>> = outcome.compared.iter().map(cells).collect();
    let applies: Vec<bool> =
        (0..columns.len()).map(|at| rows.iter().any(|row| row[at] != Cell::Absent)).collect();
    let columns =
        columns.into_iter().zip(&applies).filter(|(_, applies)| **applies).map(|(column, _)| column);
    let mut table = Comparison::new("training", columns.collect());
    for (compared, row) in outcome.compared.iter().zip(rows) {
        let row = row.into_iter().zip(&applies).filter(|(_, applies)| **applies).map(|(cell, _)| cell);
        table.push(&compared.name, row.collect())?;
    }
    Ok(table)
}

fn cells(compared: &Compared) -> Vec<Cell> {
    let measured = &compared.measured;
    let or_absent = |value: Option<f64>| value.map_or(Cell::Absent, Cell::Value);
    let log_z = match (measured.log_z, measured.log_z_error) {
        (Some(log_z), Some(error)) => Cell::Measured(log_z, error),
        (log_z, _) => or_absent(log_z),
    };
    let likelihood = measured.log_likelihood;
    vec![
        Cell::Value(1e3 * compared.seconds / compared.steps.max(1) as f64),
        Cell::Value(compared.seconds),
        or_absent(compared.seconds_to_quality),
        or_absent(measured.fisher_divergence.map(|divergence| divergence.relative)),
        measured.score_matching_loss.map_or(Cell::Absent, |mean| Cell::Measured(mean.value, mean.std_err)),
        log_z,
        measured.reverse_log_z.map_or(Cell::Absent, |mean| Cell::Measured(mean.value, mean.std_err)),
        or_absent(measured.learnt_log_z_error),
        likelihood.map_or(Cell::Absent, |mean| Cell::Measured(mean.value, mean.std_err)),
        measured.log_likelihood_bound.map_or(Cell::Absent, |mean| Cell::Measured(mean.value, mean.std_err)),
        measured.bits_per_dim.map_or(Cell::Absent, |mean| Cell::Measured(mean.value, mean.std_err)),
    ]
}
