//! Energies and flows from the command line: chains and games that resume bit for bit, trainings that go back
//! from divergence, scores of rows, comparisons.

use crate::common::{Folder, png_size};

/// A perceptron energy of points of the plane.
const ENERGY: &str = r#"
[data]
path = "points.csv"
[model]
kind = "mlp-energy"
hidden = [16]
confinement = 8.0
[train]
steps = 40
batch = 16
checkpoint_every = 10
validate_every = 20
[sampler]
count = 8
"#;

fn folder(objective: &str) -> Folder {
    let folder = Folder::new();
    folder.write("energy.toml", format!("{ENERGY}[objective]\n{objective}\n").as_bytes());
    folder
}

const PERSISTENT: &str = "kind = 'cd'\nsteps = 3\nstep_size = 0.05\nbuffer = 64\nrestart = 0.2";

#[test]
fn chains_and_games_resume_bit_for_bit_on_any_number_of_threads() {
    for objective in [PERSISTENT, "kind = 'fce'\nflow_couplings = 2\nflow_width = 8\nthreshold = 0.55"] {
        let folder = folder(objective);
        folder.succeed("train energy.toml --out whole --no-report --threads 1");
        folder.succeed("train energy.toml --out parts --no-report --threads 2 --set train.steps=20");
        folder.succeed("train energy.toml --out parts --no-report --threads 2 --resume");
        assert!(folder.state("whole", 40) == folder.state("parts", 40), "{objective}");
    }
}

#[test]
fn both_sides_of_a_game_can_be_drawn_from() {
    let folder = folder("kind = 'fce'\nflow_couplings = 2\nflow_width = 8");
    folder.succeed("train energy.toml --out run --no-report");
    folder.succeed("sample run --num 5 --out energy.npy --set sampler.steps=3");
    folder.succeed("sample run --num 5 --out flow.npy --set sampler.kind=exact");
    let (energy, flow) = (folder.npy("energy.npy"), folder.npy("flow.npy"));
    assert_eq!((energy.len(), flow.len()), (10, 10));
    assert_ne!(energy, flow);
    let answer = folder.succeed("evaluate run --samples 0 --set sampler.kind=exact --json").json();
    let figures = answer["figures"].to_string();
    assert!(figures.contains("log-likelihood of held-out rows, nats"), "{figures}");
}

#[test]
fn the_replay_buffer_is_part_of_the_checkpoint() {
    let folder = folder(PERSISTENT);
    folder.succeed("train energy.toml --out run --no-report");
    let (before, after) = (folder.tensors("run", 30), folder.tensors("run", 40));
    let (before, after) = (&before["objective.chains"], &after["objective.chains"]);
    assert_eq!(after.len(), 64 * 2);
    assert!(after.iter().all(|value| value.is_finite()));
    // Ten updates of 16 chains go around the 64 slots twice and a half: every slot has moved.
    let moved = before.chunks(2).zip(after.chunks(2)).filter(|(before, after)| before != after).count();
    assert_eq!(moved, 64);
    let smaller = folder.run("train energy.toml --out none --set objective.buffer=8");
    assert_eq!((smaller.code, folder.exists("none")), (Some(2), false), "{smaller:?}");
    assert!(smaller.stderr.contains("objective.buffer: found 8, expected at least train.batch = 16"));
}

/// A learning rate far too large (a hundredfold one survives at this size, behind the clipped gradient): the
/// training goes back with a tenth of it, as often as it must, and ends well.
#[test]
fn a_diverging_training_goes_back_and_recovers() {
    let folder = folder(PERSISTENT);
    let wild = "--set optimiser.learning_rate=30 --set stability.rollbacks=6 --set train.steps=60";
    let ended = folder.run(&format!("train energy.toml --out run --json --no-report {wild}"));
    let ran = ended.json();
    assert_eq!(ran["step"], 60);
    let rows = folder.metrics("run");
    let returns: Vec<_> = rows.iter().filter(|row| row.get("rollback").is_some()).collect();
    assert!((1..=6).contains(&returns.len()), "{returns:?}");
    // Each is told, whether stderr is a terminal or not, and at the end.
    assert_eq!(ended.stderr.matches("rolled back to step").count(), returns.len(), "{}", ended.stderr);
    assert_eq!(ran["warnings"].as_array().unwrap().len(), returns.len(), "{ran}");
    for (i, row) in returns.iter().enumerate() {
        let scale = 0.1f64.powi(i as i32 + 1);
        assert!((row["rate_scale"].as_f64().unwrap() / scale - 1.0).abs() < 1e-5, "{row}");
        assert!(row["rollback_from"].as_u64() > row["step"].as_u64(), "{row}");
    }
    assert!(folder.tensors("run", 60).values().flatten().all(|value| value.is_finite()));
    // What went back goes the same way when it is resumed.
    let parts = [" --set train.steps=20", " --resume"];
    for part in parts {
        let ran = folder.run(&format!("train energy.toml --out parts --no-report {wild}{part}"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert!(folder.state("run", 60) == folder.state("parts", 60));
}

#[test]
fn a_training_that_cannot_recover_ends_as_failed_with_its_last_good_state() {
    let folder = folder(PERSISTENT);
    let hopeless =
        "--set optimiser.learning_rate=1e30 --set optimiser.clip_norm=0 --set stability.rollbacks=2";
    let ran = folder.run(&format!("train energy.toml --out run {hopeless}"));
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.lines().count()), (Some(1), "", 3), "{ran:?}");
    assert!(ran.stderr.contains("after 2 returns"), "{}", ran.stderr);
    let step = folder.latest_step("run");
    assert!(folder.tensors("run", step).values().flatten().all(|value| value.is_finite()));
    let returns = folder.metrics("run").iter().filter(|row| row.get("rollback").is_some()).count();
    assert_eq!(returns, 2);
}

#[test]
fn rows_are_scored_up_to_log_z_and_with_it() {
    let folder = folder("kind = 'nce'");
    folder.succeed("train energy.toml --out run --no-report");
    let answer = folder.succeed("score run points.csv --json").json();
    assert_eq!(answer["rows"], 100);
    assert_eq!(answer["columns"], serde_json::json!(["log_density", "log_p", "score_norm"]));
    assert_eq!(answer["log_z"]["origin"], "learnt");
    let text = folder.text("run/scores.csv");
    let row: Vec<f64> = text.lines().nth(1).unwrap().split(',').map(|word| word.parse().unwrap()).collect();
    assert!((row[0] - row[1] - answer["log_z"]["log_z"].as_f64().unwrap()).abs() < 1e-6, "{text}");
    let given = folder.succeed("score run points.csv --log-z -1.5 --out s.npy --json").json();
    assert_eq!((&given["log_z"]["origin"], &given["log_z"]["log_z"]), (&"given".into(), &(-1.5).into()));
    assert_eq!(folder.npy("s.npy").len(), 300);
    // It is kept beside the model.
    assert_eq!(folder.succeed("score run points.csv --json").json()["log_z"]["log_z"], -1.5);
    let refused = folder.run("score run points.csv --out scores.txt");
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

#[test]
fn a_score_network_has_lengths_of_its_score_alone() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    let answer = folder.succeed("score run points.csv --json").json();
    assert_eq!(answer["columns"], serde_json::json!(["score_norm"]));
    let refused = folder.run("score run points.csv --log-z 1");
    assert!(refused.code == Some(2) && refused.stderr.contains("no log Z"), "{refused:?}");
}

#[test]
fn an_energy_tells_data_apart() {
    let folder = folder("kind = 'ssm'");
    let far: String = (0..40).map(|i| format!("{},{}\n", 30 + i, -40 - i)).collect();
    folder.write("far.csv", format!("a,b\n{far}").as_bytes());
    folder.succeed("train energy.toml --out run --no-report");
    let answer = folder.succeed("evaluate run --samples 0 --against far.csv --json").json();
    let figures = answer["figures"].as_array().unwrap();
    let auroc = figures.iter().find(|figure| figure["name"].as_str().unwrap().starts_with("AUROC")).unwrap();
    assert_eq!(auroc["value"], 1.0, "{answer}");
}

#[test]
fn a_comparison_is_a_table_and_a_picture() {
    let folder = Folder::new();
    let settings = "[data]\nname = 'two-moons'\n[model]\nkind = 'mlp-energy'\nhidden = [8]\nconfinement = 2.0\n\
                    [objective]\nkind = 'ssm'\n[train]\nsteps = 20\nbatch = 32\nvalidate_every = 0\n\
                    [compare]\nquality = 0.9\nssm = []\n\
                    flow = ['model.kind=real-nvp', 'objective.kind=ml', 'model.couplings=2', 'model.hidden=[8]']\n";
    folder.write("two.toml", settings.as_bytes());
    let answer = folder.succeed("compare two.toml --out both --json").json();
    let names: Vec<_> =
        answer["compared"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["ssm", "flow"]);
    let measured = &answer["compared"][1]["measured"];
    assert!(measured["log_z"].as_f64().unwrap().abs() < 1e-3, "a flow is normalised: {measured}");
    assert!(
        measured["log_likelihood"]["value"].as_f64().unwrap()
            < answer["truth_log_likelihood"]["value"].as_f64().unwrap()
    );
    assert!(folder.text("both/comparison.md").contains("| ssm |"));
    assert!(png_size(&folder.path("both/comparison.png")).0 > 600);
    // A second time nothing is trained anew.
    let again = folder.succeed("compare two.toml --out both --json").json();
    assert_eq!(again["compared"][0]["seconds"], answer["compared"][0]["seconds"]);
    // The same file is a training's.
    folder.succeed("train two.toml --out one --no-report");
}

#[test]
fn wrong_comparisons_and_unfit_pairs_are_refused_in_one_line() {
    let folder = folder("kind = 'ssm'");
    let cases = [
        ("compare energy.toml", "nothing to compare"),
        ("train mlp.toml --set objective.kind=cd --out x", "\"sm\" or \"ssm\" for model.kind = \"mlp\""),
        ("train energy.toml --set objective.kind=ml --out x", "for model.kind = \"mlp-energy\""),
        ("train energy.toml --set objective.kind=ncsn --out x", "expected \"dsm\", \"sm\", \"ssm\", \"cd\""),
        ("train energy.toml --set sampler.kind=exact --out x", "sampler.kind"),
        ("train energy.toml --set objective.kind=nce --set objective.noise=flow --out x", "flow_run"),
        (
            "train energy.toml --set objective.kind=nce --set objective.noise=uniform --set objective.widen=0.5 --out x",
            "row ",
        ),
    ];
    for (arguments, expected) in cases {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "{arguments}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{arguments}: {}", ran.stderr);
        assert!(!folder.exists("x"));
    }
}

/// The tangents of a chunk of coordinates are in memory at a time: a smaller limit gives smaller chunks and
/// the same loss, up to rounding; one below the least is refused with what it would take.
#[test]
fn exact_score_matching_fits_its_chunks_to_the_memory() {
    let folder = Folder::new();
    let settings = "[data]\nname = 'digits'\n[model]\nkind = 'conv-energy'\nchannels = 4\nactivation = 'softplus'\n\
                    [objective]\nkind = 'sm'\n[train]\nsteps = 3\nbatch = 16\nvalidate_every = 0\n";
    folder.write("sm.toml", settings.as_bytes());
    let loss = |limit: &str| {
        let arguments =
            format!("train sm.toml --out at-{limit} --no-report --json --set train.memory_limit_gib={limit}");
        folder.succeed(&arguments).json()["loss_per_dim"].as_f64().unwrap()
    };
    let (whole, parts) = (loss("1"), loss("0.0284"));
    assert_ne!(whole, parts, "the sums have other orders");
    assert!((whole / parts - 1.0).abs() < 1e-5, "{whole} {parts}");
    let ran = folder.run("train sm.toml --out none --set train.memory_limit_gib=0.001");
    assert_eq!((ran.code, folder.exists("none")), (Some(2), false), "{ran:?}");
    assert!(ran.stderr.contains("GiB needed"), "{}", ran.stderr);
}
