//! What a command answers: readable lines or one JSON object on stdout; errors as one line on stderr.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use enscore::evaluate::{Evaluation, HeldOut, Mean, Refused, TwoSample};
use enscore::report::measured;
use enscore::text::{counted, decimal};
use enscore::{Error, Reason, Result};
use serde_json::{Map, Value, json};

/// The width of the names that begin lines.
const NAME: usize = 23;

/// The answer of a command, in both forms.
pub(crate) struct Answer {
    json: Value,
    text: String,
    /// Whether its warnings are said on stderr, too.
    warns: bool,
}

impl Answer {
    pub(crate) fn new(json: Value, text: String) -> Answer {
        Answer { json, text, warns: false }
    }

    /// The same with its warnings on stderr, too, where nobody sees them on stdout.
    pub(crate) fn warning_on_stderr(self) -> Answer {
        Answer { warns: true, ..self }
    }

    /// Prints it in one of its forms.
    pub(crate) fn print(&self, json: bool) -> Result<()> {
        if self.warns && !stdout().is_terminal() {
            let warnings = self.json.get("warnings").and_then(Value::as_array).into_iter().flatten();
            for warning in warnings.filter_map(Value::as_str) {
                // Where stderr is gone, they still stand in the answer.
                let _ = writeln!(stderr(), "enscore: warning: {warning}");
            }
        }
        if json { print(&format!("{}\n", self.json)) } else { print(&self.text) }
    }
}

/// Prints on stdout. A reader who has seen enough, as `head` does, is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(reason) if reason.kind() != ErrorKind::BrokenPipe => {
            Err(Error::run("can't write the answer").at("stdout").found_error(reason))
        }
        _ => Ok(()),
    }
}

/// Prints an error as one line on stderr; returns the code to exit with.
pub(crate) fn fail(error: &Error) -> ExitCode {
    // Where stderr is gone, the exit code still tells.
    let _ = writeln!(stderr(), "enscore: {error}");
    ExitCode::from(exit_code(error.reason))
}

/// 2 where the call or its input was refused, 128 + signal where a signal ended the run, 1 where it failed.
fn exit_code(reason: Reason) -> u8 {
    match reason {
        Reason::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(1),
        reason if reason.is_refusal() => 2,
        _ => 1,
    }
}

/// A path as JSON holds it: names that aren't UTF-8 are approximated.
pub(crate) fn text_of(path: &Path) -> String {
    path.display().to_string()
}

/// Readable lines, a name and a value each.
#[derive(Default)]
pub(crate) struct Lines(String);

impl Lines {
    pub(crate) fn line(mut self, name: &str, value: impl Display) -> Lines {
        // A longer name still has a gap behind it.
        let gap = if name.chars().count() < NAME { "" } else { "  " };
        self.0.push_str(&format!("{name:<NAME$}{gap}{value}\n"));
        self
    }

    /// A line for each warning.
    pub(crate) fn warnings(self, warnings: &[String]) -> Lines {
        warnings.iter().fold(self, |lines, warning| lines.line("warning", warning))
    }

    /// The same of warnings that stderr has shown already, where stdout is another place.
    pub(crate) fn shown_warnings(self, warnings: &[String]) -> Lines {
        if stdout().is_terminal() && stderr().is_terminal() { self } else { self.warnings(warnings) }
    }

    /// Where the report is, where there is one.
    pub(crate) fn report(self, report: Option<&Path>) -> Lines {
        match report {
            Some(report) => self.line("report", report.display()),
            None => self,
        }
    }

    /// The loss and the metrics of an evaluation, each metric beside its null value.
    pub(crate) fn evaluation(self, evaluation: &Evaluation) -> Lines {
        let affine = evaluation.affine.as_deref().map(mean);
        let beside =
            affine.map_or(String::new(), |affine| format!("; best affine network {}", decimal(affine, 4)));
        let lines = match &evaluation.loss {
            Some(loss) => self.line(
                if evaluation.held_out == HeldOut::Other { "loss" } else { "held-out loss" },
                format!(
                    "{} per dimension on {}{beside}",
                    measured(loss.loss_per_dim, Some(loss.std_err)),
                    counted(loss.rows, "row", "rows")
                ),
            ),
            None => self,
        };
        let lines = evaluation.figures.iter().fold(lines, |lines, figure| {
            let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
            let rows = counted(figure.rows, "row", "rows");
            let rows = if figure.rows > 0 { format!(" ({rows})") } else { String::new() };
            let value = measured(figure.value, figure.std_err);
            lines.line(&figure.label, format!("{value}{unit}{rows}"))
        });
        let lines = evaluation.metrics.iter().fold(lines, |lines, metric| {
            let [value, null] = [metric.value, metric.null].map(|value| decimal(value, 4));
            let text = format!("{value}, real against real {null} (n = {})", metric.n);
            lines.line(&metric.name, text)
        });
        let lines = evaluation.refused().iter().fold(lines, |lines, refused| {
            lines.line(&refused.label, format!("can't be computed: {}", refused.reason))
        });
        evaluation.notes.iter().fold(lines, |lines, note| lines.line("note", note))
    }

    pub(crate) fn text(self) -> String {
        self.0
    }
}

/// A mean with its standard error, where there is one.
pub(crate) fn with_error(mean: &Mean) -> String {
    measured(mean.value, mean.error())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The keys of an evaluation: `loss_per_dim`, `std_err`, `rows`, `levels` (null where the model was not
/// trained by denoising), `affine`, `figures`, `metrics`, `notes`. What can't be computed stands among the
/// figures and metrics with its `reason` instead of numbers.
pub(crate) fn evaluation_json(evaluation: &Evaluation) -> Map<String, Value> {
    let loss = evaluation.loss.as_ref();
    let numbers = |metric: &TwoSample| {
        json!({
            "value": metric.value, "null": metric.null, "null_std": metric.null_std, "n": metric.n,
            "larger_is_better": metric.larger_is_better,
        })
    };
    let mut metrics: Map<String, Value> =
        evaluation.metrics.iter().map(|metric| (metric.name.clone(), numbers(metric))).collect();
    metrics.extend(evaluation.refused_metrics.iter().map(|refused| (refused.id.clone(), without(refused))));
    let figures = evaluation.figures.iter().map(|figure| json!(figure));
    let figures: Vec<Value> = figures.chain(evaluation.refused_figures.iter().map(without)).collect();
    let level = |(i, level): (usize, &enscore::evaluate::LevelLoss)| {
        json!({
            "sigma": level.sigma, "loss": level.loss, "std_err": level.std_err,
            "affine": evaluation.affine.as_ref().map(|losses| losses[i]),
        })
    };
    let levels = loss.map(|loss| loss.levels.iter().enumerate().map(level).collect::<Vec<Value>>());
    [
        ("loss_per_dim", json!(loss.map(|loss| loss.loss_per_dim))),
        ("std_err", json!(loss.map(|loss| loss.std_err))),
        ("rows", json!(loss.map(|loss| loss.rows))),
        ("levels", json!(levels)),
        ("affine", json!(evaluation.affine.as_deref().map(mean))),
        ("figures", json!(figures)),
        ("metrics", Value::Object(metrics)),
        ("notes", json!(evaluation.notes)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_string(), value))
    .collect()
}

/// What can't be computed, with the reason.
fn without(refused: &Refused) -> Value {
    let Refused { id, label, reason } = refused;
    json!({ "id": id, "label": label, "value": Value::Null, "reason": reason })
}

/// `object` with the keys of `more` after its own.
pub(crate) fn merged(object: Value, more: Map<String, Value>) -> Value {
    match object {
        Value::Object(mut map) => {
            map.extend(more);
            Value::Object(map)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_refusals_failures_and_signals_apart() {
        for reason in [Reason::Input, Reason::Unreadable, Reason::Damaged, Reason::Newer, Reason::Executor] {
            assert_eq!(exit_code(reason), 2, "{reason:?}");
        }
        for reason in [Reason::Failed, Reason::Diverged, Reason::Unwritable] {
            assert_eq!(exit_code(reason), 1, "{reason:?}");
        }
        assert_eq!(exit_code(Reason::Interrupted(signal_hook::consts::SIGINT)), 130);
        assert_eq!(exit_code(Reason::Interrupted(signal_hook::consts::SIGTERM)), 143);
    }
}
