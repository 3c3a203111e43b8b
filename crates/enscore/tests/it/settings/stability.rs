//! Keys of `[stability]`: each makes a sound training count as diverged, or says what follows.

use crate::common::runs::{Folder, Run};

/// The words of the first return, and the factors on the rate at each.
fn returns(run: &Run) -> (String, Vec<f64>) {
    let rows = run.metrics();
    let why = rows.iter().find_map(|row| Some(row.get("rollback")?.as_str()?.to_string()));
    (why.unwrap_or_default(), run.metric("rate_scale").into_iter().map(|(_, scale)| scale).collect())
}

/// A training with this change, which must end as failed after its returns.
fn diverged(name: &str, changes: &[&str]) -> (String, Vec<f64>, String) {
    let folder = Folder::new();
    let settings = folder.settings(name, changes);
    let error = folder.ask("run", &settings, false, None).unwrap_err();
    let (why, scales) = returns(&folder.run("run"));
    (why, scales, error.to_string())
}

#[test]
fn each_limit_is_named_where_it_is_passed() {
    for (name, change, named) in [
        ("ncsn-mlp", "stability.loss_ratio=1e-9", "running mean of the loss"),
        ("ncsn-mlp", "stability.gradient_ratio=1e-9", "running mean of the gradient's norm"),
        ("cd-persistent", "stability.energy_gap=1e-9", "energy gap"),
    ] {
        // The first update passes it, whatever the learning rate: there is no return.
        let (_, scales, error) = diverged(name, &[change]);
        assert_eq!(scales.len(), 0, "{change}");
        assert!(error.contains("diverged") && error.contains(named), "{change}: {error}");
    }
}

#[test]
fn limits_of_zero_are_not_checked() {
    let folder = Folder::new();
    let changes = [
        "stability.loss_ratio=0",
        "stability.gradient_ratio=0",
        "stability.energy_gap=0",
        "stability.rollbacks=0",
    ];
    let run = folder.train("run", &folder.settings("cd-persistent", &changes));
    assert_eq!(returns(&run).1.len(), 0);
}

/// Chains that start far outside a range of 1.01 half widths, of which 1 in 1000 may have left it.
#[test]
fn chains_outside_the_range_count() {
    let wide = ["objective.step_size=1", "objective.noise_std=2", "stability.range_ratio=1.01"];
    let (_, _, error) = diverged("cd-persistent", &[&wide[..], &["stability.escaped=0.001"]].concat());
    assert!(error.contains("left the range of the data"), "{error}");
    let folder = Folder::new();
    for (run, change) in [("all", "stability.escaped=1"), ("far", "stability.range_ratio=1e6")] {
        let changes = [&wide[..], &["stability.escaped=0.001", change]].concat();
        let run = folder.train(run, &folder.settings("cd-persistent", &changes));
        assert_eq!(returns(&run).1.len(), 0, "{change}");
    }
}

#[test]
fn returns_are_as_many_as_allowed_each_with_the_factor() {
    for (rollbacks, factor) in [(0, 0.5), (1, 0.5), (4, 0.25)] {
        let changes = [
            "optimiser.learning_rate=1e30".to_string(),
            "optimiser.clip_norm=0".to_string(),
            "optimiser.warmup_steps=0".to_string(),
            format!("stability.rollbacks={rollbacks}"),
            format!("stability.rate_factor={factor}"),
        ];
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        let (why, scales, error) = diverged("ncsn-mlp", &changes);
        assert!(rollbacks == 0 || why.contains("not finite"), "{why}");
        let expected: Vec<f64> = (1..=rollbacks).map(|n| f64::powi(factor, n)).collect();
        assert_eq!(scales, expected);
        let said = match rollbacks {
            0 => "is not finite; the state".to_string(),
            1 => "after 1 return to".to_string(),
            _ => format!("after {rollbacks} returns to"),
        };
        assert!(error.contains(&said), "{error}");
    }
}
