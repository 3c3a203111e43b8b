//! `enscore compare`: every measure of every training, beside the same of the run by hand.

use serde_json::Value;

use super::table::assert_table;
use crate::common::Folder;
use crate::figures::plain::by_hand::{
    AVERAGED, ByHand, FLOW, Rows, assert_close, assert_same_error, mean_and_error, number,
};
use crate::figures::plain::expected::{assert_quadrature, error_of_weights};

/// Rows held out: a batch of 128 and a short one.
const HELD_OUT: usize = 150;

/// 600 rows of this dimension, a quarter of them held out.
fn folder(dimensions: usize) -> Folder {
    let folder = Folder::new();
    let cell = |i: usize, j: usize| {
        let (wave, slow) = ((i as f64 * 0.731 + j as f64 * 1.9).sin(), (i as f64 * 0.113).cos());
        format!("{:.4}", wave + 0.4 * slow * (j + 1) as f64)
    };
    let line = |i: usize| (0..dimensions).map(|j| cell(i, j)).collect::<Vec<_>>().join(",") + "\n";
    let header = ["a", "b", "c"][..dimensions].join(",") + "\n";
    let rows: String = (0..4 * HELD_OUT).map(line).collect();
    folder.write("cloud.csv", (header + &rows).as_bytes());
    let path = folder.path("cloud.csv").display().to_string();
    let settings = format!(
        "[data]\npath = '{path}'\nvalidation = 0.25\n[model]\nkind = 'mlp-energy'\nhidden = [5]\nconfinement = 2.0\n\
         [objective]\nkind = 'nce'\n[optimiser]\nlearning_rate = 0.02\n[train]\nsteps = 20\nbatch = 32\nvalidate_every = 0\n[compare]\n"
    );
    folder.write("head.toml", settings.as_bytes());
    folder
}

fn compare(folder: &Folder, trainings: &str) -> Value {
    let settings = folder.text("head.toml") + trainings;
    folder.write("compare.toml", settings.as_bytes());
    folder.succeed("compare compare.toml --out out --json").json()
}

/// ∇·s + ½‖s‖² by central differences of the score.
fn score_matching_losses(hand: &ByHand, rows: &Rows) -> Vec<f64> {
    const STEP: f64 = 1e-4;
    let mut losses: Vec<f64> =
        hand.scores(rows, 1.0).iter().map(|s| 0.5 * s.iter().map(|s| s * s).sum::<f64>()).collect();
    for j in 0..hand.row_len() {
        let moved = |by: f64| -> Rows {
            let mut rows = rows.clone();
            rows.iter_mut().for_each(|row| row[j] += by);
            hand.scores(&rows, 1.0)
        };
        let (up, down) = (moved(STEP), moved(-STEP));
        for (i, loss) in losses.iter_mut().enumerate() {
            *loss += (up[i][j] - down[i][j]) / (2.0 * STEP);
        }
    }
    losses
}

fn assert_mean(what: &str, found: &Value, values: &[f64]) {
    let (mean, error) = mean_and_error(values);
    assert_close(what, number(&found["value"]), mean);
    assert_same_error(&format!("error of {what}"), number(&found["standard_error"]), error);
}

/// The error of log Z is part of the likelihood's; where it is too large there is a reason instead.
fn assert_likelihood(name: &str, measured: &Value, values: &[f64], error: f64) {
    let found = &measured["log_likelihood"];
    if error > 0.5 {
        assert!(found.is_null() && measured["log_likelihood_left_out"].is_string(), "{name}: {measured}");
        return;
    }
    let (mean, of_rows) = mean_and_error(values);
    assert_close(&format!("{name}, log-likelihood"), number(&found["value"]), mean);
    assert_same_error(&format!("error of {name}"), number(&found["standard_error"]), of_rows.hypot(error));
}

/// Whose run it is, and what the clock says.
fn assert_run(folder: &Folder, one: &Value, hand: &ByHand) {
    let name = one["name"].as_str().unwrap();
    let run = name.split(',').next().unwrap();
    assert!(one["run"].as_str().unwrap().ends_with(&format!("out/{run}")), "{one}");
    assert_eq!(one["objective"], hand.settings.objective().name(), "{name}");
    assert_eq!(one["steps"], hand.step, "{name}");
    let text = folder.text(&format!("out/{run}/checkpoints/step-{:09}/manifest.json", hand.step));
    let manifest: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(one["seconds"], manifest["seconds"], "{name}");
}

#[test]
fn trainings_in_the_plane_are_measured_as_by_hand() {
    let folder = folder(2);
    let found = compare(
        &folder,
        "nce = []\nfce = ['objective.kind=fce', 'objective.flow_couplings=2', 'objective.flow_width=4']\n\
         flow = ['model.kind=real-nvp', 'objective.kind=ml', 'model.couplings=2', 'model.hidden=[4]', 'train.steps=150']\n\
         score = ['model.kind=mlp', 'objective.kind=ssm', 'model.embedding=0', 'model.hidden=[4]']\n",
    );
    let all = found["compared"].as_array().unwrap();
    let expected = [
        ("nce", "nce", AVERAGED),
        ("fce", "fce", AVERAGED),
        ("fce, its flow", "fce", FLOW),
        ("flow", "flow", AVERAGED),
        ("score", "score", AVERAGED),
    ];
    assert_eq!(
        all.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(),
        expected.map(|one| one.0)
    );
    for (one, (name, run, prefix)) in all.iter().zip(expected) {
        let hand = ByHand::open(&folder, &format!("out/{run}"), prefix);
        let (rows, measured) = (hand.own_held_out(), &one["measured"]);
        assert_eq!(rows.len(), HELD_OUT);
        assert_run(&folder, one, &hand);
        assert_mean(
            &format!("{name}, score matching loss"),
            &measured["score_matching_loss"],
            &score_matching_losses(&hand, &rows),
        );
        for key in ["fisher_divergence", "reverse_log_z", "effective_sample_size"] {
            assert!(measured[key].is_null(), "{name} has no {key}");
        }
        if !hand.model.has_density() {
            assert!(measured["log_z"].is_null() && measured["log_likelihood"].is_null(), "{name}: {one}");
            assert_eq!(measured["likelihood"], "score-alone", "{name}");
            continue;
        }
        let [log_z, error] = ["log_z", "log_z_error"].map(|key| number(&measured[key]));
        assert_quadrature(&hand, log_z, error);
        let off = hand.learnt_log_z.unwrap() - log_z;
        assert_close(
            &format!("{name}, learnt log Z less log Z"),
            number(&measured["learnt_log_z_error"]),
            off,
        );
        // A flow is normalised: its likelihood is exact, and log Z a check.
        let (kind, log_z, error) =
            if hand.model.is_normalised() { ("exact", 0.0, 0.0) } else { ("quadrature", log_z, error) };
        assert_eq!(measured["likelihood"], kind, "{name}");
        let likelihoods: Vec<f64> = hand.log_densities(&rows).iter().map(|f| f - log_z).collect();
        assert_likelihood(name, measured, &likelihoods, error);
    }
    let off = |at: usize| number(&all[at]["measured"]["learnt_log_z_error"]).abs();
    assert!(off(0) > 0.02, "the sign of what is off by next to nothing is no test: {}", off(0));
    assert!(found["truth_log_likelihood"].is_null());
    assert_table(&folder, &found);
}

/// Beyond the plane log Z is by annealing, forward and back.
#[test]
fn trainings_in_space_are_measured_as_by_hand() {
    let folder = folder(3);
    let found = compare(&folder, "nce = ['train.steps=60']\nsm = ['objective.kind=sm']\n");
    let all = found["compared"].as_array().unwrap();
    for (one, name) in all.iter().zip(["nce", "sm"]) {
        let hand = ByHand::open(&folder, &format!("out/{name}"), AVERAGED);
        let (rows, measured) = (hand.own_held_out(), &one["measured"]);
        assert_run(&folder, one, &hand);
        assert_mean(
            &format!("{name}, score matching loss"),
            &measured["score_matching_loss"],
            &score_matching_losses(&hand, &rows),
        );
        let (log_z, exact) = (number(&measured["log_z"]), in_space(&hand));
        let error = number(&measured["log_z_error"]);
        assert!(
            (log_z - exact).abs() < 5.0 * error && error < 0.1,
            "{name}: {log_z} ± {error}, by hand {exact}"
        );
        let reverse = &measured["reverse_log_z"];
        let (back, error) = (number(&reverse["value"]), number(&reverse["standard_error"]));
        assert!(
            back != log_z && error > 0.0 && (back - exact).abs() < 5.0 * error + 0.5,
            "{name}: {reverse}, by hand {exact}"
        );
        let ess = number(&measured["effective_sample_size"]);
        assert!((1.0..=256.0).contains(&ess), "{name}: {ess} of 256 chains");
        // The error of the delta method, or a larger one by the spread of the weights.
        let by_delta = error_of_weights(ess, 256.0, 0.0);
        assert!(number(&measured["log_z_error"]) > 0.99 * by_delta, "{name}: {measured}");
        let likelihoods: Vec<f64> = hand.log_densities(&rows).iter().map(|f| f - log_z).collect();
        assert_likelihood(name, measured, &likelihoods, number(&measured["log_z_error"]));
        match hand.learnt_log_z {
            Some(learnt) => {
                assert_close("learnt log Z", number(&measured["learnt_log_z_error"]), learnt - log_z)
            }
            None => assert!(measured["learnt_log_z_error"].is_null(), "{one}"),
        }
    }
    assert_table(&folder, &found);
}

/// log Z over a cube by sums of midpoints.
fn in_space(hand: &ByHand) -> f64 {
    const PLACES: usize = 60;
    let (half, n) = (9.0, PLACES as f64);
    let place = |i: usize| (2.0 * (i as f64 + 0.5) / n - 1.0) * half;
    let sheet = |i: usize| -> f64 {
        let pairs = (0..PLACES).flat_map(|j| (0..PLACES).map(move |k| (j, k)));
        let points: Vec<f64> = pairs.flat_map(|(j, k)| [place(i), place(j), place(k)]).collect();
        hand.on_grid(&points).iter().map(|f| f.exp()).sum()
    };
    (0..PLACES).map(sheet).sum::<f64>().ln() + 3.0 * (2.0 * half / n).ln()
}

/// Data whose density is known: the divergence from it over a grid, its likelihood, and the time to a
/// quality.
#[test]
fn trainings_on_a_known_density_are_measured_against_it() {
    let folder = Folder::new();
    let settings = "[data]\nname = 'two-moons'\n[model]\nkind = 'mlp-energy'\nhidden = [5]\nconfinement = 2.0\n\
                    [objective]\nkind = 'nce'\n[train]\nsteps = 20\nbatch = 32\nvalidate_every = 0\n[compare]\n";
    folder.write("head.toml", settings.as_bytes());
    let found = compare(
        &folder,
        "quality = 1e9\nnce = []\nlonger = ['train.steps=200', 'optimiser.learning_rate=0.02']\n",
    );
    let truth = enscore::data::toy("two-moons").unwrap();
    let point = |x: &[f64]| [x[0], x[1]];
    for (one, name) in found["compared"].as_array().unwrap().iter().zip(["nce", "longer"]) {
        let hand = ByHand::open(&folder, &format!("out/{name}"), AVERAGED);
        let rows = hand.rows_of_source("two-moons");
        let measured = &one["measured"];
        let points = grid(truth.window(), 200);
        let scores = hand.scores_on_grid(&points);
        let (mut off, mut zero) = (0.0, 0.0);
        for (x, s) in points.chunks(2).zip(scores.chunks(2)) {
            let (p, known) = (truth.log_density(&point(x)).exp(), truth.score(&point(x)));
            off += p * known.iter().zip(s).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            zero += p * known.iter().map(|a| a * a).sum::<f64>();
        }
        assert_close(
            &format!("{name}, relative divergence"),
            number(&measured["fisher_divergence"]["relative"]),
            off / zero,
        );
        let [log_z, error] = ["log_z", "log_z_error"].map(|key| number(&measured[key]));
        assert_quadrature(&hand, log_z, error);
        let flat: Vec<f64> = rows.iter().flatten().copied().collect();
        let likelihoods: Vec<f64> = hand.on_grid(&flat).iter().map(|f| f - log_z).collect();
        assert_likelihood(name, measured, &likelihoods, error);
        let of_truth: Vec<f64> = rows.iter().map(|row| truth.log_density(&point(row))).collect();
        assert_mean("the truth's log-likelihood", &found["truth_log_likelihood"], &of_truth);
        // Any divergence is below a billion: it was so at the end of the first tenth, and is known to have
        // been so ever after.
        let reached = number(&one["seconds_to_quality"]);
        assert!(reached > 0.0 && reached < number(&one["seconds"]), "{one}");
    }
    assert_table(&folder, &found);
    let text = folder.text("out/comparison.md");
    let truth = [&found["truth_log_likelihood"]["value"], &found["truth_log_likelihood"]["standard_error"]]
        .map(number);
    let said = format!(
        "The truth has a held-out log-likelihood of {:.4} ± {:.4} nats. Quality: a relative Fisher divergence of 1000000000.",
        truth[0], truth[1]
    );
    assert!(text.contains(&said), "{text}");
    let never = compare(
        &folder,
        "quality = 1e-9\nnce = []\nlonger = ['train.steps=200', 'optimiser.learning_rate=0.02']\n",
    );
    assert!(never["compared"][0]["seconds_to_quality"].is_null(), "{never}");
}

/// Places in a box, those on its border left out: nothing is there.
fn grid(window: [[f64; 2]; 2], intervals: usize) -> Vec<f64> {
    let place = |axis: usize, i: usize| {
        let [low, high] = window[axis];
        low + (high - low) * i as f64 / intervals as f64
    };
    let pairs = (1..intervals).flat_map(|i| (1..intervals).map(move |j| (i, j)));
    pairs.flat_map(|(i, j)| [place(0, i), place(1, j)]).collect()
}

/// Bits per dimension are those of an evaluation.
#[test]
fn flows_of_levels_have_bits_per_dimension() {
    let folder = Folder::new();
    let settings = "[data]\nname = 'digits'\ndequantise = true\nvalidation = 0.2\n[model]\nkind = 'real-nvp'\n\
                    hidden = [8]\n[objective]\nkind = 'ml'\n[train]\nsteps = 20\nbatch = 32\nvalidate_every = 0\n[compare]\n";
    folder.write("head.toml", settings.as_bytes());
    let found = compare(&folder, "short = []\nlong = ['train.steps=40']\n");
    assert_table(&folder, &found);
    let run = found["compared"][1]["run"].as_str().unwrap();
    let evaluated = folder.succeed(&format!("evaluate {run} --samples 0 --json")).json();
    let figures = evaluated["figures"].as_array().unwrap();
    let bits = figures.iter().find(|figure| figure["id"] == "bits_per_dim").unwrap();
    let measured = &found["compared"][1]["measured"]["bits_per_dim"];
    assert_close("bits per dimension", number(&measured["value"]), number(&bits["value"]));
    assert_close("their error", number(&measured["standard_error"]), number(&bits["std_err"]));
}

#[test]
fn trainings_that_hold_no_rows_out_are_compared() {
    let folder = folder(2);
    let settings = folder.text("head.toml").replace("validation = 0.25", "validation = 0") + "nce = []\n";
    folder.write("compare.toml", settings.as_bytes());
    let ran = folder.succeed("compare compare.toml --out bare");
    assert!(ran.stdout.contains("no rows are held out") && ran.stdout.contains("log Z"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("held-out log-likelihood"), "{}", ran.stdout);
}
