//! A run that was stopped and resumed beside one that was not: the bytes of the checkpoint and every line of
//! metrics, for stops after each step. Among these are the turns of both players of a game, the middle of a
//! logging window and of an epoch, every step of a stage of pretraining and the first one after it.

use crate::common::families::FAMILIES;
use crate::common::runs::Folder;

#[test]
fn a_run_resumed_after_any_step_is_the_uninterrupted_one() {
    let folder = Folder::new();
    for family in &FAMILIES {
        let name = family.name;
        let settings = folder.of_family(family, &[]);
        let whole = folder.train(&format!("{name} whole"), &settings);
        let steps = settings.train().steps;
        for stop in 1..steps {
            let run = format!("{name} stopped after {stop}");
            folder.stopped(&run, &settings, stop);
            let resumed = folder.resumed(&run, &settings);
            assert!(resumed.state(steps) == whole.state(steps), "{run}: another state");
            assert_eq!(resumed.metrics(), whole.metrics(), "{run}");
        }
    }
}

/// The families that the test above goes through have the boundaries that it is about.
#[test]
fn the_families_have_every_kind_of_boundary() {
    let folder = Folder::new();
    let game = folder.settings("fce-energy", &[]);
    let whole = folder.train("game", &game);
    let turns: Vec<bool> = (1..game.train().steps)
        .map(|stop| {
            let run = folder.stopped(&format!("game {stop}"), &game, stop);
            run.tensors_at(stop).contains_key("objective.turn")
        })
        .collect();
    assert!(
        turns.contains(&true) && turns.contains(&false),
        "each player's turn is next somewhere: {turns:?}"
    );
    assert!(whole.metrics().len() > 1);
    let deep = folder.settings("dbm-pretrained", &[]);
    let stages = folder.stopped("deep", &deep, 2).tensors_at(2);
    assert!(stages.keys().any(|name| name.starts_with("moment1.")));
    for family in &FAMILIES {
        let settings = folder.of_family(family, &[]);
        let train = settings.train();
        assert!(train.log_every > 1, "{}: there is a middle of a logging window", family.name);
        assert!(train.steps > train.log_every, "{}: there is more than one line", family.name);
    }
}

/// A training that was shorter than the one it becomes: the lines that its last step brought are no lines of
/// the longer one.
#[test]
fn a_lengthened_training_writes_the_lines_of_the_longer_one() {
    let folder = Folder::new();
    for name in ["ncsn-mlp", "cd-persistent", "fce-energy"] {
        let settings = |steps: &str| {
            let changes = [steps, "train.log_every=5", "train.validate_every=4", "optimiser.decay=none"];
            folder.settings(name, &changes)
        };
        let whole = folder.train(&format!("{name} whole"), &settings("train.steps=12"));
        let run = format!("{name} lengthened");
        let short = folder.train(&run, &settings("train.steps=7"));
        assert!(short.metrics().iter().any(|row| row["step"] == 7), "{name}: the last step has its line");
        // A finished training that is resumed keeps them.
        let again = folder.resumed(&run, &settings("train.steps=7"));
        assert_eq!(again.metrics(), short.metrics(), "{name}");
        let long = folder.resumed(&run, &settings("train.steps=12"));
        assert_eq!(long.metrics(), whole.metrics(), "{name}");
    }
}

/// A killed training goes on from its last checkpoint, whatever lines it wrote after it.
#[test]
fn lines_after_the_last_checkpoint_are_written_anew() {
    let folder = Folder::new();
    let settings = folder.settings("ncsn-mlp", &["train.log_every=1"]);
    let whole = folder.train("whole", &settings);
    folder.stopped("killed", &settings, 6);
    // As a kill after step 9 would leave it: the checkpoint of step 6, lines up to 9.
    let path = folder.path("killed/metrics.jsonl");
    let mut text = std::fs::read_to_string(&path).unwrap();
    for step in 7..10 {
        text.push_str(&format!("{{\"step\":{step},\"loss\":1e9}}\n"));
    }
    text.push_str("{\"step\":10,\"lo");
    std::fs::write(&path, text).unwrap();
    let resumed = folder.resumed("killed", &settings);
    assert_eq!(resumed.metrics(), whole.metrics());
}

/// Seconds go on where they stopped: the wall time of all parts together is limited.
#[test]
fn the_seconds_of_all_parts_are_added_up() {
    let folder = Folder::new();
    let settings = folder.settings("ncsn-mlp", &[]);
    let first = folder.ask("run", &settings, false, Some(6)).unwrap().seconds;
    let manifest = folder.path("run/checkpoints/step-000000006/manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(record["seconds"].as_f64().unwrap() <= first);
    record["seconds"] = serde_json::json!(1000.0);
    std::fs::write(&manifest, record.to_string()).unwrap();
    let outcome = folder.ask("run", &settings, true, None).unwrap();
    assert!((1000.0..1100.0).contains(&outcome.seconds), "{}", outcome.seconds);
    let limited = folder.settings("ncsn-mlp", &["train.wall_time_minutes=10", "train.steps=20"]);
    let outcome = folder.ask("run", &limited, true, None).unwrap();
    assert_eq!(outcome.step, 12, "a thousand seconds are more than ten minutes");
}
