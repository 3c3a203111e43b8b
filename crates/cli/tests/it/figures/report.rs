//! The report of a run: every number on the page beside the JSON, whose numbers are checked by hand, and the
//! run's own files.

use serde_json::Value;

use super::evaluation::shown_figure;
use super::plain::by_hand::{ByHand, number};
use super::plain::page::Page;
use super::plain::trained::{folder, train};
use crate::common::Folder;

/// Four significant digits.
fn assert_cell(what: &str, cell: &str, expected: f64) {
    let found: f64 = cell.parse().unwrap_or_else(|_| panic!("{what}: not a number: {cell}"));
    assert!((found - expected).abs() <= 6e-4 * expected.abs(), "{what}: shown {cell}, expected {expected}");
}

/// Everything on the report of a run whose evaluation was `found`.
pub fn assert_report(folder: &Folder, run: &str, hand: &ByHand, found: &Value) {
    let page = Page::of(folder, run);
    assert_metrics(run, &page, found);
    assert_levels(run, &page, found);
    assert_head(folder, run, &page, hand, found);
    assert_curves(folder, run, &page, found);
    assert_facts(folder, run, &page, hand);
}

fn assert_metrics(run: &str, page: &Page, found: &Value) {
    let table = page.table("Metrics");
    assert_eq!(table[0], ["metric", "value", "null value", "n"], "{run}");
    // Too few rows for fifth neighbours are said below the table.
    let metrics = found["metrics"].as_object().unwrap().iter();
    let metrics: Vec<_> = metrics.filter(|(_, metric)| metric["reason"].is_null()).collect();
    assert_eq!(table.len(), 1 + metrics.len(), "{run}: metrics");
    for (line, (name, metric)) in table[1..].iter().zip(metrics) {
        assert_eq!(line[0], *name, "{run}");
        assert_cell(&format!("{run}: value of {name}"), &line[1], number(&metric["value"]));
        assert_cell(&format!("{run}: null value of {name}"), &line[2], number(&metric["null"]));
        assert_eq!(line[3], metric["n"].to_string(), "{run}: n of {name}");
    }
}

fn assert_levels(run: &str, page: &Page, found: &Value) {
    let Some(levels) = found["levels"].as_array() else {
        assert!(page.section("Loss by noise level").is_none(), "{run}");
        return;
    };
    let table = page.table("Loss by noise level");
    assert_eq!(table[0], ["sigma", "loss", "best linear score"], "{run}");
    assert_eq!(table.len(), 1 + levels.len(), "{run}: levels");
    for (line, level) in table[1..].iter().zip(levels) {
        for (cell, key) in line.iter().zip(["sigma", "loss", "affine"]) {
            assert_cell(&format!("{run}: {key}"), cell, number(&level[key]));
        }
    }
}

/// Title, summary and tiles.
fn assert_head(folder: &Folder, run: &str, page: &Page, hand: &ByHand, found: &Value) {
    assert!(page.title().ends_with(&format!(" trained on {}", hand.data.name)), "{}", page.title());
    let mut tiles = Vec::new();
    let all = found["figures"].as_array().unwrap();
    let figures: Vec<&Value> = all.iter().filter(|figure| figure["reason"].is_null()).collect();
    let summary = match found["loss_per_dim"].as_f64() {
        Some(loss) => {
            let (tile, rows) = if found["held_out"] == "other" {
                ("loss per dimension on other data", "rows of other data")
            } else {
                ("held-out loss per dimension", "held-out rows")
            };
            tiles.push((tile.to_string(), format!("{loss:.4}")));
            let (error, affine) = (number(&found["std_err"]), number(&found["affine"]));
            format!(
                "After {} steps the loss per dimension on {} {rows} is {loss:.4} ± {error:.4}; the best affine network has {affine:.4}.",
                hand.step, found["rows"]
            )
        }
        None => {
            let said =
                |figure: &Value| format!("{} {}", figure["label"].as_str().unwrap(), shown_figure(figure));
            let said: Vec<String> = figures.iter().map(|figure| said(figure)).collect();
            let objective = hand.settings.objective().name();
            format!("After {} steps by {objective}: {}.", hand.step, said.join("; "))
        }
    };
    assert_eq!(page.summary(), summary, "{run}");
    for figure in figures {
        tiles.push((figure["label"].as_str().unwrap().to_string(), shown_figure(figure)));
    }
    if hand.temperature != 1.0 {
        tiles.push(("temperature of the chains".into(), format!("{:.4e}", hand.temperature)));
    }
    tiles.push(("steps".into(), hand.step.to_string()));
    let learnt = |name: &str| {
        !["ema.", "moment1.", "moment2.", "objective.", "stability.", "log."]
            .iter()
            .any(|other| name.starts_with(other))
    };
    let parameters: usize =
        hand.tensors.iter().filter(|(name, _)| learnt(name)).map(|(_, values)| values.len()).sum();
    tiles.push(("parameters".into(), parameters.to_string()));
    let seconds = seconds(folder, run, hand.step);
    tiles.push(("steps per second".into(), format!("{:.2}", hand.step as f64 / seconds)));
    if let Some((step, loss)) = lowest(&folder.metrics(run)) {
        let here = if step == hand.step { "the state of this report" } else { "kept beside the last state" };
        tiles.push(("lowest validation loss".into(), format!("{loss:.4} at step {step}, {here}")));
    }
    assert_eq!(page.tiles(), tiles, "{run}: tiles");
    let timing = &page.table("Timings")[1];
    assert_cell(&format!("{run}: seconds"), &timing[1], seconds);
    assert_eq!(timing[2], hand.step.to_string(), "{run}: steps");
    assert_cell(&format!("{run}: steps per second"), &timing[3], hand.step as f64 / seconds);
    let refused = |figure: &Value| {
        let reason = figure["reason"].as_str()?;
        Some(format!("{} can't be computed: {reason}", figure["label"].as_str()?))
    };
    // Chains of a model that was hardly trained need not arrive.
    let of_samples = |warning: &String| {
        ["the chains h", "the chains stay", "samples lie far"].iter().any(|text| warning.contains(text))
    };
    let others: Vec<String> = page.warnings().into_iter().filter(|warning| !of_samples(warning)).collect();
    let metrics = found["metrics"].as_object().unwrap().values();
    let of_metrics: Vec<&str> = metrics.filter_map(|metric| metric["label"].as_str()).collect();
    let few = "too few rows for their neighbours";
    let reason = |warning: &String| warning.starts_with(&of_metrics.join(", ")) && warning.contains(few);
    let (few, others): (Vec<String>, Vec<String>) = others.into_iter().partition(reason);
    assert_eq!(few.len(), usize::from(!of_metrics.is_empty()), "{run}: {few:?}");
    assert_eq!(others, all.iter().filter_map(refused).collect::<Vec<_>>(), "{run}");
}

/// Step and loss of the lowest validation.
fn lowest(lines: &[Value]) -> Option<(u64, f64)> {
    let validation =
        |line: &Value| Some((line["step"].as_u64()?, line.get("validation_loss_per_dim")?.as_f64()?));
    lines.iter().filter_map(validation).min_by(|a, b| a.1.total_cmp(&b.1))
}

/// What the newest checkpoint says of the clock.
fn seconds(folder: &Folder, run: &str, step: u64) -> f64 {
    let text = folder.text(&format!("{run}/checkpoints/step-{step:09}/manifest.json"));
    let manifest: Value = serde_json::from_str(&text).unwrap();
    number(&manifest["seconds"])
}

/// Each curve goes through the lines of metrics.jsonl.
fn assert_curves(folder: &Folder, run: &str, page: &Page, found: &Value) {
    let lines = folder.metrics(run);
    let column = |key: &str| -> Vec<(f64, f64)> {
        let point = |line: &Value| Some((line["step"].as_f64()?, line.get(key)?.as_f64()?));
        lines.iter().filter_map(point).collect()
    };
    let (loss, validation) = (column("loss_per_dim"), column("validation_loss_per_dim"));
    let log = loss.iter().chain(&validation).all(|(_, loss)| *loss > 0.0);
    let best = lowest(&lines).map(|(step, loss)| (step as f64, loss));
    let series = [loss, validation, best.into_iter().collect()];
    let series = series.into_iter().filter(|series| !series.is_empty()).collect::<Vec<_>>();
    page.chart("Loss over training").unwrap().assert_shows(&format!("{run}, loss"), &series, [false, log]);
    for (caption, key, log) in [
        ("Energy gap: mean log density of data minus that of chains", "energy_gap", false),
        (
            "Mean log density of training rows minus that of validation rows, with averaged weights",
            "free_energy_gap",
            false,
        ),
        ("Pseudo-log-likelihood of validation rows", "pseudo_log_likelihood", false),
        ("Reconstruction error of validation rows", "validation_reconstruction_error", false),
        ("Reconstruction error of training batches", "reconstruction_error", false),
        ("Acceptance rate of swaps between tempered chains", "swapped", false),
        ("Learnt log Z", "log_z", false),
        ("Accuracy of data against noise", "accuracy", false),
        ("Log-likelihood of the flow on training batches", "flow_log_likelihood", false),
        ("Learning rate", "learning_rate", false),
        ("Norm of the gradient", "gradient_norm", true),
    ] {
        let points = column(key);
        let changes = points.iter().any(|(_, value)| *value != points[0].1);
        match page.chart(caption) {
            None if !changes => {
                let said = page.text("Curves").contains("did not change");
                assert!(said || points.is_empty(), "{run}: {key} is constant and not said");
            }
            Some(chart) => chart.assert_shows(&format!("{run}, {key}"), &[points], [false, log]),
            None => panic!("{run}: {key} isn't drawn; drawn are {:?}", page.captions()),
        }
    }
    let levels = found["levels"].as_array().cloned().unwrap_or_default();
    let of = |key: &str| -> Vec<(f64, f64)> {
        levels.iter().map(|level| (number(&level["sigma"]), number(&level[key]))).collect()
    };
    if levels.len() > 1 {
        let chart = page.chart("Held-out loss per dimension at each noise level").unwrap();
        chart.assert_shows(&format!("{run}, levels"), &[of("loss"), of("affine")], [true, false]);
    }
}

fn assert_facts(folder: &Folder, run: &str, page: &Page, hand: &ByHand) {
    let fact = |heading: &str, name: &str| {
        let table = page.table(heading);
        let line = table.iter().find(|line| line[0] == name);
        line.unwrap_or_else(|| panic!("{run}: no {name} in {heading}"))[1].clone()
    };
    assert_eq!(fact("Data", "name"), hand.data.name, "{run}");
    assert_eq!(fact("Data", "training rows"), hand.learnt_from().len().to_string(), "{run}");
    assert_eq!(fact("Data", "row shape"), format!("{:?}", hand.data.row_shape), "{run}");
    assert_eq!(fact("Data", "fingerprint"), hand.data.fingerprint, "{run}");
    assert_cell(&format!("{run}: variance"), &fact("Data", "variance per element"), hand.data.variance);
    assert_eq!(fact("Environment", "seed"), hand.settings.train().seed.to_string(), "{run}");
    assert_eq!(fact("Environment", "enscore"), env!("CARGO_PKG_VERSION"), "{run}");
    let settings = page.text("Settings");
    // The last line of the file is its checksum.
    let own = folder.text(&format!("{run}/settings.toml"));
    let own = own.split("# sha256 ").next().unwrap();
    assert_eq!(settings.trim_end().trim_start_matches("Settings").trim(), own.trim(), "{run}: settings");
    assert_citations(run, page);
}

/// What is cited is what was used: each work stands there for its role.
fn assert_citations(run: &str, page: &Page) {
    let cited = page.text("Methods and data used");
    for (role, families) in ROLES {
        assert_eq!(cited.contains(role), families.contains(&run), "{run}: {role} in\n{cited}");
    }
    assert_eq!(cited.contains("[optimiser]"), run != "dsm-mlp", "{run}: Adam, unless it is plain descent");
}

const ROLES: [(&str, &[&str]); 17] = [
    ("[noise-conditional score network", &["ncsn-mlp", "ncsn-unet"]),
    ("[denoising score matching]", &["ncsn-mlp", "ncsn-unet", "dsm-mlp"]),
    ("[score matching]", &["sm-energy", "sm-dkef", "ssm-mlp", "ssm-residual"]),
    ("[sliced score matching]", &["ssm-mlp", "ssm-residual"]),
    (
        "[contrastive divergence]",
        &["cd-persistent", "cd-data", "cd-short-run", "rbm-tempered", "rbm-gaussian", "dbm-pretrained"],
    ),
    ("persistent Gibbs chains]", &["rbm-tempered", "dbm-pretrained"]),
    ("[parallel tempering", &["rbm-tempered"]),
    ("[centred gradients]", &["rbm-tempered", "dbm-pretrained"]),
    ("in a replay buffer]", &["cd-persistent", "cd-data", "cd-short-run"]),
    ("[noise contrastive estimation]", &["nce-energy", "fce-energy"]),
    ("[flow contrastive estimation]", &["fce-energy"]),
    ("[flow: affine couplings]", &["fce-energy", "ml-flow", "ml-image-flow"]),
    ("[energy: deep kernel exponential family]", &["sm-dkef"]),
    ("[energy: restricted Boltzmann machine]", &["rbm-tempered", "rbm-gaussian"]),
    ("[energy: deep Boltzmann machine", &["dbm-pretrained"]),
    ("[network: U-Net]", &["ncsn-unet"]),
    (
        "[metric: maximum mean discrepancy]",
        &[
            "ncsn-mlp",
            "dsm-mlp",
            "ssm-mlp",
            "ncsn-unet",
            "cd-short-run",
            "ssm-residual",
            "sm-energy",
            "sm-dkef",
            "nce-energy",
            "cd-persistent",
            "cd-data",
            "fce-energy",
            "ml-flow",
            "ml-image-flow",
            "rbm-tempered",
            "rbm-gaussian",
            "dbm-pretrained",
        ],
    ),
];

/// A long schedule is thinned evenly, from its first level to its last.
#[test]
fn a_report_shows_some_of_many_levels() {
    let folder = folder();
    train(&folder, "ncsn-mlp", "run", "--set objective.levels=30");
    let found = folder.succeed("evaluate run --samples 0 --json").json();
    let page = Page::of(&folder, "run");
    let table = page.table("Loss by noise level");
    assert_eq!(table.len(), 1 + 24);
    for (row, line) in table[1..].iter().enumerate() {
        let level = &found["levels"][row * 29 / 23];
        for (cell, key) in line.iter().zip(["sigma", "loss", "affine"]) {
            assert_cell(&format!("{key} of row {row}"), cell, number(&level[key]));
        }
    }
    assert!(page.text("Loss by noise level").contains("24 of 30 noise levels."));
}

/// What metrics.jsonl says of each return from divergence stands at the head of the page.
#[test]
fn returns_from_divergence_are_told() {
    let folder = folder();
    train(&folder, "cd-persistent", "run", WILD);
    folder.succeed("evaluate run --samples 0");
    let lines = folder.metrics("run");
    let told = |line: &Value| {
        let (why, scale) = (line.get("rollback")?.as_str()?, line["rate_scale"].as_f64()?);
        let (from, to) = (&line["rollback_from"], &line["step"]);
        Some(format!(
            "Diverged at step {from}: {why}. Resumed from step {to} with {scale:.2e} of the learning rate."
        ))
    };
    let expected: Vec<String> = lines.iter().filter_map(told).collect();
    assert!(!expected.is_empty(), "the training must diverge to test anything");
    assert_eq!(Page::of(&folder, "run").warnings(), expected);
}

/// A learning rate far too large.
const WILD: &str = "--set optimiser.learning_rate=1000 --set stability.rollbacks=9 --set train.steps=60 \
                    --set objective.noise_std=0 --set model.confinement=8";
