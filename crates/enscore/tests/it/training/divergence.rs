//! A training that diverges goes back to its last checkpoint with all that it remembers, and goes on as a
//! training that came to that checkpoint and has the smaller learning rate: state, chains, turns, the watch
//! and the lines of metrics.

use std::collections::BTreeMap;

use crate::common::plain::{Plain, Reported};
use crate::common::runs::{Folder, Run};

/// The steps whose running mean later ones are compared with, and the decay of running means.
const FIRST: u64 = 10;
const DECAY: f64 = 0.9;
const TOLERANCE: f64 = 2e-3;

/// Running means of loss and gradient norm, and those after the first steps.
#[derive(Clone, Copy, Default)]
struct Watched {
    means: [f64; 2],
    first: [f64; 2],
}

impl Watched {
    fn observe(&mut self, step: u64, reported: &Reported) {
        let decay = DECAY.min(step as f64 / (step + 1) as f64);
        let found = [reported["loss_per_dim"], reported["gradient_norm"]];
        for ((mean, first), found) in self.means.iter_mut().zip(&mut self.first).zip(found) {
            *mean = decay * *mean + (1.0 - decay) * found;
            if step < FIRST {
                *first = *mean;
            }
        }
    }

    /// By how much the mean norm exceeds 1 + that of the first steps.
    fn ratio(&self) -> f64 {
        self.means[1] / (1.0 + self.first[1].abs())
    }
}

/// Steps of a plain training, with what it reported and what a watch would have seen after each.
fn steps(plain: &mut Plain, mut watched: Watched, until: u64) -> Vec<(Reported, Watched)> {
    let mut all = Vec::new();
    while plain.step < until {
        let step = plain.step;
        let reported = plain.step();
        watched.observe(step, &reported);
        all.push((reported, watched));
    }
    all
}

/// A training of so many steps that diverges once after the checkpoint of step `saved`, beside its plain
/// account.
struct Case {
    folder: Folder,
    name: &'static str,
    changes: Vec<String>,
    saved: u64,
    total: u64,
    factor: f64,
}

/// The plain account of a return.
struct Account {
    plain: Plain,
    /// What the steps after the return reported.
    after: Vec<(Reported, Watched)>,
    limit: f64,
    /// The step that showed divergence.
    diverged: u64,
}

impl Case {
    fn new(name: &'static str, changes: &[&str], [saved, total]: [u64; 2], factor: f64) -> Case {
        let mut changes: Vec<String> = changes.iter().map(|change| change.to_string()).collect();
        changes.extend([
            format!("train.checkpoint_every={saved}"),
            format!("train.steps={total}"),
            "train.log_every=1".to_string(),
            "train.validate_every=0".to_string(),
            format!("stability.rate_factor={factor}"),
            "optimiser.warmup_steps=24".to_string(),
            "optimiser.clip_norm=0".to_string(),
        ]);
        Case { folder: Folder::new(), name, changes, saved, total, factor }
    }

    fn settings(&self, further: &[String]) -> enscore::settings::Settings {
        let all: Vec<&str> = self.changes.iter().chain(further).map(String::as_str).collect();
        self.folder.settings(self.name, &all)
    }

    /// Once with the full rate, once with the smaller one from the checkpoint on; a limit on the gradient's
    /// mean norm that the first passes and the second doesn't.
    fn account(&self) -> Account {
        let settings = self.settings(&[]);
        let made = self.folder.stopped("made", &settings, 0);
        let mut full = Plain::new(&settings, made.path());
        let before = steps(&mut full, Watched::default(), self.saved);
        let watched = before[before.len() - 1].1;
        let rate = settings.optimiser().learning_rate * self.factor;
        let smaller = self.settings(&[format!("optimiser.learning_rate={rate}")]);
        let mut plain = Plain::new(&smaller, made.path());
        plain.values = full.values.clone();
        plain.turn = full.turn;
        plain.step = full.step;
        if let (Some(to), Some(from)) = (&mut plain.chains, &full.chains) {
            (to.x, to.buffer) = (from.x.clone(), from.buffer.clone());
        }
        let bad = steps(&mut full, watched, self.total);
        let after = steps(&mut plain, watched, self.total);
        let sound = before.iter().chain(&after).map(|(_, watched)| watched.ratio()).fold(0.0, f64::max);
        let worst = bad.iter().map(|(_, watched)| watched.ratio()).fold(0.0, f64::max);
        assert!(worst > 1.1 * sound, "{}: nothing tells the rates apart: {worst}, {sound}", self.name);
        let limit = 0.5 * (worst + sound);
        let place = bad.iter().position(|(_, watched)| watched.ratio() > limit).unwrap();
        Account { plain, after, limit, diverged: self.saved + place as u64 + 1 }
    }

    fn train(&self, account: &Account) -> Run {
        let further =
            [format!("stability.gradient_ratio={}", account.limit), "stability.loss_ratio=0".to_string()];
        self.folder.train("run", &self.settings(&further))
    }
}

fn close(found: f64, expected: f64, scale: f64) -> bool {
    (found - expected).abs() <= TOLERANCE * (scale + expected.abs())
}

fn same_state(case: &Case, account: &Account, run: &Run) {
    let mut found = run.tensors();
    let watch: Vec<f64> = found.remove("stability.watch").unwrap().iter().map(|v| f64::from(*v)).collect();
    let last = account.after[account.after.len() - 1].1;
    let expected = [&[case.factor, 1.0], &last.means[..], &last.first].concat();
    for (i, (found, expected)) in watch.iter().zip(&expected).enumerate() {
        assert!(close(*found, *expected, 1e-2), "{}: watch[{i}]: {found}, expected {expected}", case.name);
    }
    let mut tensors: BTreeMap<String, Vec<f64>> = account.plain.tensors();
    if let Some(chains) = account.plain.chains.as_ref().and_then(|chains| chains.saved()) {
        tensors.insert("objective.chains".into(), chains);
    }
    if account.plain.turn > 0 {
        tensors.insert("objective.turn".into(), vec![account.plain.turn as f64]);
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), tensors.keys().collect::<Vec<_>>(), "{}", case.name);
    for (name, expected) in &tensors {
        let scale = expected.iter().fold(1e-3, |scale: f64, value| scale.max(value.abs()));
        for (i, (found, expected)) in found[name].iter().zip(expected).enumerate() {
            let close = close(f64::from(*found), *expected, scale);
            assert!(close, "{}: {name}[{i}]: found {found}, expected {expected}", case.name);
        }
    }
}

/// One line says what happened; those after it are of the steps after it alone. (The rate is what the state
/// tells.)
fn same_lines(case: &Case, account: &Account, run: &Run) {
    let lines = run.metrics();
    let at = lines.iter().position(|line| line.contains_key("rollback")).unwrap();
    let said =
        ["step", "rollback_from", "rollbacks", "rate_scale"].map(|key| lines[at][key].as_f64().unwrap());
    assert_eq!(said, [case.saved as f64, account.diverged as f64, 1.0, case.factor], "{}", case.name);
    let after = &lines[at + 1..];
    assert_eq!(after.len(), account.after.len(), "{}: lines after the return", case.name);
    for (line, (reported, _)) in after.iter().zip(&account.after) {
        let step = line["step"].as_u64().unwrap();
        for (name, expected) in reported.iter().filter(|(name, _)| *name != "learning_rate") {
            let found = line[name].as_f64().unwrap();
            assert!(
                close(found, *expected, 1.0),
                "{} {name} of step {step}: {found}, expected {expected}",
                case.name
            );
        }
    }
}

/// Langevin chains in a replay buffer, tempered Gibbs chains, two players in turn.
#[test]
fn a_training_goes_back_with_its_chains_its_turn_and_its_watch() {
    for (name, changes, steps, factor) in [
        (
            "cd-persistent",
            &["optimiser.learning_rate=10", "stability.energy_gap=0", "stability.escaped=1"][..],
            [12, 24],
            0.0625,
        ),
        ("rbm-tempered", &["optimiser.learning_rate=40"], [12, 24], 0.0625),
        ("fce-energy", &["optimiser.learning_rate=0.3"], [13, 26], 0.0625),
    ] {
        let case = Case::new(name, changes, steps, factor);
        let account = case.account();
        let run = case.train(&account);
        same_lines(&case, &account, &run);
        same_state(&case, &account, &run);
    }
}

/// What a return changed is part of the checkpoint: the smaller rate, the returns that are left, the
/// running means.
#[test]
fn a_training_resumed_after_a_return_keeps_its_smaller_rate() {
    let case = Case::new("rbm-tempered", &["optimiser.learning_rate=40"], [12, 24], 0.0625);
    let account = case.account();
    let whole = case.train(&account);
    let further =
        [format!("stability.gradient_ratio={}", account.limit), "stability.loss_ratio=0".to_string()];
    let settings = case.settings(&further);
    let stop = case.total - 1;
    assert!(account.diverged < stop, "the return comes before the stop");
    case.folder.stopped("cut", &settings, stop);
    let resumed = case.folder.resumed("cut", &settings);
    assert!(resumed.state(case.total) == whole.state(case.total), "another state");
    assert_eq!(resumed.metrics(), whole.metrics());
}

/// Where no return is left, what is kept is the last sound checkpoint, bit for bit.
#[test]
fn a_training_that_ends_as_failed_keeps_its_last_sound_state() {
    let folder = Folder::new();
    for name in ["cd-persistent", "rbm-tempered"] {
        let changes = ["train.checkpoint_every=3", "stability.energy_gap=0"];
        let sound = folder.stopped(&format!("{name} sound"), &folder.settings(name, &changes), 3);
        let failing = [&changes[..], &["stability.rollbacks=0", "stability.gradient_ratio=1e-9"]].concat();
        // The watch is silent until the checkpoint is there.
        let late = folder.settings(name, &changes);
        let run = folder.stopped(&format!("{name} failing"), &late, 3);
        let settings = folder.settings(name, &failing);
        let error = folder.ask(&format!("{name} failing"), &settings, true, None).unwrap_err();
        assert_eq!(error.reason, enscore::Reason::Diverged, "{name}: {error}");
        assert_eq!(run.checkpoints().last(), Some(&3), "{name}");
        assert_eq!(run.state(3), sound.state(3), "{name}");
    }
}

/// Noise at the edge of single precision, so that no chain stays finite: they start anew, and nothing that
/// isn't finite is kept.
#[test]
fn chains_that_overflow_are_counted_and_not_kept() {
    let folder = Folder::new();
    let changes = [
        "objective.noise_std=3e38",
        "objective.steps=40",
        "stability.escaped=1",
        "stability.energy_gap=0",
        "stability.loss_ratio=0",
        "stability.gradient_ratio=0",
    ];
    let run = folder.train("run", &folder.settings("cd-persistent", &changes));
    let counted: f64 = run.metric("chains_not_finite").iter().map(|(_, count)| count).sum();
    assert!(counted > 0.0, "no chain overflowed");
    for (name, values) in run.tensors() {
        assert!(values.iter().all(|value| value.is_finite()), "{name} is not finite");
    }
}
