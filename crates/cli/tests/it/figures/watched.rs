//! What a training says of itself: the lines of metrics.jsonl that watch machines, and the answer at its end.

use serde_json::Value;

use super::plain::by_hand::{AVERAGED, ByHand, Rows, assert_close, number};
use super::plain::expected::figures;
use super::plain::trained::{folder, train};
use crate::common::Folder;

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The line of the validation at this step.
fn line(folder: &Folder, run: &str, step: u64) -> Value {
    let lines = folder.metrics(run);
    let found = lines.iter().find(|line| line["step"] == step && line.get("free_energy_gap").is_some());
    found.unwrap_or_else(|| panic!("{run}: nothing is watched at step {step}")).clone()
}

/// Each number at a validation, with the averaged weights of that step.
fn assert_watched(folder: &Folder, run: &str, step: u64) {
    let line = line(folder, run, step);
    let hand = ByHand::open_at(folder, run, AVERAGED, step);
    let (training, held_out) = (hand.learnt_from(), hand.own_held_out());
    let [inside, outside] = [&training, &held_out].map(|rows| mean(&hand.log_densities(rows)));
    let said = |key: &str| number(&line[key]);
    let what = |key: &str| format!("{run}, step {step}, {key}");
    assert_close(&what("log_density_training"), said("log_density_training"), inside);
    assert_close(&what("log_density_validation"), said("log_density_validation"), outside);
    assert_close(&what("free_energy_gap"), said("free_energy_gap"), inside - outside);
    let figures = figures(&hand, &training, &held_out, 0, None, &Value::Null);
    let value = |start: &str| figures.iter().find(|figure| figure.name.starts_with(start)).map(|f| f.value);
    let error = value("reconstruction error").unwrap();
    assert_close(&what("reconstruction error"), said("validation_reconstruction_error"), error);
    match value("pseudo-log-likelihood") {
        Some(pseudo) => assert_close(&what("pseudo"), said("pseudo_log_likelihood"), pseudo),
        None => assert!(line.get("pseudo_log_likelihood").is_none(), "{line}"),
    }
}

#[test]
fn machines_are_watched_on_training_and_validation_rows() {
    let folder = folder();
    for run in ["rbm-tempered", "rbm-gaussian", "dbm-pretrained"] {
        // In parts: of older checkpoints only few are kept.
        for (step, more) in [(4, ""), (8, "--resume"), (12, "--resume")] {
            train(&folder, run, run, &format!("--set train.steps={step} {more}"));
            assert_watched(&folder, run, step);
        }
    }
}

/// At most 512 rows of each kind are watched, and at most 128 of them for the pseudo-log-likelihood: no whole
/// batches of 64.
#[test]
fn large_data_are_watched_on_their_first_rows() {
    let folder = folder();
    let rows = 1210;
    let table: String = (0..rows as u32)
        .map(|i| {
            let word = i.wrapping_mul(2_246_822_519) >> 9;
            (0..6).map(|bit| (word >> bit & 1).to_string()).collect::<Vec<_>>().join(",") + "\n"
        })
        .collect();
    folder.write("bits.csv", format!("u,v,w,x,y,z\n{table}").as_bytes());
    // 140 rows are held out, two batches of 64 and a short one; the pseudo-log-likelihood takes 128 of them.
    train(&folder, "rbm-tempered", "run", "--set data.validation=0.1157 --set train.checkpoint_every=4");
    let line = line(&folder, "run", 12);
    let hand = ByHand::open_at(&folder, "run", AVERAGED, 12);
    let (training, held_out) = (hand.learnt_from(), hand.own_held_out());
    assert_eq!((held_out.len(), training.len()), (140, rows - 140));
    let few = training[..512].to_vec();
    assert_close("training", number(&line["log_density_training"]), mean(&hand.log_densities(&few)));
    assert_close("validation", number(&line["log_density_validation"]), mean(&hand.log_densities(&held_out)));
    let value = |rows: &Rows, start: &str| {
        let figures = figures(&hand, &few, rows, 0, None, &Value::Null);
        figures.iter().find(|figure| figure.name.starts_with(start)).unwrap().value
    };
    let error = value(&held_out, "reconstruction error");
    assert_close("reconstruction error", number(&line["validation_reconstruction_error"]), error);
    let pseudo = value(&held_out[..128].to_vec(), "pseudo-log-likelihood");
    assert_close("pseudo-log-likelihood", number(&line["pseudo_log_likelihood"]), pseudo);
}

/// What an objective reports first, by family.
const LOSSES: [(&str, &str); 6] = [
    ("ncsn-mlp", "loss_per_dim"),
    ("nce-energy", "contrast"),
    ("fce-energy", "contrast"),
    ("cd-data", "energy_gap"),
    ("ml-flow", "loss_per_dim"),
    ("rbm-tempered", "energy_gap"),
];

#[test]
fn a_training_ends_with_its_last_losses_under_their_name() {
    let folder = folder();
    for (name, loss) in LOSSES {
        train(&folder, name, name, "--set train.steps=3");
        let data = format!(
            "--set data.path={}",
            folder.path(if name.starts_with("rbm") { "bits.csv" } else { "points.csv" }).display()
        );
        let command = format!("train {name}.toml --out {name} --no-report --resume {data}");
        let steps = ByHand::open(&folder, name, AVERAGED).settings.train().steps;
        assert_eq!(steps, 3);
        let found = folder.succeed(&format!("{command} --set train.steps=9 --json")).json();
        assert_eq!((&found["step"], &found["steps"]), (&9.into(), &9.into()), "{name}");
        assert_eq!((&found["run"], &found["loss_name"]), (&name.into(), &loss.into()), "{name}");
        assert!(found["evaluation"].is_null() && found["report"].is_null(), "{name}: {found}");
        let lines = folder.metrics(name);
        let last = |key: &str| lines.iter().rev().find_map(|line| line.get(key)?.as_f64());
        assert_eq!(found["loss_per_dim"].as_f64(), last("loss_per_dim"), "{name}");
        assert_eq!(found["validation_loss_per_dim"].as_f64(), last("validation_loss_per_dim"), "{name}");
        assert!(found["seconds"].as_f64().unwrap() > 0.0);
        assert_text(&folder, name, loss, &found, &format!("{command} --set train.steps=9"));
    }
}

/// A training that is done says again what it came to.
fn assert_text(folder: &Folder, name: &str, loss: &str, found: &Value, command: &str) {
    let text = folder.succeed(command).stdout;
    let again = folder.succeed(&format!("{command} --json")).json();
    let unit = if loss == "loss_per_dim" { " per dimension" } else { "" };
    let said = if loss == "loss_per_dim" { "loss".to_string() } else { loss.replace('_', " ") };
    for (rows, key) in [("training", "loss_per_dim"), ("validation", "validation_loss_per_dim")] {
        let line = text.lines().find(|line| line.starts_with(&format!("{rows} {said} ")));
        match again[key].as_f64() {
            Some(value) => assert!(line.unwrap().ends_with(&format!(" {value:.4}{unit}")), "{name}: {text}"),
            None => assert!(line.is_none(), "{name}: {text}"),
        }
    }
    let steps = text.lines().find(|line| line.starts_with("steps ")).unwrap();
    assert!(steps.contains(&format!(" {} of {} in ", found["step"], found["steps"])), "{name}: {text}");
}
