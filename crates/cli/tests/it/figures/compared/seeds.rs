//! `enscore compare` over several seeds: means and spreads beside plain ones, the folders of the runs, what
//! is refused, and every family in one table.

use std::path::Path;

use enscore::checkpoint::RunFolder;
use serde_json::Value;

use crate::common::{Folder, png_size, signal};
use crate::figures::plain::by_hand::{assert_close, number};

/// Points of the plane and a family in each line.
const FAMILIES: &str = "[data]\nname = 'two-moons'\nvalidation = 0.01\n[model]\nkind = 'mlp-energy'\nhidden = [6]\n\
    confinement = 2.0\n[objective]\nkind = 'nce'\n[train]\nsteps = 20\nbatch = 32\nvalidate_every = 0\n\
    [compare]\nsamples = 40\n";

const TRAININGS: &str = "energy = []\n\
    flow = ['model.kind=real-nvp', 'objective.kind=ml', 'model.couplings=2', 'model.hidden=[4]']\n\
    vae = ['model.kind=mlp-vae', 'model.latents=2', 'model.hidden=[4]', 'model.likelihood=gaussian', 'objective.kind=elbo']\n\
    gan = ['model.kind=mlp-generator', 'model.latents=2', 'model.hidden=[4]', 'objective.kind=wgan-gp', 'objective.critic_hidden=[4]']\n\
    score = ['model.kind=mlp', 'model.hidden=[4]', 'objective.kind=ncsn', 'objective.levels=3']\n";

fn write(folder: &Folder, name: &str, seeds: &str) {
    folder.write(name, format!("{FAMILIES}{seeds}{TRAININGS}").as_bytes());
}

/// Mean and sample standard deviation, in the plainest way.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0)).sqrt())
}

/// Where the runs have a figure of the means.
fn of_run(run: &Value, id: &str) -> Option<f64> {
    let measured = &run["measured"];
    match id {
        "training_seconds" => run["seconds"].as_f64(),
        "sampling_seconds" => Some(run["sampled"]["seconds"].as_f64()? * 1000.0 / 40.0),
        "log_likelihood" => measured["log_likelihood"]["value"]
            .as_f64()
            .or(measured["log_likelihood_bound"]["value"].as_f64()),
        "relative_fisher_divergence" => measured["fisher_divergence"]["relative"].as_f64(),
        "seconds_to_quality" => run["seconds_to_quality"].as_f64(),
        "milliseconds_per_step" => Some(number(&run["seconds"]) * 1000.0 / number(&run["steps"])),
        "score_matching_loss" => measured["score_matching_loss"]["value"].as_f64(),
        "log_z" => measured["log_z"].as_f64(),
        "learnt_log_z_error" => measured["learnt_log_z_error"].as_f64(),
        word => {
            let metrics = run["sampled"]["metrics"].as_array()?;
            let found = metrics.iter().find(|metric| metric["name"].as_str().unwrap().starts_with(word))?;
            found["value"].as_f64()
        }
    }
}

/// Numbers in the tensors of the averaged weights that are the model's.
fn counted(run: &Path) -> u64 {
    let loaded = RunFolder::open(run).unwrap().latest_checkpoint().unwrap().unwrap();
    let is_own = |name: &str| {
        name.strip_prefix("ema.")
            .is_some_and(|name| !["critic", "log_z"].iter().any(|other| name.starts_with(other)))
    };
    let own = loaded.tensors.iter().filter(|(name, _)| is_own(name));
    own.map(|(_, tensor)| tensor.shape().iter().product::<usize>() as u64).sum()
}

#[test]
fn every_family_over_seeds_is_a_row_of_means_and_spreads() {
    let folder = Folder::new();
    write(&folder, "all.toml", "seeds = [4, 0, 9]\n");
    let found = folder.succeed("compare all.toml --out out --json").json();
    let (runs, rows) = (found["compared"].as_array().unwrap(), found["over_seeds"].as_array().unwrap());
    let names = ["energy", "flow", "vae", "gan", "score"];
    assert_eq!(rows.iter().map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    assert_eq!(runs.len(), 15);
    let kinds = ["quadrature", "exact", "bound", "samples-alone", "score-alone"];
    for (row, kind) in rows.iter().zip(kinds) {
        let name = row["name"].as_str().unwrap();
        assert_eq!((&row["seeds"], &row["likelihood"]), (&serde_json::json!([4, 0, 9]), &Value::from(kind)));
        let own: Vec<&Value> = runs.iter().filter(|run| run["name"] == name).collect();
        for (run, seed) in own.iter().zip([4, 0, 9]) {
            let path = folder.path(&format!("out/{name}/seed-{seed}"));
            assert!(run["run"].as_str().unwrap().ends_with(&format!("out/{name}/seed-{seed}")), "{run}");
            assert!(
                folder
                    .text(&format!("out/{name}/seed-{seed}/settings.toml"))
                    .contains(&format!("seed = {seed}\n"))
            );
            assert_eq!(
                (&run["seed"], run["parameters"].as_u64()),
                (&Value::from(seed), Some(counted(&path))),
                "{name}"
            );
            assert!(number(&run["sampled"]["seconds"]) > 0.0 && run["sampled"]["samples"] == 40, "{run}");
            let metrics = run["sampled"]["metrics"].as_array().unwrap();
            assert!(metrics.len() == 4 && metrics.iter().all(|metric| metric["null"].is_number()), "{run}");
        }
        let figures = row["figures"].as_array().unwrap();
        assert!(figures.len() >= 7, "{row}");
        for figure in figures {
            let id = figure["id"].as_str().unwrap();
            let values: Vec<f64> = own.iter().filter_map(|run| of_run(run, id)).collect();
            assert_eq!(figure["runs"], values.len(), "{name}, {id}");
            let (mean, deviation) = mean_and_deviation(&values);
            assert_close(&format!("{name}, {id}"), number(&figure["mean"]), mean);
            if values.len() > 1 {
                assert_close(
                    &format!("{name}, {id}, spread"),
                    number(&figure["standard_deviation"]),
                    deviation,
                );
            }
        }
        let has_likelihood = figures.iter().any(|figure| figure["id"] == "log_likelihood");
        assert_eq!(has_likelihood, ["energy", "flow", "vae"].contains(&name), "{row}");
    }
    let text = folder.text("out/comparison.md");
    let line =
        |name: &str| text.lines().find(|line| line.starts_with(&format!("| {name} "))).unwrap().to_string();
    assert!(line("vae").contains("| bound |") && line("vae").contains("≥ "), "{text}");
    assert!(line("flow").contains("| exact |") && line("gan").contains("| none: samples |"), "{text}");
    assert!(
        text.contains("Means over 3 seeds, ± the sample standard deviation over them (divisor n - 1)"),
        "{text}"
    );
    assert!(png_size(&folder.path("out/comparison.png")).0 > 600);
}

/// A comparison that was interrupted goes on: runs that are done are neither trained nor sampled again, and
/// the others come out as they would have.
#[test]
fn an_interrupted_comparison_goes_on_with_the_seeds_that_are_missing() {
    let folder = Folder::new();
    let trainings = "a = []\nb = ['train.batch=16']\n";
    let head = FAMILIES.replace("steps = 20", "steps = 4000");
    folder.write("two.toml", format!("{head}seeds = [0, 1]\n{trainings}").as_bytes());
    let whole = folder.succeed("compare two.toml --out whole --json").json();
    let child = folder.command("compare two.toml --out out").spawn().unwrap();
    while !folder.exists("out/a/seed-1/manifest.json") {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    signal(&child, "INT");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert!(!folder.exists("out/b") && !folder.exists("out/comparison.md"));
    let done = folder.text("out/a/seed-0/sampled.json");
    let again = folder.succeed("compare two.toml --out out --json").json();
    assert_eq!(folder.text("out/a/seed-0/sampled.json"), done, "what is done is not drawn again");
    for (whole, again) in
        whole["compared"].as_array().unwrap().iter().zip(again["compared"].as_array().unwrap())
    {
        let of =
            |run: &Value| [&run["name"], &run["seed"], &run["steps"], &run["measured"]].map(Value::clone);
        assert_eq!(of(whole), of(again), "as without a stop");
        assert_eq!(whole["sampled"]["metrics"], again["sampled"]["metrics"]);
    }
    let third = folder.succeed("compare two.toml --out out --json").json();
    assert_eq!(third["compared"], again["compared"], "nothing is trained or drawn again");
}

#[test]
fn one_seed_lies_where_it_always_did() {
    let folder = Folder::new();
    folder.write("one.toml", format!("{FAMILIES}a = []\n").as_bytes());
    folder.write("three.toml", format!("{FAMILIES}seeds = [3]\na = []\n").as_bytes());
    let plain = folder.succeed("compare one.toml --out one --json").json();
    assert!(folder.exists("one/a/manifest.json") && plain["compared"][0]["seed"] == 0);
    assert!(plain["over_seeds"][0]["figures"][0]["standard_deviation"].is_null());
    let three = folder.succeed("compare three.toml --out three --json").json();
    assert!(folder.exists("three/a/manifest.json") && three["compared"][0]["seed"] == 3);
    // A folder of one seed is no place for several, nor the other way about.
    let ran = folder.run("compare one.toml --out one --seeds 0,1");
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{ran:?}");
    assert!(
        ran.stderr.contains("a run of one seed") && ran.stderr.contains("one/a/seed-0"),
        "{}",
        ran.stderr
    );
    folder.succeed("compare one.toml --out two --seeds 0,1");
    let ran = folder.run("compare one.toml --out two");
    assert!(ran.code == Some(2) && ran.stderr.contains("runs of several seeds"), "{ran:?}");
}

#[test]
fn wrong_seeds_are_refused_in_one_line() {
    let folder = Folder::new();
    let cases = [
        ("seeds = []\na = []", "", "found []"),
        ("seeds = [1, 2, 1]\na = []", "", "1 more than once"),
        ("seeds = [-1]\na = []", "", "whole numbers of at least 0"),
        ("seeds = 3\na = []", "", "found 3"),
        ("seeds = ['objective.kind=sm']\na = []", "", "give it another name"),
        ("samples = 1\na = []", "", "wrong value for compare.samples"),
        ("seeds = [1, 2]\na = ['train.seed=5']", "", "a seed beside those of all runs"),
        ("a = []", " --seeds 1,1", "1 more than once"),
        ("a = []", " --seeds 1,2 --set train.seed=3", "a seed beside those of all runs"),
        ("a = []", " --seeds 1,x", "--seeds"),
        ("seeds = [1, 2]", "", "nothing to compare"),
    ];
    let head = FAMILIES.replace("samples = 40\n", "");
    for (trainings, arguments, expected) in cases {
        folder.write("wrong.toml", format!("{head}{trainings}\n").as_bytes());
        let ran = folder.run(&format!("compare wrong.toml --out x{arguments}"));
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{trainings}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{trainings}{arguments}: {}", ran.stderr);
        assert!(!folder.exists("x"));
    }
}

/// Models of images: their sheets stand side by side, and bits per dimension
/// say whether they are exact or a bound.
#[test]
fn families_of_images_are_sheets_beside_each_other() {
    let folder = Folder::new();
    let settings = "[data]\nname = 'digits'\nvalidation = 0.2\n[model]\nkind = 'pixelcnn'\nchannels = 4\nlayers = 2\n\
        pixels = 'discretised-logistic-mixture'\ncomponents = 2\n[train]\nsteps = 5\nbatch = 16\nvalidate_every = 0\n\
        [compare]\nsamples = 24\npixelcnn = []\n\
        vae = ['model.kind=conv-vae', 'model.channels=4', 'model.latents=2', 'model.likelihood=discretised-logistic']\n\
        flow = ['data.dequantise=true', 'model.kind=real-nvp', 'objective.kind=ml', 'model.hidden=[4]']\n";
    folder.write("images.toml", settings.as_bytes());
    let found = folder.succeed("compare images.toml --out out --json").json();
    let kinds = ["exact", "bound", "dequantised-bound"];
    for (one, kind) in found["compared"].as_array().unwrap().iter().zip(kinds) {
        let measured = &one["measured"];
        assert_eq!(measured["likelihood"], kind);
        let key = if kind == "exact" { "log_likelihood" } else { "log_likelihood_bound" };
        // Nats of a row are 64 ln 2 for each bit per dimension.
        let bits = number(&measured["bits_per_dim"]["value"]);
        assert_close(kind, -number(&measured[key]["value"]) / (64.0 * std::f64::consts::LN_2), bits);
        let run = one["run"].as_str().unwrap();
        let evaluated = folder.succeed(&format!("evaluate {run} --samples 24 --draws 200 --json")).json();
        let figures = evaluated["figures"].as_array().unwrap();
        let same = figures.iter().find(|figure| figure["id"] == "bits_per_dim").unwrap();
        assert_close(kind, bits, number(&same["value"]));
        // The metrics are those of an evaluation of as many samples.
        for metric in one["sampled"]["metrics"].as_array().unwrap() {
            let same = &evaluated["metrics"][metric["name"].as_str().unwrap()];
            for key in ["value", "null", "null_std", "n"] {
                assert_eq!(metric[key], same[key], "{key} of {metric}");
            }
        }
    }
    let text = folder.text("out/comparison.md");
    assert!(text.contains("≤ ") && text.contains("| bound (dequantised) |"), "{text}");
    let (wide, high) = png_size(&folder.path("out/comparison.png"));
    assert!(wide > 4 * 8 * 56 && high > 8 * 56, "four sheets of 64 images: {wide} x {high}");
}

/// Tables: a picture of columns, a line a training.
#[test]
fn families_of_tables_are_distributions_of_columns() {
    let folder = Folder::new();
    let cell =
        |i: usize, j: usize| format!("{:.4}", (i as f64 * 0.731 + j as f64 * 1.9).sin() * (j + 1) as f64);
    let line = |i: usize| (0..5).map(|j| cell(i, j)).collect::<Vec<_>>().join(",") + "\n";
    folder
        .write("table.csv", ("a,b,c,d,e\n".to_string() + &(0..300).map(line).collect::<String>()).as_bytes());
    let settings = format!(
        "[data]\npath = '{}'\npreprocess = 'whiten'\ntest_fraction = 0.3\n[model]\nkind = 'gaussian'\n[train]\nsteps = 1\n\
         [compare]\nsamples = 60\ngaussian = []\nmade = ['model.kind=made', 'model.hidden=[8]', \
         'model.conditionals=gaussian-mixture', 'train.steps=10']\n",
        folder.path("table.csv").display()
    );
    folder.write("table.toml", settings.as_bytes());
    let found = folder.succeed("compare table.toml --out out --format svg --json").json();
    let svg = folder.text("out/comparison.svg");
    for name in ["gaussian: ", "made: "] {
        assert_eq!(svg.matches(&format!(">{name}")).count(), 4, "four columns of {name}");
    }
    // In the data's own units, as an evaluation gives it.
    for one in found["compared"].as_array().unwrap() {
        let run = one["run"].as_str().unwrap();
        let evaluated = folder.succeed(&format!("evaluate {run} --samples 0 --json")).json();
        let figures = evaluated["figures"].as_array().unwrap();
        let same = figures.iter().find(|figure| figure["id"] == "log_likelihood").unwrap();
        assert_close(
            "log-likelihood",
            number(&one["measured"]["log_likelihood"]["value"]),
            number(&same["value"]),
        );
    }
}
