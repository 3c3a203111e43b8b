//! `enscore logz`: each number of the answer, what is kept of it, and which estimates are bounds.

use serde_json::{Value, json};

use super::evaluation::shown;
use super::plain::by_hand::{AVERAGED, ByHand, assert_close, assert_same_error, number};
use super::plain::expected::error_of_weights;
use super::plain::trained::{data, folder, more_rows, train};
use crate::common::Folder;

/// ln Σ exp f over all rows of six units.
fn by_enumeration(hand: &ByHand) -> f64 {
    let states = (0..64).map(|state| (0..6).map(|i| f64::from(state >> i & 1)).collect());
    let f = hand.log_densities(&states.collect::<Vec<_>>());
    f.iter().map(|f| f.exp()).sum::<f64>().ln()
}

#[test]
fn log_z_of_a_trained_machine_is_that_of_all_its_states() {
    let folder = folder();
    train(&folder, "rbm-tempered", "run", "");
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let exact = by_enumeration(&hand);
    let found = folder.succeed("logz run --method exact --json").json();
    assert_close("log Z", number(&found["log_z"]), exact);
    for bound in ["lower", "upper"] {
        assert_eq!(found[bound], found["log_z"], "an exact value is its own {bound} bound");
    }
    assert_eq!(
        (&found["std_err"], &found["ess"], &found["chains"]),
        (&json!(0.0), &json!(null), &json!(null))
    );
    assert_kept(&folder, "run", &found, hand.step);
    let kept = folder.text("run/log_z.json");
    let estimate = folder.succeed("logz run --temperatures 20 --chains 50 --json").json();
    assert_eq!((&estimate["kept"], &found["kept"]), (&json!(false), &json!(true)));
    assert_eq!(folder.text("run/log_z.json"), kept, "an estimate replaces an exact value");
    std::fs::remove_file(folder.path("run/log_z.json")).unwrap();
    for method in ["ais", "reverse-ais", "bracket"] {
        let source = more_rows(&folder, "rbm-tempered").unwrap();
        let options = format!("--method {method} --temperatures 60 --chains 300 --seed 4 --data {source}");
        let found = folder.succeed(&format!("logz run --json {options}")).json();
        let error = number(&found["std_err"]);
        assert!(
            (number(&found["log_z"]) - exact).abs() < 5.0 * error + 1e-4 && error < 0.1,
            "{exact}, {found}"
        );
        assert_bounds(method, &found);
        assert_kept(&folder, "run", &found, hand.step);
        assert_text(&folder.succeed(&format!("logz run {options}")).stdout, &found);
    }
}

/// The lines of the text form.
fn assert_text(text: &str, found: &Value) {
    let [log_z, error, ess] = ["log_z", "std_err", "ess"].map(|key| number(&found[key]));
    let mut expected = vec![
        ("log Z", format!("{} nats", shown(log_z, Some(error)))),
        ("method", format!("{}, {}", found["method"].as_str().unwrap(), found["detail"].as_str().unwrap())),
        ("chains", format!("300, effective sample size {ess:.1}; 60 temperatures")),
    ];
    if found["reverse"].is_object() {
        let [log_z, error, ess] = ["log_z", "std_err", "ess"].map(|key| number(&found["reverse"][key]));
        let value = shown(log_z, Some(error));
        expected.push(("reverse", format!("{value} nats, effective sample size {ess:.1}")));
    }
    for bound in ["lower", "upper"] {
        if let Some(value) = found[bound].as_f64() {
            expected.push((bound, format!("{value:.4} nats, two standard errors beyond the estimate")));
        }
    }
    for (name, value) in &expected {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("no line {name} in\n{text}"));
        assert_eq!(line[name.len()..].trim_start(), value, "the line {name}");
    }
    // The model and where the value is kept, besides.
    assert_eq!(text.lines().count(), expected.len() + 2, "{text}");
}

/// Each option changes the estimate; without data annealing begins at the uniform base.
#[test]
fn each_option_changes_the_estimate() {
    let folder = folder();
    train(&folder, "rbm-tempered", "run", "");
    folder.write("three.txt", b"0\n0.5\n0.75\n1\n");
    let run = |options: &str| folder.succeed(&format!("logz run --json {options}")).json();
    let usual = run("--temperatures 20 --chains 50");
    assert_eq!(usual["detail"], "from the uniform base");
    for (options, key, value) in [
        ("--temperatures 21 --chains 50", "temperatures", json!(21)),
        ("--temperatures three.txt --chains 50", "temperatures", json!(3)),
        ("--temperatures 20 --chains 51", "chains", json!(51)),
        ("--temperatures 20 --chains 50 --seed 1", "method", json!("ais")),
        ("--temperatures 20 --chains 50 --data more_bits.csv", "detail", json!("from the data's base rates")),
    ] {
        let found = run(options);
        assert_eq!(found[key], value, "{options}");
        assert_ne!(found["log_z"], usual["log_z"], "{options} changes the estimate");
    }
    assert_eq!(run("--temperatures 20 --chains 50"), usual);
}

/// Two standard errors beyond the estimate of each direction; the reverse one is above, the forward one
/// below.
fn assert_bounds(method: &str, found: &Value) {
    let (log_z, error) = (number(&found["log_z"]), number(&found["std_err"]));
    let beyond = |bound: &str, expected: f64| {
        let off = (number(&found[bound]) - expected).abs();
        assert!(off < 1e-9, "the {bound} bound is not {expected}: {found}");
    };
    match method {
        "ais" => {
            beyond("lower", log_z - 2.0 * error);
            assert!(found["upper"].is_null() && found["reverse"].is_null(), "{found}");
        }
        "reverse-ais" => {
            beyond("upper", log_z + 2.0 * error);
            assert!(found["lower"].is_null() && found["reverse"].is_null(), "{found}");
        }
        _ => {
            let reverse = &found["reverse"];
            assert_eq!(reverse["exact_samples"], true, "{found}");
            beyond("lower", log_z - 2.0 * error);
            let above = number(&reverse["log_z"]) + 2.0 * number(&reverse["std_err"]);
            beyond("upper", above);
        }
    }
    for direction in [found, &found["reverse"]].into_iter().filter(|direction| direction.is_object()) {
        let spread = number(&direction["upper_variance"]);
        let expected = error_of_weights(number(&direction["ess"]), 300.0, spread);
        assert_same_error("the error of such weights", number(&direction["std_err"]), expected);
    }
    let ess = number(&found["ess"]);
    assert!(ess > 1.0 && ess <= 300.0, "{found}");
    assert_eq!((&found["chains"], &found["temperatures"]), (&json!(300), &json!(60)));
}

/// The file beside the model says the same, and of which step.
fn assert_kept(folder: &Folder, run: &str, found: &Value, step: u64) {
    let kept: Value = serde_json::from_str(&folder.text(&format!("{run}/log_z.json"))).unwrap();
    assert_eq!(kept["step"], step);
    assert_eq!((&kept["log_z"], &kept["error"]), (&found["log_z"], &found["std_err"]));
    assert_eq!(kept["origin"], "estimated");
    for key in ["log_z", "std_err", "ess", "method", "lower", "upper", "reverse", "chains", "temperatures"] {
        assert_eq!(kept["estimate"][key], found[key], "kept {key}");
    }
}

fn npy(shape: &str, values: &[f64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(117 - header.len()));
    header.push('\n');
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), header.as_bytes(), &values].concat()
}

/// Neither side of 27 units can be enumerated: long Gibbs runs end near the model, but not at exact samples
/// of it.
#[test]
fn the_ends_of_gibbs_runs_give_no_upper_bound() {
    const SIDE: usize = 27;
    let folder = Folder::new();
    let weights: Vec<f64> = (0..SIDE * SIDE).map(|i| 0.05 * (i as f64 * 0.77).sin()).collect();
    let biases: Vec<f64> = (0..SIDE).map(|i| 0.3 * (i as f64 * 1.3).cos()).collect();
    folder.write("W.npy", &npy("(27, 27)", &weights));
    folder.write("b.npy", &npy("(27,)", &biases));
    let text = "[model]\nkind = 'rbm'\nweights = 'W.npy'\nvisible_bias = 'b.npy'\nhidden_bias = 'b.npy'\n";
    folder.write("large.toml", text.as_bytes());
    let options = "--temperatures 50 --chains 40 --sweeps 20 --json";
    let reverse = folder.succeed(&format!("logz large.toml --method reverse-ais {options}")).json();
    assert!(reverse["upper"].is_null(), "the ends of Gibbs runs pass for exact samples: {reverse}");
    assert!(reverse["detail"].as_str().unwrap().ends_with("after 20 Gibbs sweeps: not a bound"), "{reverse}");
    let both = folder.succeed(&format!("logz large.toml --method bracket {options}")).json();
    assert!(both["upper"].is_null(), "the ends of Gibbs runs pass for exact samples: {both}");
    assert_eq!(both["reverse"]["exact_samples"], false, "{both}");
    assert!(both["lower"].is_number(), "annealing from the base bounds log Z from below: {both}");
    // The same when the long runs begin at rows of data.
    let rows: String = (0..45)
        .map(|i| (0..SIDE).map(|j| ((i * j + i) % 3 / 2).to_string()).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    folder.write("rows.csv", rows.as_bytes());
    let found =
        folder.succeed(&format!("logz large.toml --method reverse-ais --data rows.csv {options}")).json();
    assert!(found["upper"].is_null(), "long runs from data pass for exact samples: {found}");
    let exact = folder.run("logz large.toml --method exact");
    assert_eq!(exact.code, Some(2), "nothing of it is known exactly: {exact:?}");
}

/// log Z belongs to the weights of one step: after more training neither `evaluate` nor `score` uses it.
#[test]
fn a_kept_log_z_is_of_its_step_alone() {
    let folder = folder();
    train(&folder, "rbm-tempered", "run", "--set train.steps=6");
    let data = data(&folder, "rbm-tempered");
    let by_kept = || {
        let found = folder.succeed("evaluate run --json --samples 0").json();
        let figures = found["figures"].as_array().unwrap().clone();
        let of_kept = figures.iter().find(|figure| figure["name"].as_str().unwrap().contains("kept log Z"));
        of_kept.map(|figure| figure["value"].as_f64().unwrap())
    };
    let scored = || {
        let found =
            folder.succeed(&format!("score run {} --json", data.trim_start_matches("data.path="))).json();
        found["means"]["log_p"].as_f64()
    };
    let go_on = |steps: u64| {
        let more = format!("--no-report --resume --set train.steps={steps}");
        folder.succeed(&format!("train rbm-tempered.toml --out run --set {data} {more}"));
    };
    assert_eq!((by_kept(), scored()), (None, None), "before log Z is known");
    folder.succeed("logz run --method exact");
    assert!(by_kept().is_some() && scored().is_some());
    go_on(9);
    assert_eq!((by_kept(), scored()), (None, None), "log Z of step 6 at step 9");
    let rows = data.trim_start_matches("data.path=");
    folder.succeed(&format!("score run {rows} --log-z 2.5"));
    let given = by_kept().unwrap();
    assert!(scored().is_some());
    folder.succeed(&format!("score run {rows} --log-z 3.5"));
    assert!((given - by_kept().unwrap() - 1.0).abs() < 1e-9, "a greater log Z is a smaller likelihood");
    go_on(12);
    assert_eq!((by_kept(), scored()), (None, None), "log Z of step 9 at step 12");
}
