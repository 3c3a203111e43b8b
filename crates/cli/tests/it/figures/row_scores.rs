//! `enscore score`: each row's numbers beside those of the single row, and the log Z that they are taken
//! with.

use serde_json::{Value, json};

use super::plain::by_hand::{
    AVERAGED, ByHand, Rows, assert_close, assert_same_error, mean_and_error, number,
};
use super::plain::expected::assert_quadrature;
use super::plain::trained::{folder, more_rows, train};
use crate::common::Folder;

/// The columns of a CSV of scores, by their names.
fn table(folder: &Folder, file: &str) -> (Vec<String>, Rows) {
    let text = folder.text(file);
    let mut lines = text.lines();
    let names = lines.next().unwrap().split(',').map(str::to_string).collect();
    let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect();
    (names, lines.map(row).collect())
}

fn length(score: &[f64]) -> f64 {
    score.iter().map(|s| s * s).sum::<f64>().sqrt()
}

/// Every cell of the table, and the means of the answer in both forms.
fn assert_scores(folder: &Folder, what: &str, found: &Value, columns: &[(&str, Vec<f64>)]) {
    let (names, rows) = table(folder, found["out"].as_str().unwrap());
    let expected: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected, "columns of {what}");
    assert_eq!(found["columns"], json!(expected), "columns of {what}");
    assert_eq!((rows.len(), &found["rows"]), (columns[0].1.len(), &json!(rows.len())), "rows of {what}");
    for (at, (name, column)) in columns.iter().enumerate() {
        for (i, (row, expected)) in rows.iter().zip(column).enumerate() {
            assert_close(&format!("{what}, row {i}, {name}"), row[at], *expected);
        }
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        assert_close(&format!("{what}, mean {name}"), number(&found["means"][*name]), mean);
        let of_rows = mean_and_error(column).1;
        let of_log_z = if name.starts_with("log_p") { found["log_z"]["error"].as_f64() } else { None };
        let error = of_rows.hypot(of_log_z.unwrap_or(0.0));
        assert_same_error(&format!("{what}, error of {name}"), number(&found["std_errs"][*name]), error);
    }
}

/// Scores of a family's run over further rows; log p is taken with `log_z`.
fn assert_family(folder: &Folder, name: &str, log_z: Option<f64>, sigma: f64) -> Value {
    let source = more_rows(folder, name).unwrap();
    let hand = ByHand::open(folder, name, AVERAGED);
    let rows = hand.rows_of_source(&source);
    let found = folder.succeed(&format!("score {name} {source} --json")).json();
    let mut columns: Vec<(&str, Vec<f64>)> = Vec::new();
    if hand.model.has_density() {
        let bound = hand.units().is_some_and(|units| units.is_bound());
        let f = hand.log_densities_of_data(&rows);
        columns.push((if bound { "log_density_bound" } else { "log_density" }, f.clone()));
        if let Some(log_z) = log_z {
            let log_p = f.iter().map(|f| f - log_z).collect();
            columns.push((if bound { "log_p_bound" } else { "log_p" }, log_p));
        }
    }
    if !hand.units().is_some_and(|units| units.is_binary()) {
        let lengths = hand.scores(&rows, sigma).iter().map(|score| length(score)).collect();
        columns.push(("score_norm", lengths));
    }
    assert_scores(folder, name, &found, &columns);
    assert_eq!(
        (&found["step"], &found["temperature"]),
        (&json!(hand.step), &json!(hand.temperature)),
        "{name}"
    );
    match log_z {
        Some(log_z) => assert_close(&format!("{name}, log Z"), number(&found["log_z"]["log_z"]), log_z),
        None => assert!(found["log_z"].is_null(), "{name}: {found}"),
    }
    let text = folder.succeed(&format!("score {name} {source}")).stdout;
    for (column, _) in &columns {
        let line = format!("mean {column}");
        let line = text.lines().find(|found| found.starts_with(&format!("{line} "))).unwrap();
        let [mean, error] = ["means", "std_errs"].map(|key| number(&found[key][*column]));
        let unit = match (*column, hand.units().is_some_and(|units| units.is_binary())) {
            ("score_norm", _) => "per scaled unit",
            (_, true) => "nats",
            (_, false) => "nats in the data's units",
        };
        assert_eq!(found["units"][*column], unit, "{name}, {column}");
        let shown = format!("{} {unit}", enscore::report::measured(mean, Some(error)));
        assert!(line.ends_with(&shown), "{name}: the line {line} is not {shown}");
    }
    found
}

#[test]
fn rows_have_the_scores_that_they_have_alone() {
    let folder = folder();
    // The smallest noise level of a network of several, the only one of another, and 1 where there is no
    // noise.
    for (name, sigma) in [("ncsn-mlp", 0.1), ("dsm-mlp", 0.3), ("ssm-mlp", 1.0)] {
        train(&folder, name, name, "");
        assert_family(&folder, name, None, sigma);
    }
    // 600 rows are two batches of 256 and a part of one.
    for (name, origin) in [("nce-energy", "learnt"), ("fce-energy", "learnt"), ("ml-flow", "normalised")] {
        train(&folder, name, name, "");
        let log_z = ByHand::open(&folder, name, AVERAGED).learnt_log_z;
        let found = assert_family(&folder, name, log_z, 1.0);
        assert_eq!(found["log_z"]["origin"], origin, "{name}");
    }
}

/// Quadrature counts as knowing log Z where its error is half a nat at most.
#[test]
fn log_z_by_quadrature_is_used_where_it_is_known() {
    let folder = folder();
    let mut known = Vec::new();
    for (name, more) in
        [("cd-data", ""), ("sm-energy", ""), ("sm-energy-wide", "--set model.confinement=1e6")]
    {
        let family = name.trim_end_matches("-wide");
        train(&folder, family, family, more);
        let source = more_rows(&folder, family).unwrap();
        let found = folder.succeed(&format!("score {family} {source} --json")).json();
        let [log_z, error] = ["log_z", "error"].map(|key| number(&found["log_z"][key]));
        let is_known = error <= 0.5;
        assert_eq!(found["log_z"]["origin"], "quadrature", "{name}");
        if name != "sm-energy-wide" {
            assert_quadrature(&ByHand::open(&folder, family, AVERAGED), log_z, error);
        }
        assert_eq!(found["means"]["log_p"].is_number(), is_known, "{name}: {found}");
        assert_eq!(found["log_p_left_out"].is_string(), !is_known, "{name}: {found}");
        if is_known {
            assert_family(&folder, family, Some(log_z), 1.0);
        } else {
            assert!(!folder.exists(&format!("{family}/log_z.json")), "{name} keeps what is not known");
            let said = folder.succeed(&format!("score {family} {source}")).stdout;
            assert!(said.contains("not given: log Z is"), "{said}");
            let evaluated = folder.succeed(&format!("evaluate {family} --samples 0 --json")).json();
            let figures = evaluated["figures"].as_array().unwrap();
            let figure = figures.iter().find(|figure| figure["id"] == "log_likelihood_quadrature").unwrap();
            assert!(figure["value"].is_null(), "{figure}");
            assert!(figure["reason"].as_str().unwrap().contains("at most 0.5"), "{figure}");
        }
        known.push(is_known);
        std::fs::remove_dir_all(folder.path(family)).unwrap();
    }
    assert!(known.contains(&true) && known.contains(&false), "both sides of the limit: {known:?}");
}

/// Chains at the temperature b²/(2a) = 1/4: f and its gradient are four times those of the network.
#[test]
fn scores_are_those_of_the_temperature_and_the_map_of_the_run() {
    let folder = folder();
    for name in ["cd-persistent", "sm-dkef"] {
        train(&folder, name, name, "");
        let source = more_rows(&folder, name).unwrap();
        folder.succeed(&format!("score {name} {source} --log-z 1.25"));
        let hand = ByHand::open(&folder, name, AVERAGED);
        assert_close("temperature", hand.temperature, if name == "sm-dkef" { 1.0 } else { 0.25 });
        let found = assert_family(&folder, name, Some(1.25), 1.0);
        assert_eq!(found["log_z"]["origin"], "given", "{name}");
    }
}

#[test]
fn machines_have_log_z_as_it_was_found() {
    let folder = folder();
    for name in ["rbm-tempered", "rbm-gaussian", "dbm-pretrained"] {
        train(&folder, name, name, "");
        assert_family(&folder, name, None, 1.0);
        let log_z = number(&folder.succeed(&format!("logz {name} --method exact --json")).json()["log_z"]);
        let found = assert_family(&folder, name, Some(log_z), 1.0);
        assert_eq!(found["log_z"]["origin"], "estimated", "{name}");
    }
}

/// A value of an older step is passed over: what is known otherwise is taken.
#[test]
fn log_z_of_an_older_step_is_not_used() {
    let folder = folder();
    for (name, after) in [("rbm-tempered", None), ("nce-energy", Some("learnt"))] {
        train(&folder, name, name, "");
        let source = more_rows(&folder, name).unwrap();
        folder.succeed(&format!("score {name} {source} --log-z 40"));
        let kept: Value = serde_json::from_str(&folder.text(&format!("{name}/log_z.json"))).unwrap();
        let step = folder.latest_step(name);
        assert_eq!(
            (&kept["log_z"], &kept["step"], &kept["origin"]),
            (&json!(40.0), &json!(step), &json!("given"))
        );
        let figure = |name: &str| {
            let found = folder.succeed(&format!("evaluate {name} --samples 0 --json")).json();
            found["figures"].to_string().contains("by the kept log Z")
        };
        assert!(figure(name), "{name}: an evaluation uses what was given");
        let again = folder.succeed(&format!("score {name} {source} --json")).json();
        assert_eq!(
            number(&again["log_z"]["log_z"]),
            40.0,
            "{name}: what was given goes before what is known"
        );
        train(&folder, name, name, "--resume --set train.steps=20");
        assert!(!figure(name), "{name}: an evaluation uses log Z of step {step}");
        let found = folder.succeed(&format!("score {name} {source} --json")).json();
        assert_eq!(found["log_z"]["origin"].as_str(), after, "{name}");
        assert!(found["means"]["log_p"].is_number() == after.is_some(), "{name}: {found}");
    }
}

/// More rows than are widened at once, and the numbers of both kinds of file.
#[test]
fn many_rows_are_written_in_their_order_in_either_form() {
    let folder = folder();
    let count = 1500;
    let lines: String = (0..count).map(|i| format!("{},{}\n", 0.001 * f64::from(i), 0.5)).collect();
    folder.write("line.csv", format!("a,b\n{lines}").as_bytes());
    train(&folder, "cd-data", "run", "");
    let found = folder.succeed("score run line.csv --json --out scores.npy --log-z 0.5").json();
    let hand = ByHand::open(&folder, "run", AVERAGED);
    let rows = hand.rows_of_source(&folder.path("line.csv").display().to_string());
    let (f, scores) = (hand.log_densities_of_data(&rows), hand.scores(&rows, 1.0));
    let written = folder.npy("scores.npy");
    assert_eq!((found["rows"].as_u64(), written.len()), (Some(1500), 1500 * 3));
    for (i, row) in written.chunks(3).enumerate() {
        let expected = [f[i], f[i] - 0.5, length(&scores[i])];
        row.iter().zip(expected).for_each(|(x, y)| assert_close(&format!("row {i}"), f64::from(*x), y));
    }
    folder.succeed("score run line.csv");
    let (_, table) = table(&folder, "run/scores.csv");
    let cells: Vec<f32> = table.concat().iter().map(|x| *x as f32).collect();
    let near = cells.iter().zip(&written).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1.0));
    assert!(near && cells.len() == written.len(), "one table in two forms");
}

/// Images are scaled as those that the run learnt from.
#[test]
fn images_are_scored_under_the_scale_of_the_run() {
    let folder = folder();
    train(&folder, "cd-short-run", "run", "");
    let hand = ByHand::open(&folder, "run", AVERAGED);
    folder.succeed("sample run --num 11 --out drawn.npy --seed 3");
    let rows: Rows = folder
        .npy("drawn.npy")
        .chunks(64)
        .map(|row| row.iter().map(|x| f64::from(x / 16.0)).collect())
        .collect();
    let found = folder.succeed("score run drawn.npy --json").json();
    let lengths = hand.scores(&rows, 1.0).iter().map(|score| length(score)).collect();
    let columns = [("log_density", hand.log_densities_of_data(&rows)), ("score_norm", lengths)];
    assert_scores(&folder, "images", &found, &columns);
    let rows = hand.rows_of_source("digits");
    let found = folder.succeed("score run digits --json").json();
    assert_eq!(
        (&found["rows"], rows.len()),
        (&json!(297), 297),
        "a source with a test split is scored on it"
    );
    let f = hand.log_densities_of_data(&rows);
    let mean = f.iter().sum::<f64>() / 297.0;
    assert_close("mean of the test split", number(&found["means"]["log_density"]), mean);
    assert_close("temperature", hand.temperature, 0.2);
}
