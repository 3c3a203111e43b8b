//! `enscore evaluate` of a run of every family: each number that it prints as JSON and as text, and nothing
//! besides.

use serde_json::Value;

use super::plain::by_hand::{
    AVERAGED, ByHand, FLOW, RAW, Rows, assert_close, assert_same_error, mean_and_error, number,
};
use super::plain::expected::{Figure, affine_loss, denoising_losses, figures};
use super::plain::trained::{folder, more_rows, train};
use crate::common::Folder;

const SEED: u64 = 7;
/// Held-out images, which are slow in double precision.
const IMAGES: usize = 21;

/// Where rows of images are concerned, few of them.
fn options(more: Option<&String>) -> String {
    match more {
        Some(source) => format!("--seed {SEED} --samples 5 --data {source}"),
        None => format!("--seed {SEED} --samples 5 --max-rows {IMAGES}"),
    }
}

fn rows(hand: &ByHand, more: Option<&String>) -> [Rows; 2] {
    match more {
        Some(source) => [hand.learnt_from(), hand.rows_of_source(source)],
        None => [hand.learnt_from(), hand.rows_of_source("digits")].map(|rows| rows[..IMAGES].to_vec()),
    }
}

/// A figure's name, where rows of data that were named are called held-out rows.
fn as_held_out(name: &str) -> String {
    let Some((before, after)) = name.split_once("of rows of ") else { return name.to_string() };
    let end = after.find([' ', ',']).unwrap_or(after.len());
    assert!(after[..end].ends_with(".csv"), "{name}");
    format!("{before}of held-out rows{}", &after[end..])
}

pub fn assert_figures(what: &str, found: &Value, expected: &[Figure]) {
    let all = found["figures"].as_array().unwrap();
    let found: Vec<&Value> = all.iter().filter(|figure| figure["reason"].is_null()).collect();
    let names: Vec<String> =
        found.iter().map(|figure| as_held_out(figure["name"].as_str().unwrap())).collect();
    let expected_names: Vec<&str> = expected.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(names, expected_names, "the figures of {what}");
    for (found, expected) in found.iter().zip(expected) {
        let name = format!("{what}, {}", expected.name);
        assert_close(&name, number(&found["value"]), expected.value);
        assert_eq!(found["rows"], expected.rows, "rows of {name}");
        match expected.std_err {
            // The error of a quadrature is a difference of values in single precision.
            Some(error) if expected.rows == 0 => {
                assert_close(&format!("error of {name}"), number(&found["std_err"]), error);
            }
            Some(error) => assert_same_error(&format!("error of {name}"), number(&found["std_err"]), error),
            None => assert!(found["std_err"].is_null(), "{name} has no error: {found}"),
        }
    }
}

/// The loss of a network trained by denoising, level by level, and of the best affine one on the training
/// rows.
pub fn assert_losses(what: &str, found: &Value, hand: &ByHand, training: &Rows, rows: &Rows, seed: u64) {
    let sigmas: Vec<f64> = match hand.settings.objective() {
        enscore::objective::ObjectiveSettings::Ncsn(ncsn) => {
            let ratio = (ncsn.sigma_min / ncsn.sigma_max).powf(1.0 / (ncsn.levels as f64 - 1.0));
            (0..ncsn.levels).map(|level| ncsn.sigma_max * ratio.powi(level as i32)).collect()
        }
        enscore::objective::ObjectiveSettings::Dsm(dsm) => vec![dsm.sigma],
        _ => {
            for key in ["loss_per_dim", "std_err", "rows", "levels", "affine"] {
                assert!(found[key].is_null(), "{what} has no {key}: {found}");
            }
            return;
        }
    };
    let levels = found["levels"].as_array().unwrap();
    assert_eq!(levels.len(), sigmas.len(), "levels of {what}");
    let mut means = vec![0.0; rows.len()];
    let mut affine = 0.0;
    for (level, (sigma, found)) in sigmas.iter().zip(levels).enumerate() {
        let name = format!("{what}, level {level}");
        let losses = denoising_losses(hand, rows, level, *sigma, seed);
        let (loss, error) = mean_and_error(&losses);
        let best = affine_loss(training, rows, *sigma);
        assert_close(&format!("{name}, sigma"), number(&found["sigma"]), *sigma);
        assert_close(&format!("{name}, loss"), number(&found["loss"]), loss);
        assert_same_error(&format!("{name}, std_err"), number(&found["std_err"]), error);
        assert_close(&format!("{name}, affine"), number(&found["affine"]), best);
        means.iter_mut().zip(&losses).for_each(|(mean, loss)| *mean += loss / sigmas.len() as f64);
        affine += best / sigmas.len() as f64;
    }
    let (loss, error) = mean_and_error(&means);
    assert_close(&format!("{what}, loss_per_dim"), number(&found["loss_per_dim"]), loss);
    assert_same_error(&format!("{what}, std_err"), number(&found["std_err"]), error);
    assert_close(&format!("{what}, affine"), number(&found["affine"]), affine);
    assert_eq!(found["rows"], rows.len(), "{what}, rows of the loss");
}

/// A value with its error, both to the second digit of the error.
pub fn shown(value: f64, error: Option<f64>) -> String {
    match error.filter(|error| *error > 0.0) {
        Some(error) => {
            let digits = (1..10).find(|digits| error * 10f64.powi(*digits) >= 10.0).unwrap_or(9) as usize;
            format!("{value:.digits$} ± {error:.digits$}")
        }
        None => format!("{value:.4}"),
    }
}

/// A figure of an answer with its error and unit.
pub fn shown_figure(figure: &Value) -> String {
    let text = shown(number(&figure["value"]), figure["std_err"].as_f64());
    format!("{text} {}", figure["unit"].as_str().unwrap()).trim_end().to_string()
}

/// The lines of the text form say what the JSON says, each number in its place.
pub fn assert_text(what: &str, text: &str, found: &Value) {
    let line = |name: &str, expected: String| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{what}: no line {name} in\n{text}"));
        assert_eq!(line[name.len()..].trim_start(), expected, "{what}: the line {name}");
    };
    let mut lines = 2;
    if found["loss_per_dim"].is_number() {
        let [loss, error] = ["loss_per_dim", "std_err"].map(|key| number(&found[key]));
        let affine = number(&found["affine"]);
        let text = format!(
            "{} per dimension on {} rows; best affine network {affine:.4}",
            shown(loss, Some(error)),
            found["rows"]
        );
        line(if found["held_out"] == "other" { "loss" } else { "held-out loss" }, text);
        lines += 1;
    }
    for figure in found["figures"].as_array().unwrap() {
        if let Some(reason) = figure["reason"].as_str() {
            line(figure["label"].as_str().unwrap(), format!("can't be computed: {reason}"));
            lines += 1;
            continue;
        }
        let rows = if figure["rows"] == 0 { String::new() } else { format!(" ({} rows)", figure["rows"]) };
        line(figure["label"].as_str().unwrap(), format!("{}{rows}", shown_figure(figure)));
        lines += 1;
    }
    let metrics = found["metrics"].as_object().unwrap();
    // Too few rows for fifth neighbours are said once.
    lines += usize::from(metrics.values().any(|metric| metric["reason"].is_string()));
    for (name, metric) in metrics.iter().filter(|(_, metric)| metric["reason"].is_null()) {
        let [value, null] = ["value", "null"].map(|key| number(&metric[key]));
        line(name, format!("{value:.4}, real against real {null:.4} (n = {})", metric["n"]));
        lines += 1;
    }
    lines += found["warnings"].as_array().unwrap().len();
    assert_eq!(text.lines().count(), lines, "{what}: nothing besides\n{text}");
}

/// Evaluates a family's run in both forms and compares all of it; `log_z` is kept before.
fn assert_family(folder: &Folder, name: &str) {
    let run = name;
    // Machines begin as independent units, whose figures hardly differ: they learn for longer.
    let machine = name.starts_with("rbm") || name.starts_with("dbm");
    train(folder, name, run, if machine { "--set train.steps=120" } else { "" });
    let more = more_rows(folder, name);
    let hand = ByHand::open(folder, run, AVERAGED);
    let [training, held_out] = rows(&hand, more.as_ref());
    let kept = hand.units().map(|_| {
        let found = folder.succeed(&format!("logz {run} --method exact --json")).json();
        number(&found["log_z"])
    });
    let command = format!("evaluate {run} {}", options(more.as_ref()));
    let found = folder.succeed(&format!("{command} --json")).json();
    let expected = figures(&hand, &training, &held_out, SEED, kept, &found);
    assert_figures(name, &found, &expected);
    assert_losses(name, &found, &hand, &hand.learnt_from(), &held_out, SEED);
    assert_eq!((&found["step"], &found["seed"]), (&hand.step.into(), &SEED.into()), "{name}");
    assert_eq!(found["held_out"], if more.is_some() { "other" } else { "test" }, "{name}");
    assert_text(name, &folder.succeed(&command).stdout, &found);
    super::report::assert_report(folder, run, &hand, &found);
}

#[test]
fn score_networks_say_of_rows_what_single_rows_say() {
    let folder = folder();
    ["ncsn-mlp", "dsm-mlp", "ssm-mlp"].iter().for_each(|name| assert_family(&folder, name));
}

#[test]
fn image_networks_say_of_rows_what_single_rows_say() {
    let folder = folder();
    ["ncsn-unet", "cd-short-run", "ssm-residual"].iter().for_each(|name| assert_family(&folder, name));
}

#[test]
fn fitted_energies_say_of_rows_what_single_rows_say() {
    let folder = folder();
    ["sm-energy", "sm-dkef", "nce-energy"].iter().for_each(|name| assert_family(&folder, name));
}

#[test]
fn energies_of_chains_say_of_rows_what_single_rows_say() {
    let folder = folder();
    ["cd-persistent", "cd-data", "fce-energy"].iter().for_each(|name| assert_family(&folder, name));
}

#[test]
fn flows_say_of_rows_what_single_rows_say() {
    let folder = folder();
    ["ml-flow", "ml-image-flow"].iter().for_each(|name| assert_family(&folder, name));
}

#[test]
fn machines_say_of_rows_what_single_rows_say() {
    let folder = folder();
    ["rbm-tempered", "rbm-gaussian", "dbm-pretrained"].iter().for_each(|name| assert_family(&folder, name));
}

/// The weights of the last step differ from their average, and the flow of a game from its energy.
#[test]
fn the_weights_that_are_asked_for_are_evaluated() {
    let folder = folder();
    for (name, set, prefix) in [
        ("nce-energy", "sampler.weights=raw", RAW),
        ("ncsn-mlp", "sampler.weights=raw", RAW),
        ("fce-energy", "sampler.kind=exact", FLOW),
    ] {
        train(&folder, name, name, "");
        let more = more_rows(&folder, name);
        let hand = ByHand::open(&folder, name, prefix);
        let [training, held_out] = rows(&hand, more.as_ref());
        let command = format!("evaluate {name} {} --set {set} --json", options(more.as_ref()));
        let found = folder.succeed(&command).json();
        let what = format!("{name} with {set}");
        assert_figures(&what, &found, &figures(&hand, &training, &held_out, SEED, None, &found));
        assert_losses(&what, &found, &hand, &training, &held_out, SEED);
    }
}

/// The noise of a contrast comes from the averaged weights of the flow that is named.
#[test]
fn energies_are_contrasted_with_the_flow_that_they_learnt_from() {
    let folder = folder();
    train(&folder, "ml-flow", "flow", "--set optimiser.learning_rate=0.05");
    let settings = super::plain::trained::settings("nce-energy")
        .replace("noise = 'mixture'\ncomponents = 2", "noise = 'flow'");
    folder.write("contrast.toml", settings.as_bytes());
    let data = super::plain::trained::data(&folder, "nce-energy");
    folder.succeed(&format!(
        "train contrast.toml --out run --no-report --set {data} --set objective.flow_run=flow"
    ));
    let more = more_rows(&folder, "nce-energy");
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let [training, held_out] = rows(&hand, more.as_ref());
    let found = folder.succeed(&format!("evaluate run {} --json", options(more.as_ref()))).json();
    assert_figures("noise of a flow", &found, &figures(&hand, &training, &held_out, SEED, None, &found));
}
