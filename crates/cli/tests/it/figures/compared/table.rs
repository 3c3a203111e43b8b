//! The table of a comparison, as Markdown and as text, beside its numbers: each cell in its place, the best
//! of each column marked.

use serde_json::Value;

use crate::common::Folder;
use crate::figures::plain::by_hand::number;

/// What a cell says: a number, the error beside it, the error by which it is ranked, and the null value with
/// its error.
#[derive(Clone, Copy, Debug, Default)]
struct Expected {
    value: f64,
    error: f64,
    doubt: f64,
    null: Option<(f64, f64)>,
}

/// A column of the table: its heading, where its numbers stand, and whether the greatest is the best.
type Column = (&'static str, fn(&Value) -> Option<Expected>, Option<bool>);

fn bare(value: f64) -> Expected {
    Expected { value, ..Expected::default() }
}

fn with_error(value: f64, error: f64) -> Expected {
    Expected { error, doubt: error, ..bare(value) }
}

fn of_mean(mean: &Value) -> Option<Expected> {
    Some(with_error(mean["value"].as_f64()?, mean["standard_error"].as_f64()?))
}

fn metric(one: &Value, name: &str) -> Option<Expected> {
    let metrics = one["sampled"]["metrics"].as_array()?;
    let found = metrics.iter().find(|metric| metric["name"].as_str().unwrap().starts_with(name))?;
    let [value, null, null_std] = ["value", "null", "null_std"].map(|key| number(&found[key]));
    Some(Expected { doubt: null_std, null: Some((null, null_std)), ..bare(value) })
}

const COLUMNS: [Column; 15] = [
    ("training [s]", |one| Some(bare(number(&one["seconds"]))), None),
    (
        "sampling 1,000 rows [s]",
        |one| {
            let sampled = &one["sampled"];
            Some(bare(sampled["seconds"].as_f64()? * 1000.0 / number(&sampled["samples"])))
        },
        None,
    ),
    (
        "held-out log-likelihood [nats]",
        |one| {
            let measured = &one["measured"];
            of_mean(&measured["log_likelihood"]).or(of_mean(&measured["log_likelihood_bound"]))
        },
        Some(true),
    ),
    ("held-out bits per dimension", |one| of_mean(&one["measured"]["bits_per_dim"]), Some(false)),
    ("Frechet distance (null)", |one| metric(one, "frechet_pca"), Some(false)),
    ("MMD² (null)", |one| metric(one, "mmd2"), Some(false)),
    ("precision (null)", |one| metric(one, "precision"), Some(true)),
    ("recall (null)", |one| metric(one, "recall"), Some(true)),
    (
        "relative Fisher divergence",
        |one| Some(bare(one["measured"]["fisher_divergence"]["relative"].as_f64()?)),
        Some(false),
    ),
    ("time to quality [s]", |one| Some(bare(one["seconds_to_quality"].as_f64()?)), Some(false)),
    (
        "time per step [ms]",
        |one| Some(bare(1e3 * number(&one["seconds"]) / number(&one["steps"]))),
        Some(false),
    ),
    ("score matching loss", |one| of_mean(&one["measured"]["score_matching_loss"]), Some(false)),
    (
        "log Z [nats]",
        |one| {
            let measured = &one["measured"];
            Some(with_error(measured["log_z"].as_f64()?, measured["log_z_error"].as_f64().unwrap_or(0.0)))
        },
        None,
    ),
    ("log Z in reverse [nats]", |one| of_mean(&one["measured"]["reverse_log_z"]), None),
    ("learnt log Z - log Z [nats]", |one| Some(bare(one["measured"]["learnt_log_z_error"].as_f64()?)), None),
];

/// The word and the sign of each kind of likelihood.
const KINDS: [(&str, &str, &str); 9] = [
    ("exact", "exact", ""),
    ("bound", "bound", "≥"),
    ("dequantised-bound", "bound (dequantised)", "≥"),
    ("quadrature", "log Z by quadrature", "≈"),
    ("annealed", "log Z estimated", "≈"),
    ("annealed-bound", "bound, log Z estimated", "⪆"),
    ("unknown", "none: log Z unknown", ""),
    ("score-alone", "none: a score", ""),
    ("samples-alone", "none: samples", ""),
];

/// What must be marked: no other value is better by more than two standard errors of the difference.
fn marks(cells: &[Option<Expected>], greatest: Option<bool>) -> Vec<bool> {
    let Some(greatest) = greatest else { return vec![false; cells.len()] };
    let cells: Vec<Option<(f64, f64)>> =
        cells.iter().map(|cell| cell.map(|cell| (cell.value, cell.doubt))).collect();
    let sign = if greatest { -1.0 } else { 1.0 };
    let known: Vec<(f64, f64)> = cells.iter().flatten().copied().collect();
    let best = known.iter().fold((f64::INFINITY, 0.0), |best, cell| {
        if sign * cell.0 < sign * best.0 || best.0.is_infinite() { *cell } else { best }
    });
    let near = |cell: (f64, f64)| sign * (cell.0 - best.0) <= 2.0 * cell.1.hypot(best.1);
    cells.into_iter().map(|cell| known.len() > 1 && cell.is_some_and(near)).collect()
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
    let headings: Vec<&str> = ["training", "parameters", "likelihood"]
        .into_iter()
        .chain(columns.iter().map(|column| column.0))
        .collect();
    assert_eq!(lines[0], headings);
    for (row, one) in all.iter().enumerate() {
        let line = &lines[2 + row];
        let kind = KINDS.iter().find(|kind| one["measured"]["likelihood"] == kind.0).unwrap();
        assert_eq!(
            line[..3],
            [one["name"].as_str().unwrap(), one["parameters"].to_string().as_str(), kind.1]
        );
    }
    for (number, (heading, of, greatest)) in columns.iter().enumerate() {
        let values: Vec<_> = all.iter().map(of).collect();
        let marks = marks(&values, *greatest);
        for (row, (value, mark)) in values.iter().zip(marks).enumerate() {
            let cell = &lines[2 + row][3 + number];
            let name = all[row]["name"].as_str().unwrap();
            let what = format!("{heading} of {name}: {cell}");
            assert_eq!(cell.starts_with("**"), mark, "marked as best: {what} among {values:?}");
            let plain = cell.trim_matches('*');
            let starred = format!("{}{plain}", if mark { "*" } else { " " });
            let mut of_name = text.lines().filter(|line| line.starts_with(&format!("{name} ")));
            assert!(of_name.any(|line| line.contains(&starred)), "the text says the same: {what} in\n{text}");
            let kind = KINDS.iter().find(|kind| all[row]["measured"]["likelihood"] == kind.0).unwrap();
            let sign = match *heading {
                "held-out log-likelihood [nats]" => kind.2,
                "held-out bits per dimension" if kind.2 == "≥" => "≤",
                _ => "",
            };
            assert_cell(&what, plain, sign, *value);
        }
    }
}

fn assert_cell(what: &str, cell: &str, sign: &str, expected: Option<Expected>) {
    let Some(Expected { value, error, null, .. }) = expected else { return assert_eq!(cell, "-", "{what}") };
    let gap = if sign.is_empty() { "" } else { " " };
    let unsigned = cell.strip_prefix(&format!("{sign}{gap}")).unwrap_or_else(|| panic!("{what}: no {sign}"));
    let (own, beside) = match unsigned.split_once(" (") {
        Some((own, beside)) => (own, Some(beside.trim_end_matches(')'))),
        None => (unsigned, None),
    };
    assert_number(what, own, value, error);
    assert_eq!(beside.is_some(), null.is_some(), "{what}");
    if let Some((beside, (null, error))) = beside.zip(null) {
        assert_number(&format!("null of {what}"), beside, null, error);
    }
}

fn assert_number(what: &str, text: &str, value: f64, error: f64) {
    let mut words = text.split(" ± ").map(|word| word.parse::<f64>().unwrap_or_else(|_| panic!("{what}")));
    let shown = words.next().unwrap();
    // Four digits, or those that the error leaves.
    assert!((shown - value).abs() <= (6e-4 * value.abs()).max(0.06 * error), "{what}: expected {value}");
    match words.next() {
        Some(shown) => assert!((shown - error).abs() <= 0.06 * error, "{what}: expected an error of {error}"),
        None => assert_eq!(error, 0.0, "{what}: expected an error of {error}"),
    }
}
