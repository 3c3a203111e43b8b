//! What commands answer: one JSON object or readable lines on stdout, nothing on stderr, and the files that
//! they name.

use crate::common::{Folder, png_size};
use serde_json::Value;

fn has_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some_and(|value| !value.is_null()), "no {key} in {value}");
    }
}

fn has_evaluation(value: &Value) {
    has_keys(
        value,
        &["loss_per_dim", "std_err", "rows", "levels", "affine", "metrics", "report", "held_out"],
    );
    for level in value["levels"].as_array().unwrap() {
        has_keys(level, &["sigma", "loss", "std_err", "affine"]);
    }
    let metrics = value["metrics"].as_object().unwrap();
    assert_eq!(metrics.len(), 7);
    // Few rows have no fifth neighbours.
    let found = metrics.values().filter(|metric| metric["reason"].is_null());
    assert_eq!(
        found
            .inspect(|metric| has_keys(metric, &["value", "null", "null_std", "n", "larger_is_better"]))
            .count(),
        if metrics.contains_key("coverage") { 4 } else { 7 }
    );
}

/// Nothing of a page is loaded from elsewhere; links that a reader may follow are no loads.
fn is_self_contained(page: &str) {
    assert!(page.contains("<html") && page.contains("data:image/png;base64,"));
    for load in
        ["src=\"http", "src='http", "src=\"//", "<link", "<script src", "@import", "url(http", "<iframe"]
    {
        assert!(!page.contains(load), "{load}");
    }
    let sources = page.match_indices("src=\"").map(|(at, _)| &page[at + 5..at + 10]);
    assert!(sources.into_iter().all(|source| source == "data:"));
}

#[test]
fn commands_on_an_image_run_answer_with_their_keys_and_pictures() {
    let folder = Folder::new();
    let trained = folder.succeed("train unet.toml --out run --json --set train.steps=20").json();
    has_keys(&trained, &["run", "step", "steps", "seconds", "loss_per_dim", "evaluation", "report"]);
    assert_eq!((trained["step"].as_u64(), trained["steps"].as_u64()), (Some(20), Some(20)));
    has_evaluation(&trained["evaluation"]);
    assert_eq!(trained["evaluation"]["held_out"], "test");
    assert_eq!(trained["evaluation"]["rows"], 297);
    is_self_contained(&folder.text("run/report.html"));
    // Eight 8x8 images, seven times enlarged, with two pixels between and around them, in eight rows of a
    // sheet of 64.
    assert_eq!(png_size(&folder.path("run/samples.png")), (8 * 58 + 2, 8 * 58 + 2));

    let evaluated = folder.succeed("evaluate run --json --samples 8").json();
    has_keys(&evaluated, &["run", "step"]);
    has_evaluation(&evaluated);
    // The same rows and noise as after the training.
    assert_eq!(evaluated["loss_per_dim"], trained["evaluation"]["loss_per_dim"]);
    assert_eq!(png_size(&folder.path("run/samples.png")), (8 * 58 + 2, 58 + 2));
    let one = folder.succeed("evaluate run --json --metrics frechet --max-rows 10 --samples 8").json();
    assert_eq!((one["metrics"].as_object().unwrap().len(), one["rows"].as_u64()), (1, Some(10)));

    let sampled = folder.succeed("sample run --num 10 --seed 3 --json --trajectory strip.png").json();
    has_keys(&sampled, &["samples", "num", "seed", "seconds", "trajectory"]);
    assert_eq!(sampled["samples"], "run/samples/sample-seed3.png");
    assert_eq!(png_size(&folder.path("run/samples/sample-seed3.png")), (8 * 58 + 2, 2 * 58 + 2));
    // Eight chains; the start, four levels, the denoised end.
    assert_eq!(png_size(&folder.path("strip.png")), (6 * 58 + 2, 8 * 58 + 2));
    folder.succeed("sample run --num 100 --out hundred.png");
    assert_eq!(png_size(&folder.path("hundred.png")), (10 * 58 + 2, 10 * 58 + 2));
}

#[test]
fn commands_on_a_run_on_vectors_answer_with_tables_that_are_data_again() {
    let folder = Folder::new();
    let text = folder.succeed("train mlp.toml").stdout;
    assert!(text.contains("held-out loss") && text.contains("runs/mlp/report.html"), "{text}");
    assert!(folder.text("runs/mlp/report.html").contains("<svg"));
    let evaluated = folder.succeed("evaluate runs/mlp --json").json();
    has_evaluation(&evaluated);
    assert_eq!((&evaluated["held_out"], &evaluated["rows"]), (&"validation".into(), &10.into()));
    let sampled = folder.succeed("sample runs/mlp --json").json();
    assert_eq!(
        (&sampled["samples"], &sampled["num"]),
        (&"runs/mlp/samples/sample-seed0.csv".into(), &8.into())
    );
    let table = folder.text("runs/mlp/samples/sample-seed0.csv");
    assert_eq!((table.lines().next(), table.lines().count()), (Some("a,b"), 9));
    // What was sampled is data again.
    let other = folder.succeed("evaluate runs/mlp --json --data runs/mlp/samples/sample-seed0.csv").json();
    assert_eq!((&other["held_out"], &other["rows"]), (&"other".into(), &8.into()));
    folder.succeed("sample runs/mlp --out points.png --num 50");
    assert!(png_size(&folder.path("points.png")).0 > 400);
    folder.succeed("train mlp.toml --out bare --no-report --json");
    assert!(!folder.exists("bare/report.html"));
}

#[test]
fn data_sets_and_settings_are_listed_and_described() {
    let folder = Folder::new();
    let info = folder.succeed("data info digits --json").json();
    has_keys(&info, &["name", "source", "rows", "test_rows", "shape", "scale", "fingerprint", "labels"]);
    assert_eq!((&info["rows"], &info["scale"]["levels"]), (&1500.into(), &17.into()));
    let info = folder.succeed("data info points.csv --json").json();
    assert_eq!(info["columns"], serde_json::json!(["a", "b"]));
    assert!(info["test_rows"].is_null());
    let list = folder.succeed("data list --json").json();
    list["data"].as_array().unwrap().iter().for_each(|data| has_keys(data, &["name", "licence", "source"]));
    let keys = folder.succeed("settings --json").json();
    let keys = keys["settings"].as_array().unwrap().clone();
    assert!(keys.iter().any(|key| key["key"] == "train.steps" && key["default"] == "1000"));
    let page = folder.succeed("settings").stdout;
    for key in keys {
        let name = key["key"].as_str().unwrap().split_once('.').unwrap().1.to_string();
        assert!(page.contains(&format!("\n{name} = ")) || page.contains(&format!("\n# {name} =")), "{name}");
    }
}

/// The snippet that `suggest` prints is settings that train.
#[test]
fn a_suggestion_is_ready_to_be_used() {
    let folder = Folder::new();
    let json = folder.succeed("suggest digits --steps 3 --rule reference-code --json").json();
    has_keys(&json, &["sigma_max", "sigma_min", "levels", "ratio", "step_size", "rule", "rows_used"]);
    let halves = folder.succeed("suggest digits --steps 3 --json").json();
    let size = |value: &Value| value["step_size"].as_f64().unwrap();
    assert!((size(&halves) / size(&json) - 2.0).abs() < 1e-12);
    let snippet = folder.succeed("suggest points.csv --steps 3").stdout;
    let model = "[data]\npath = \"points.csv\"\n[model]\nkind = \"mlp\"\nhidden = [8]\n[train]\nsteps = 5\n";
    folder.write("suggested.toml", format!("{snippet}{model}").as_bytes());
    folder.succeed("train suggested.toml --out run --no-report");
    assert!(folder.text("run/settings.toml").contains("steps_per_level = 3"));
}

#[test]
fn samples_are_in_raw_units_and_do_not_depend_on_batches() {
    let folder = Folder::new();
    folder.succeed("train unet.toml --out run --no-report --set train.steps=20");
    let draw = |name: &str, more: &str| {
        folder.succeed(&format!("sample run --seed 5 --out {name} {more}"));
        folder.npy(name)
    };
    let ten = draw("ten.npy", "--num 10 --set sampler.batch=10");
    let batches = draw("batches.npy", "--num 10 --set sampler.batch=3");
    let four = draw("four.npy", "--num 4");
    assert_eq!((ten.len(), four.len()), (640, 256));
    // To the last bit: programs have the same shape however many are asked for.
    assert_eq!(ten, batches);
    assert_eq!(ten[..four.len()], four);
    let other = draw("other.npy", "--num 10 --set sampler.denoise=false");
    assert_ne!(ten, other);
    // Levels 0 to 16, a little noise around them.
    assert!(ten.iter().any(|value| *value > 4.0), "{ten:?}");
    folder.succeed("sample run --seed 5 --num 4 --out four.csv");
    let table = folder.text("four.csv");
    let cells: Vec<f32> =
        table.lines().skip(1).flat_map(|row| row.split(',')).map(|x| x.parse().unwrap()).collect();
    assert_eq!(cells, four);
}

#[test]
fn a_reader_who_stops_early_is_no_failure() {
    let folder = Folder::new();
    let mut child = folder.command("settings").spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn help_and_version_are_answers() {
    let folder = Folder::new();
    let help = folder.succeed("--help").stdout;
    for command in ["demo", "train", "sample", "evaluate", "suggest", "data", "lecture", "settings"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
        assert!(folder.succeed(&format!("{command} --help")).stdout.contains("Usage: enscore"));
    }
    assert!(folder.succeed("--version").stdout.starts_with("enscore "));
}
