//! Every family's training beside the same training written out plainly (`common/plain.rs`): every tensor of
//! the last checkpoint and every number of metrics.jsonl.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::common::plain::{Plain, Reported};
use crate::common::runs::{Folder, Run};
use crate::common::training::updated;

/// Single against double precision over a dozen steps.
const TOLERANCE: f64 = 2e-3;

fn close(found: f64, expected: f64, scale: f64) -> bool {
    (found - expected).abs() <= TOLERANCE * (scale + expected.abs())
}

/// Trains a family, with changes, and holds it against the plain loop.
fn hold(folder: &Folder, name: &str, changes: &[&str]) {
    let settings = folder.settings(name, changes);
    let run = folder.train(&format!("{name} {}", changes.join(" ")), &settings);
    let mut plain = Plain::new(&settings, run.path());
    let what = format!("{name} {changes:?}");
    let reported: Vec<Reported> = (0..settings.train().steps).map(|_| plain.step()).collect();
    same_tensors(&what, &run, &plain);
    same_metrics(&what, &run, &reported, settings.train().log_every);
}

fn same_tensors(what: &str, run: &Run, plain: &Plain) {
    let mut found = run.tensors();
    found.remove("stability.watch");
    let mut expected = plain.tensors();
    if let Some(chains) = plain.chains.as_ref().and_then(|chains| chains.saved()) {
        expected.insert("objective.chains".into(), chains);
    }
    // Whose turn it is needs no memory where it follows from the step.
    if plain.turn > 0 && plain.chains.is_none() && plain.by_accuracy() {
        expected.insert("objective.turn".into(), vec![plain.turn as f64]);
    }
    let names = |tensors: Vec<&String>| tensors.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(found.keys().collect()), names(expected.keys().collect()), "{what}");
    for (name, expected) in &expected {
        let found = &found[name];
        assert_eq!(found.len(), expected.len(), "{what}: {name}");
        let scale = expected.iter().fold(1e-4, |scale: f64, value| scale.max(value.abs()));
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            assert!(close(f64::from(*f), *e, scale), "{what}: {name}[{i}]: found {f}, expected {e}");
        }
    }
}

/// Each line has the means of what the steps since the last one reported, and the last step's learning rate.
fn same_metrics(what: &str, run: &Run, reported: &[Reported], every: u64) {
    let steps = reported.len() as u64;
    let lines: Vec<Map<String, Value>> =
        run.metrics().into_iter().filter(|row| row.contains_key("gradient_norm")).collect();
    let ends: Vec<u64> = (1..=steps).filter(|step| step.is_multiple_of(every) || *step == steps).collect();
    let found: Vec<u64> = lines.iter().map(|row| row["step"].as_u64().unwrap()).collect();
    assert_eq!(found, ends, "{what}: steps of the lines");
    let mut start = 0;
    for (line, end) in lines.iter().zip(ends) {
        let window = &reported[start as usize..end as usize];
        start = end;
        let mut expected: BTreeMap<String, f64> = BTreeMap::new();
        for name in window.iter().flat_map(|row| row.keys()) {
            let values: Vec<f64> = window.iter().filter_map(|row| row.get(name)).copied().collect();
            expected.insert(name.clone(), values.iter().sum::<f64>() / values.len() as f64);
        }
        expected.insert("learning_rate".into(), window.last().unwrap()["learning_rate"]);
        let mut names: Vec<&String> = line.keys().filter(|name| *name != "step").collect();
        names.sort();
        assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{what}: line of step {end}");
        for (name, expected) in &expected {
            let found = line[name].as_f64().unwrap();
            let scale = if name == "learning_rate" { 0.0 } else { 1.0 };
            assert!(
                close(found, *expected, scale),
                "{what}: {name} of step {end}: found {found}, expected {expected}"
            );
        }
    }
}

#[test]
fn every_family_trains_as_written_out() {
    let folder = Folder::new();
    // Passes of fits are tested against the cases of expectation maximisation.
    for family in updated() {
        hold(&folder, family.name, &[]);
    }
}

/// Every key of `[optimiser]`, each against the loop that reads it in plain sight.
#[test]
fn every_key_of_the_optimiser_acts_as_written_out() {
    let folder = Folder::new();
    for change in [
        "optimiser.kind=sgd",
        "optimiser.learning_rate=0.03",
        "optimiser.weight_decay=3",
        "optimiser.beta1=0.5",
        "optimiser.beta2=0.8",
        "optimiser.epsilon=0.1",
        "optimiser.warmup_steps=9",
        "optimiser.decay=linear",
        "optimiser.final_fraction=0.5",
        "optimiser.clip_norm=0.01",
        "optimiser.clip_norm=0",
        "optimiser.ema_decay=0.3",
    ] {
        hold(&folder, "ncsn-mlp", &[change]);
    }
    hold(&folder, "dsm-mlp", &["optimiser.momentum=0.9", "optimiser.weight_decay=2"]);
}

/// Keys of chains that decide where they start, how they move and what is learnt from them.
#[test]
fn every_key_of_the_chains_acts_as_written_out() {
    let folder = Folder::new();
    for change in [
        "objective.start=data",
        "objective.start=noise",
        "objective.start_noise=gaussian",
        "objective.steps=5",
        "objective.step_size=0.1",
        "objective.noise_std=0",
        "objective.buffer=9",
        "objective.restart=1",
        "objective.energy_l2=0",
        "objective.energy_l2=2",
        "objective.data_noise=0",
        "objective.data_noise=0.4",
    ] {
        hold(&folder, "cd-persistent", &[change]);
    }
    for change in [
        "objective.steps=1",
        "objective.chains=0",
        "objective.temperatures=1",
        "objective.temperatures=2",
        "objective.temperatures=4",
        "objective.centring=false",
    ] {
        hold(&folder, "rbm-tempered", &[change]);
    }
    for change in [
        "objective.start=persistent",
        "objective.start=data",
        "objective.pretrain_sweeps=3",
        "objective.pretrain_rate=0.5",
        "objective.pretrain_steps=[0, 4]",
    ] {
        let name = if change.contains("pretrain") { "dbm-pretrained" } else { "rbm-gaussian" };
        hold(&folder, name, &[change]);
    }
}
