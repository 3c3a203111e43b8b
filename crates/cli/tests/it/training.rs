//! Trainings that end early, that diverge, and that start from another run.

use crate::common::Folder;

#[test]
fn a_training_that_diverges_keeps_its_last_good_state() {
    let folder = Folder::new();
    let wild = "--set optimiser.learning_rate=1e38 --set optimiser.clip_norm=0";
    let ran = folder.run(&format!("train mlp.toml --out run {wild}"));
    // A line for each return, and the end.
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.lines().count()), (Some(1), "", 4), "{ran:?}");
    assert!(ran.stderr.lines().take(3).all(|line| line.starts_with("enscore: warning: step ")), "{ran:?}");
    assert!(ran.stderr.contains("\nenscore: training diverged: step "), "{}", ran.stderr);
    assert!(ran.stderr.contains("is not finite") && ran.stderr.contains("learning_rate"), "{}", ran.stderr);
    let step = folder.latest_step("run");
    assert!(ran.stderr.contains("after 3 returns"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("step-{step:09}")), "{}", ran.stderr);
    let tensors = folder.tensors("run", step);
    assert!(!tensors.is_empty() && tensors.values().flatten().all(|value| value.is_finite()));
    let text = folder.text("run/metrics.jsonl").to_lowercase();
    assert!(!text.contains("nan") && !text.contains("inf"), "{text}");
    // Every line is JSON.
    folder.metrics("run");
    assert!(!folder.exists("run/report.html"));
}

#[test]
fn a_wall_time_ends_a_training_with_a_checkpoint() {
    let folder = Folder::new();
    let limit = "--set train.wall_time_minutes=0.01 --set train.steps=100000000 --set train.decay_by=time";
    let ended = folder.succeed(&format!("train mlp.toml --out run --json --no-report {limit}")).json();
    let step = ended["step"].as_u64().unwrap();
    assert!((1..100_000_000).contains(&step) && ended["seconds"].as_f64().unwrap() >= 0.6, "{ended}");
    assert_eq!(folder.latest_step("run"), step);
    // With more time it goes on.
    let more = "--set train.wall_time_minutes=0.02 --set train.steps=100000000 --set train.decay_by=time";
    let resumed =
        folder.succeed(&format!("train mlp.toml --out run --json --no-report --resume {more}")).json();
    assert!(resumed["step"].as_u64().unwrap() > step);
}

#[test]
fn a_warm_start_takes_the_averaged_weights() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out first --no-report");
    // A step so small that no bit of a weight moves.
    let still = "--no-report --set train.steps=1 --set optimiser.learning_rate=1e-30";
    folder.succeed(&format!("train mlp.toml --out warm --set train.warm_start=first {still}"));
    folder.succeed(&format!("train mlp.toml --out cold {still}"));
    let (first, warm, cold) =
        (folder.tensors("first", 40), folder.tensors("warm", 1), folder.tensors("cold", 1));
    let weight = "hidden.0.weight";
    assert_eq!(warm[weight], first[&format!("ema.{weight}")]);
    assert_ne!(warm[weight], first[weight]);
    assert_ne!(warm[weight], cold[weight]);
    let ran = folder.run(&format!("train mlp.toml --out lost --set train.warm_start=nowhere {still}"));
    assert_eq!((ran.code, folder.exists("lost")), (Some(2), false), "{ran:?}");
}

#[test]
fn a_resumed_training_may_be_longer_and_a_finished_one_is_reported_again() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    let longer = folder.succeed("train mlp.toml --out run --resume --json --set train.steps=50").json();
    assert_eq!(longer["step"], 50);
    assert!(folder.exists("run/report.html"));
    let again = folder.succeed("train mlp.toml --out run --resume --json --set train.steps=50").json();
    assert_eq!((&again["step"], &again["loss_per_dim"]), (&50.into(), &serde_json::Value::Null));
    let steps: Vec<u64> =
        folder.metrics("run").iter().filter_map(|row| row.get("loss").and(row["step"].as_u64())).collect();
    assert_eq!(steps, [10, 20, 30, 40, 50]);
}

#[test]
fn pictures_are_drawn_on_the_way() {
    let folder = Folder::new();
    folder.succeed("train unet.toml --out run --no-report --set train.steps=4 --set train.sample_every=2");
    assert!(
        folder.exists("run/samples/step-000000002.png") && folder.exists("run/samples/step-000000004.png")
    );
    // Messages come where they are asked for.
    let ran = folder.run("train mlp.toml --out loud --no-report --verbose");
    assert!(ran.code == Some(0) && ran.stderr.contains("step 20: validation loss"), "{ran:?}");
}

#[test]
fn products_in_bfloat16_learn_alike_or_are_refused() {
    let folder = Folder::new();
    let train = "--no-report --json --set model.hidden=[64,64] --set train.batch=64";
    let single = folder.succeed(&format!("train mlp.toml --out single {train}")).json();
    let ran = folder.run(&format!("train mlp.toml --out rounded {train} --set train.products=bf16"));
    if ran.code == Some(2) {
        assert!(ran.stderr.contains("train.products") && ran.stderr.lines().count() == 1, "{ran:?}");
        assert!(!folder.exists("rounded"));
        return println!("skipped: this processor has no AVX-512 BF16");
    }
    let rounded = ran.json();
    let losses = [&single, &rounded].map(|answer| answer["loss_per_dim"].as_f64().unwrap());
    assert!((losses[0] - losses[1]).abs() < 0.02 * losses[0].abs(), "{losses:?}");
    let weights = ["single", "rounded"].map(|run| folder.tensors(run, 40)["hidden.1.weight"].clone());
    assert_ne!(weights[0], weights[1]);
    let ran = folder.run(&format!("train mlp.toml --out other {train} --set train.products=half"));
    assert!(ran.code == Some(2) && ran.stderr.contains("\"single\" or \"bf16\""), "{ran:?}");
}

/// A first update that shows divergence: the learning rate had no say in it, so that no return is tried and
/// another remedy is named.
#[test]
fn the_remedy_after_divergence_fits_its_cause() {
    let folder = Folder::new();
    let raw: String =
        (0..200).map(|i| format!("{},{}\n", 4000 + 37 * (i % 17), 900 + 11 * (i % 23))).collect();
    folder.write("raw.csv", raw.as_bytes());
    let machine = "[data]\npath = \"raw.csv\"\n[model]\nkind = \"rbm\"\nvisible = \"gaussian\"\nhidden = 4\n\
                   [objective]\nkind = \"cd\"\n[train]\nsteps = 20\nbatch = 16\n[optimiser]\nlearning_rate = 1e-9\n";
    folder.write("machine.toml", machine.as_bytes());
    let ran = folder.run("train machine.toml --out raw --no-report");
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(1), 2), "{ran:?}");
    assert!(ran.stderr.starts_with("enscore: warning: the values have standard deviations"), "{ran:?}");
    assert!(ran.stderr.contains("scale the data") && ran.stderr.contains("data.preprocess"), "{ran:?}");
    assert!(!ran.stderr.contains("learning_rate") && !ran.stderr.contains("returns"), "{ran:?}");
    let chains = "[data]\npath = \"points.csv\"\n[model]\nkind = \"mlp-energy\"\nhidden = [8]\n\
                  [objective]\nkind = \"cd\"\nstep_size = 1e6\nnoise_std = 0.1\n[train]\nsteps = 20\nbatch = 16\n";
    folder.write("chains.toml", chains.as_bytes());
    let ran = folder.run("train chains.toml --out chains --no-report");
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(1), 1), "{ran:?}");
    let remedy = "try a smaller objective.step_size (it is 1000000) and objective.noise_std (it is 0.1)";
    assert!(ran.stderr.contains(remedy) && !ran.stderr.contains("learning_rate"), "{ran:?}");
    assert!(ran.stderr.contains("training diverged: step 1: "), "{ran:?}");
}

/// A game whose flow loses the data: the losses of both players vanish, and only the flow tells.
#[test]
fn a_game_that_collapses_is_noticed() {
    let folder = Folder::new();
    let game = "[data]\nname = \"two-moons\"\n[model]\nkind = \"mlp-energy\"\nhidden = [32]\n[objective]\nkind = \"fce\"\n\
                flow_width = 16\n[optimiser]\nlearning_rate = 2.0\n[train]\nsteps = 300\nbatch = 64\n[stability]\nrollbacks = 1\n";
    folder.write("game.toml", game.as_bytes());
    let ran = folder.run("train game.toml --out run --no-report");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("training diverged"), "{ran:?}");
}

#[test]
fn a_training_resumed_from_an_older_checkpoint_says_so() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    folder.write("run/checkpoints/step-000000040/state.safetensors", b"cut");
    let ran = folder.run("train mlp.toml --out run --no-report --resume --json");
    assert!(ran.stderr.contains("resumed from step 30"), "{ran:?}");
    let json = ran.json();
    assert!(json["warnings"][0].as_str().unwrap().contains("damaged"), "{json}");
    assert_eq!(json["step"], 40);
}

/// One that diverges doesn't take the others' table with it.
#[test]
fn a_comparison_goes_on_after_a_training_that_diverges() {
    let folder = Folder::new();
    let trainings = "[compare]\nsound = []\nwild = [\"optimiser.learning_rate=1e38\", \"optimiser.clip_norm=0\"]\n\
                     other = [\"train.seed=3\"]\n";
    folder.write("compare.toml", (folder.text("mlp.toml") + trainings).as_bytes());
    let ran = folder.run("compare compare.toml --out out --json");
    let json = ran.json();
    let names: Vec<&str> =
        json["compared"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sound", "other"]);
    assert_eq!(json["failed"][0]["name"], "wild");
    assert!(ran.stderr.contains("run wild: training diverged"), "{}", ran.stderr);
    assert!(folder.text("out/comparison.md").contains("Not compared: run wild"));
    let wild = folder.text("mlp.toml")
        + "[compare]\nwild = [\"optimiser.learning_rate=1e38\", \"optimiser.clip_norm=0\"]\n";
    folder.write("wild.toml", wild.as_bytes());
    let ran = folder.run("compare wild.toml --out none");
    assert!(ran.code == Some(1) && ran.stderr.contains("no training is left to compare"), "{ran:?}");
}

/// A training without a terminal says now and then how far it is; not where it is told to be quiet.
#[test]
fn long_work_says_how_far_it_is() {
    let folder = Folder::new();
    // How far a training comes in this time, and so whether it overfits, depends on the machine.
    let long = "--no-report --set train.validate_every=0 --for 11s";
    let quiet = folder.command(&format!("train mlp.toml --out quiet --quiet {long}")).spawn().unwrap();
    let ran = folder.run(&format!("train mlp.toml --out run {long}"));
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(0), 1), "{ran:?}");
    let parts = ["training: ", "loss ", "/s, ", " s left"];
    assert!(parts.iter().all(|part| ran.stderr.contains(part)), "{}", ran.stderr);
    let quiet = quiet.wait_with_output().unwrap();
    assert!(quiet.status.success() && quiet.stderr.is_empty(), "{quiet:?}");
}
