//! Keys of `[data]` and `[train]`.

use super::effects::Part::{
    Averages, Chains, Checkpoints, HeldOut, Lines, Pictures, Rates, Rows, Samples, Shapes, Shown, Start,
    Validation, Weights,
};
use super::effects::{LEARNT, Row, hold, row, see};
use crate::common::runs::{Folder, Run};
use enscore::settings::Settings;
use enscore::trained::Trained;

const OTHER_ROWS: [super::effects::Part; 7] = [Rows, HeldOut, Weights, Averages, Validation, Samples, Shown];

pub const DATA: &[Row] = &[
    row("data.name", "ml-flow", "two-moons", &[Rows, HeldOut, Weights, Averages, Validation, Samples, Shown]),
    row(
        "data.path",
        "ncsn-mlp",
        "FOLDER/bits.csv",
        &[Rows, HeldOut, Shapes, Start, Weights, Averages, Validation, Samples, Shown],
    ),
    row("data.validation", "ncsn-mlp", "0.3", &OTHER_ROWS),
    row("data.test_fraction", "ncsn-mlp", "0.2", &OTHER_ROWS),
    row("data.dequantise", "ncsn-unet", "false", &LEARNT),
    Row {
        key: "data.binarise",
        family: "ncsn-unet",
        value: "true",
        beside: &["data.dequantise=false"],
        changes: &OTHER_ROWS,
    },
    row("data.preprocess", "ssm-mlp", "whiten", &OTHER_ROWS),
    Row {
        key: "data.drop_correlated",
        family: "ssm-mlp",
        value: "0.3",
        beside: &["data.path=FOLDER/bits.csv"],
        changes: &[Rows, HeldOut, Shapes, Start, Weights, Averages, Validation, Samples, Shown],
    },
    row(
        "data.leave_out",
        "ssm-mlp",
        "['a']",
        &[Rows, HeldOut, Shapes, Start, Weights, Averages, Validation, Samples, Shown],
    ),
];

pub const TRAIN: &[Row] = &[
    row("train.steps", "dsm-mlp", "11", &[Weights, Averages, Lines, Validation, Checkpoints, Samples, Shown]),
    row("train.batch", "ncsn-mlp", "7", &LEARNT),
    row(
        "train.seed",
        "ncsn-mlp",
        "9",
        &[Rows, HeldOut, Start, Weights, Averages, Validation, Samples, Shown],
    ),
    row("train.checkpoint_every", "ncsn-mlp", "5", &[Checkpoints]),
    row("train.validate_every", "ncsn-mlp", "6", &[Validation]),
    row("train.validate_every", "rbm-tempered", "0", &[Validation]),
    row("train.sample_every", "ncsn-unet", "2", &[Pictures]),
    row("train.log_every", "ncsn-mlp", "4", &[Lines, Rates]),
    row("train.threads", "ncsn-unet", "3", &[]),
];

#[test]
fn keys_of_the_data_change_the_rows() {
    hold(DATA);
}

#[test]
fn keys_of_the_training_change_when_things_happen() {
    hold(TRAIN);
}

/// A training whose time is used up before its first step stops there, with a checkpoint.
#[test]
fn the_wall_time_ends_a_training() {
    let folder = Folder::new();
    let run = folder.train("run", &folder.settings("ncsn-mlp", &["train.wall_time_minutes=1e-9"]));
    assert_eq!(run.checkpoints(), [0]);
    let run = folder.train("long", &folder.settings("ncsn-mlp", &["train.wall_time_minutes=60"]));
    assert_eq!(run.checkpoints().last(), Some(&12));
}

/// Of an hour next to nothing is used up after a dozen steps, of which all are done.
#[test]
fn the_decay_follows_steps_or_time() {
    let folder = Folder::new();
    let rates = |run: &str, changes: &[&str]| {
        let settings = folder.settings("ncsn-mlp", changes);
        let found = folder.train(run, &settings).metric("learning_rate");
        found.last().unwrap().1 / settings.optimiser().learning_rate
    };
    let by_steps = rates("steps", &["train.wall_time_minutes=60", "train.decay_by=steps"]);
    let by_time = rates("time", &["train.wall_time_minutes=60", "train.decay_by=time"]);
    // After eleven of twelve steps half a cosine has 1.7 % left.
    assert!((by_steps - 0.017).abs() < 1e-3, "{by_steps}");
    assert!(by_time > 0.999, "{by_time}");
}

#[test]
fn a_training_beyond_the_memory_limit_is_refused() {
    let folder = Folder::new();
    let settings = folder.settings("ncsn-mlp", &["train.memory_limit_gib=1e-9"]);
    let error = folder.ask("run", &settings, false, None).unwrap_err();
    assert!(error.to_string().contains("train.memory_limit_gib"), "{error}");
    assert!(!folder.path("run").exists());
}

/// Updates so large that validations go up and down.
const WILD: [&str; 4] =
    ["optimiser.learning_rate=0.3", "train.validate_every=1", "optimiser.ema_decay=0", "train.steps=24"];

/// Step and loss of the lowest validation.
fn lowest(run: &Run) -> (u64, f64) {
    let validations = run.metric("validation_loss_per_dim");
    validations.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
}

/// Both states are kept; which one is used can be said at any time.
#[test]
fn the_state_with_the_lowest_validation_loss_is_kept_beside_the_last() {
    let folder = Folder::new();
    let run = folder.train("run", &folder.settings("ncsn-mlp", &WILD));
    let (step, loss) = lowest(&run);
    assert!(step < 24, "the last one is the best: nothing is told apart");
    let opened = |sets: &[&str]| {
        let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
        Trained::open(run.path(), &sets).unwrap().step
    };
    assert_eq!((opened(&[]), opened(&["train.keep=best"])), (24, step));
    let outcome = folder.ask("again", &folder.settings("ncsn-mlp", &WILD), false, None).unwrap();
    assert_eq!(outcome.best.map(|best| (best.step, best.loss)), Some((step, loss)));
    assert!(outcome.warnings.iter().any(|warning| warning.contains("has risen")), "{:?}", outcome.warnings);
    let best =
        folder.train("best", &folder.settings("ncsn-mlp", &[&WILD[..], &["train.keep=best"]].concat()));
    assert_eq!(Trained::open(best.path(), &[]).unwrap().step, step);
    // A training that was stopped keeps the same one.
    let settings = folder.settings("ncsn-mlp", &WILD);
    folder.stopped("stopped", &settings, step + 1);
    let resumed = folder.resumed("stopped", &settings);
    let manifest = resumed.text("checkpoints/best/manifest.json");
    assert!(manifest.contains(&format!("\"step\": {step},")), "{manifest}");
}

/// The training ends as many validations after the lowest one as it is told to wait, interrupted or not.
#[test]
fn patience_ends_a_training() {
    let folder = Folder::new();
    let whole = folder.train("whole", &folder.settings("ncsn-mlp", &WILD));
    let losses: Vec<f64> = whole.metric("validation_loss_per_dim").iter().map(|(_, loss)| *loss).collect();
    let mut best = 0;
    let end = (0..losses.len()).find(|at| {
        if losses[*at] < losses[best] {
            best = *at;
        }
        at - best == 3
    });
    let end = end.expect("the loss never rises three times") as u64 + 1;
    let patient = folder.settings("ncsn-mlp", &[&WILD[..], &["train.patience=3"]].concat());
    let run = folder.train("run", &patient);
    assert_eq!(run.checkpoints().last(), Some(&end));
    folder.stopped("stopped", &patient, end - 1);
    assert_eq!(folder.resumed("stopped", &patient).state(end), run.state(end));
    let error = Settings::parse(
        "data.name='digits'\nmodel.kind='mlp'\ntrain.patience=2\ntrain.validate_every=0",
        "a",
        &[],
    );
    assert!(error.unwrap_err().to_string().contains("train.patience"));
}

/// The other run's averaged weights are the first weights and averages; its moments and chains are not taken
/// over.
#[test]
fn a_warm_start_takes_the_averages() {
    let folder = Folder::new();
    for name in ["ncsn-mlp", "cd-persistent"] {
        let first = folder.train(&format!("{name} first"), &folder.settings(name, &[]));
        let change = format!("train.warm_start={}", first.path().display());
        let second = folder.stopped(&format!("{name} second"), &folder.settings(name, &[&change]), 0);
        let (before, after) = (first.tensors(), second.tensors());
        for (tensor, values) in &after {
            if let Some(averages) = before.get(&format!("ema.{tensor}")) {
                assert_eq!(values, averages, "{name}: {tensor}");
            }
            if tensor.starts_with("ema.") {
                assert_eq!(values, &before[tensor], "{name}: {tensor}");
            }
            if tensor.starts_with("moment") {
                assert!(values.iter().all(|value| *value == 0.0), "{name}: {tensor}");
            }
        }
        let fresh = folder.stopped(&format!("{name} fresh"), &folder.settings(name, &[]), 0).tensors();
        assert_eq!(after.get("objective.chains"), fresh.get("objective.chains"), "{name}");
    }
}

/// Products in bfloat16 change results a little, where the processor has them, and are refused where it has
/// not.
#[test]
fn products_are_computed_as_asked_for() {
    let folder = Folder::new();
    let settings =
        folder.settings("ncsn-mlp", &["train.products=bf16", "model.hidden=[64, 64]", "train.batch=20"]);
    match folder.ask("run", &settings, false, None) {
        Ok(_) => {
            let single = folder.settings("ncsn-mlp", &["model.hidden=[64, 64]", "train.batch=20"]);
            let single = folder.train("single", &single).tensors();
            let rounded = folder.run("run").tensors();
            let name = "hidden.1.weight";
            assert_ne!(single[name], rounded[name]);
            let far = single[name].iter().zip(&rounded[name]).map(|(a, b)| (a - b).abs());
            assert!(far.fold(0.0, f32::max) < 0.02);
        }
        Err(error) => assert!(error.to_string().contains("train.products"), "{error}"),
    }
}

/// Where nothing else is said, chains, averages and rows are as before: what a row leaves alone is compared
/// to the last bit.
#[test]
fn the_same_settings_give_the_same_run() {
    let folder = Folder::new();
    let settings = folder.settings("cd-persistent", &[]);
    let (first, second) = (see(&folder, "first", &settings), see(&folder, "second", &settings));
    assert_eq!(first, second);
    assert!(!first[&Chains].is_empty());
}
