//! What the options of `enscore evaluate` change, and what they leave alone.

use serde_json::{Value, json};

use super::evaluation::{assert_figures, assert_losses};
use super::plain::by_hand::{AVERAGED, ByHand, assert_close, assert_same_error, number};
use super::plain::expected::{Figure, auroc, figures};
use super::plain::trained::{folder, more_rows, train};
use crate::common::Folder;

/// Where two answers differ.
fn differing(a: &Value, b: &Value) -> Vec<String> {
    let (a, b) = (a.as_object().unwrap(), b.as_object().unwrap());
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    a.iter().filter(|(key, value)| **value != b[*key]).map(|(key, _)| key.clone()).collect()
}

fn evaluate(folder: &Folder, options: &str) -> Value {
    folder.succeed(&format!("evaluate run --json {options}")).json()
}

#[test]
fn each_option_changes_its_own_figures_alone() {
    let folder = folder();
    train(&folder, "ncsn-mlp", "run", "");
    let data = format!("--data {}", more_rows(&folder, "ncsn-mlp").unwrap());
    let usual = evaluate(&folder, &format!("{data} --samples 9"));
    let noise = ["loss_per_dim", "std_err", "levels"];
    for (options, changed) in [
        ("--samples 9 --seed 0", vec![]),
        ("--samples 9 --seed 1", vec!["seed", noise[0], noise[1], noise[2], "metrics"]),
        ("--samples 9 --max-rows 33", vec![noise[0], noise[1], "rows", noise[2], "affine"]),
        ("--samples 8", vec!["metrics"]),
        ("--samples 9 --metrics mmd", vec!["metrics"]),
        ("--samples 9 --set sampler.steps_per_level=2", vec!["metrics"]),
        ("--samples 9 --set sampler.step_size=1e-4", vec!["metrics"]),
        ("--samples 9 --set sampler.denoise=false", vec!["metrics"]),
        ("--set sampler.count=9", vec![]),
        ("", vec!["metrics"]),
    ] {
        let found = evaluate(&folder, &format!("{data} {options}"));
        assert_eq!(differing(&usual, &found), changed, "changed by {options:?}");
    }
    let raw = evaluate(&folder, &format!("{data} --samples 9 --set sampler.weights=raw"));
    assert_eq!(differing(&usual, &raw), [noise[0], noise[1], noise[2], "metrics"], "changed by raw weights");
    let own = evaluate(&folder, "--samples 9");
    let changed = [noise[0], noise[1], "rows", noise[2], "affine", "metrics", "held_out"];
    assert_eq!(differing(&usual, &own), changed, "changed by other rows");
}

/// Rows that a run held out for testing or for validation, the test split of its source, and other data.
#[test]
fn held_out_rows_are_those_that_the_run_did_not_learn_from() {
    let folder = folder();
    for (name, origin, count) in
        [("ncsn-mlp", "validation", 3), ("sm-dkef", "test", 6), ("ncsn-unet", "test", 297)]
    {
        train(&folder, name, name, "");
        let few = if count > 29 { "--max-rows 5" } else { "" };
        let found = folder.succeed(&format!("evaluate {name} --samples 0 --seed 3 --json {few}")).json();
        assert_eq!(found["held_out"], origin, "{name}");
        let hand = ByHand::open(&folder, name, AVERAGED);
        let held_out = match count {
            297 => hand.rows_of_source("digits"),
            _ => hand.own_held_out(),
        };
        assert_eq!(held_out.len(), count, "{name}");
        let training = hand.learnt_from();
        assert!(count > 29 || held_out.iter().all(|row| !training.contains(row)), "{name}");
        let taken = held_out[..if count > 29 { 5 } else { count }].to_vec();
        assert_losses(name, &found, &hand, &training, &taken, 3);
        assert_figures(name, &found, &figures(&hand, &training, &taken, 3, None, &found));
    }
}

#[test]
fn the_area_under_the_curve_is_that_of_all_pairs() {
    let folder = folder();
    train(&folder, "cd-persistent", "run", "");
    let other: String = (0..41).map(|i| format!("{:.3},{:.3}\n", 0.05 * f64::from(i) - 1.0, 0.3)).collect();
    folder.write("other.csv", format!("a,b\n{other}").as_bytes());
    let source = more_rows(&folder, "cd-persistent").unwrap();
    let found = evaluate(&folder, &format!("--samples 0 --data {source} --against other.csv --max-rows 301"));
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let other = folder.path("other.csv").display().to_string();
    let inside = hand.log_densities(&hand.rows_of_source(&source)[..301]);
    let (area, error) = auroc(&inside, &hand.log_densities(&hand.rows_of_source(&other)));
    let figures = found["figures"].as_array().unwrap();
    let figure = figures.iter().find(|figure| figure["id"] == "auroc").unwrap();
    assert_eq!(figure["name"], "AUROC of rows of more_points.csv against other.csv");
    assert!(area > 0.05 && (area - 0.5).abs() > 0.02, "an area that tells its sides apart: {area}");
    assert_close("area", number(&figure["value"]), area);
    assert_same_error("its error", number(&figure["std_err"]), error);
    assert_eq!(figure["rows"], json!(301 + 41));
}

/// Every figure, each over at most this many rows of a kind.
#[test]
fn at_most_so_many_rows_are_taken_of_each_kind() {
    let folder = folder();
    train(&folder, "rbm-tempered", "run", "");
    let source = more_rows(&folder, "rbm-tempered").unwrap();
    let found = evaluate(&folder, &format!("--samples 0 --data {source} --max-rows 11"));
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let few = |rows: Vec<Vec<f64>>| rows[..11].to_vec();
    let (training, held_out) = (few(hand.learnt_from()), few(hand.rows_of_source(&source)));
    assert_figures("eleven rows", &found, &figures(&hand, &training, &held_out, 0, None, &found));
}

/// A unit is flipped at a time, which is dear: at most a thousand rows are taken for the
/// pseudo-log-likelihood.
#[test]
fn pseudo_likelihoods_take_a_thousand_rows() {
    let folder = folder();
    train(&folder, "rbm-tempered", "run", "");
    let bits = folder.text("more_bits.csv");
    let rows: String = bits.lines().skip(1).cycle().take(1090).map(|line| format!("{line}\n")).collect();
    folder.write("many.csv", rows.as_bytes());
    let source = folder.path("many.csv").display().to_string();
    let found = evaluate(&folder, &format!("--samples 0 --data {source}"));
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let rows = hand.rows_of_source(&source);
    let all = figures(&hand, &hand.learnt_from(), &rows, 0, None, &found);
    let few = figures(&hand, &hand.learnt_from(), &rows[..1000].to_vec(), 0, None, &found);
    let pseudo = |figure: &Figure| figure.name.starts_with("pseudo");
    let of_each = |(all, few): (Figure, Figure)| if pseudo(&all) { few } else { all };
    let expected: Vec<Figure> = all.into_iter().zip(few).map(of_each).collect();
    assert_figures("many rows", &found, &expected);
}

/// A training's report takes 64 samples and at most 2000 rows.
#[test]
fn the_evaluation_at_the_end_of_a_training_is_that_of_the_command() {
    let folder = folder();
    for name in ["ncsn-mlp", "rbm-tempered"] {
        folder.write("run.toml", super::plain::trained::settings(name).as_bytes());
        let data = super::plain::trained::data(&folder, name);
        let options = "--set data.validation=0.3";
        let trained =
            folder.succeed(&format!("train run.toml --out {name} --set {data} {options} --json")).json();
        let command = format!("evaluate {name} --samples 64 --max-rows 2000");
        let found = folder.succeed(&format!("{command} --json")).json();
        for (key, value) in trained["evaluation"].as_object().unwrap() {
            assert_eq!(*value, found[key], "{name}: {key} after the training");
        }
        assert_eq!(trained["report"], found["report"], "{name}");
        let text = folder.succeed(&format!("train run.toml --out {name}-text --set {data} {options}")).stdout;
        let evaluated = folder.succeed(&command).stdout;
        for line in evaluated.lines().filter(|line| !line.starts_with("run") && !line.starts_with("report")) {
            assert!(text.lines().any(|found| found == line), "{name}: no line {line} in\n{text}");
        }
    }
}
