//! The table of a comparison, as Markdown and as text, beside its numbers: each cell in its place, the best
//! of each column marked.

use serde_json::Value;

use super::plain::by_hand::number;
use crate::common::Folder;

/// A column of the table: its heading, where its numbers stand, and whether the greatest is the best.
type Column = (&'static str, fn(&Value) -> Option<(f64, f64)>, Option<bool>);

fn at(measured: &Value, key: &str, error: &str) -> Option<(f64, f64)> {
    Some((measured[key].as_f64()?, measured[error].as_f64().unwrap_or(0.0)))
}

fn of_mean(mean: &Value) -> Option<(f64, f64)> {
    Some((mean["value"].as_f64()?, mean["standard_error"].as_f64()?))
}

const COLUMNS: [Column; 11] = [
    (
        "time per step [ms]",
        |one| Some((1e3 * number(&one["seconds"]) / number(&one["steps"]), 0.0)),
        Some(false),
    ),
    ("training [s]", |one| Some((number(&one["seconds"]), 0.0)), None),
    ("time to quality [s]", |one| Some((one["seconds_to_quality"].as_f64()?, 0.0)), Some(false)),
    (
        "relative Fisher divergence",
        |one| Some((one["measured"]["fisher_divergence"]["relative"].as_f64()?, 0.0)),
        Some(false),
    ),
    ("score matching loss", |one| of_mean(&one["measured"]["score_matching_loss"]), Some(false)),
    ("log Z [nats]", |one| at(&one["measured"], "log_z", "log_z_error"), None),
    ("log Z in reverse [nats]", |one| of_mean(&one["measured"]["reverse_log_z"]), None),
    ("learnt log Z - log Z [nats]", |one| at(&one["measured"], "learnt_log_z_error", "none"), None),
    ("held-out log-likelihood [nats]", |one| of_mean(&one["measured"]["log_likelihood"]), Some(true)),
    (
        "held-out log-likelihood, lower bound [nats]",
        |one| of_mean(&one["measured"]["log_likelihood_bound"]),
        Some(true),
    ),
    ("held-out bits per dimension", |one| of_mean(&one["measured"]["bits_per_dim"]), Some(false)),
];

/// What must be marked: no other value is better by more than two standard errors of the difference.
fn marks(cells: &[Option<(f64, f64)>], greatest: Option<bool>) -> Vec<bool> {
    let Some(greatest) = greatest else { return vec![false; cells.len()] };
    let sign = if greatest { -1.0 } else { 1.0 };
    let known: Vec<(f64, f64)> = cells.iter().flatten().copied().collect();
    let best = known.iter().fold((f64::INFINITY, 0.0), |best, cell| {
        if sign * cell.0 < sign * best.0 || best.0.is_infinite() { *cell } else { best }
    });
    let near = |cell: (f64, f64)| sign * (cell.0 - best.0) <= 2.0 * cell.1.hypot(best.1);
    cells.iter().map(|cell| known.len() > 1 && cell.is_some_and(near)).collect()
}

/// The Markdown file and the text say what the JSON says, and mark what is best.
pub fn assert_table(folder: &Folder, found: &Value) {
    let written = || -> Value { serde_json::from_str(&folder.text("out/comparison.json")).unwrap() };
    assert_eq!(written()["compared"], found["compared"], "the file's numbers are the answer's");
    let text = folder.succeed("compare compare.toml --out out").stdout;
    let again = written();
    assert_eq!(again["compared"], found["compared"], "nothing is trained anew");
    let all = again["compared"].as_array().unwrap();
    let markdown = folder.text("out/comparison.md");
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect()
    };
    let lines: Vec<Vec<String>> = markdown.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let columns: Vec<&Column> =
        COLUMNS.iter().filter(|(_, of, _)| all.iter().any(|one| of(one).is_some())).collect();
    let headings: Vec<&str> =
        std::iter::once("training").chain(columns.iter().map(|column| column.0)).collect();
    assert_eq!(lines[0], headings);
    for (row, one) in all.iter().enumerate() {
        assert_eq!(lines[2 + row][0], one["name"].as_str().unwrap());
    }
    for (number, (heading, of, greatest)) in columns.iter().enumerate() {
        let values: Vec<_> = all.iter().map(of).collect();
        let marks = marks(&values, *greatest);
        for (row, (value, mark)) in values.iter().zip(marks).enumerate() {
            let cell = &lines[2 + row][1 + number];
            let what = format!("{heading} of {}: {cell}", all[row]["name"]);
            assert_eq!(cell.starts_with("**"), mark, "marked as best: {what} among {values:?}");
            let plain = cell.trim_matches('*');
            let starred = format!("{}{plain}", if mark { "*" } else { " " });
            let line = text
                .lines()
                .find(|line| line.starts_with(&format!("{} ", all[row]["name"].as_str().unwrap())));
            assert!(line.unwrap().contains(&starred), "the text says the same: {what} in\n{text}");
            assert_cell(&what, plain, *value);
        }
    }
}

fn assert_cell(what: &str, cell: &str, value: Option<(f64, f64)>) {
    let Some((value, error)) = value else { return assert_eq!(cell, "-", "{what}") };
    let mut words = cell.split(" ± ").map(|word| word.parse::<f64>().unwrap_or_else(|_| panic!("{what}")));
    let shown = words.next().unwrap();
    // Four digits, or those that the error leaves.
    assert!((shown - value).abs() <= (6e-4 * value.abs()).max(0.06 * error), "{what}: expected {value}");
    match words.next() {
        Some(shown) => assert!((shown - error).abs() <= 0.06 * error, "{what}: expected an error of {error}"),
        None => assert_eq!(error, 0.0, "{what}: expected an error of {error}"),
    }
}
