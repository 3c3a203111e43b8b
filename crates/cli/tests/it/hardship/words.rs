//! Arguments and settings as people type them: what is meant is done, or the line says what to type.

use crate::common::Folder;

fn refused(folder: &Folder, arguments: &str, parts: &[&str]) {
    let ran = folder.run(arguments);
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "enscore {arguments}: {ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "enscore {arguments}: no {part:?} in {}", ran.stderr);
    }
}

#[test]
fn negative_numbers_and_files_that_look_like_options_are_named() {
    let folder = Folder::new();
    for (arguments, option) in [
        ("train mlp.toml --threads -1", "--threads"),
        ("train mlp.toml --seed -1", "--seed"),
        ("sample run --num -3", "--num"),
        ("logz run --chains -1", "--chains"),
        ("suggest points.csv --sigma-min -1", "sigma_min"),
    ] {
        refused(&folder, arguments, &["-", option]);
        assert!(!folder.run(arguments).stderr.contains("-- -"), "{arguments}");
    }
    for arguments in ["data info -x.csv", "suggest -x.csv", "train -x.toml", "score run -x.csv"] {
        refused(&folder, arguments, &["\"-x.", "./-x."]);
    }
    folder.write("-x.csv", b"1,2\n3,4\n5,7\n");
    assert_eq!(folder.succeed("data info ./-x.csv --json").json()["rows"], 3);
}

#[test]
fn a_kind_chosen_by_an_argument_replaces_the_keys_of_the_kind_before() {
    let folder = Folder::new();
    let machine = "[data]\nname = \"digits\"\nbinarise = true\n[model]\nkind = \"rbm\"\nhidden = 6\n\
                   [objective]\nkind = \"cd\"\nchains = 20\nsteps = 2\n[train]\nsteps = 2\n";
    folder.write("rbm.toml", machine.as_bytes());
    let ran = folder.run("train rbm.toml --out run --no-report --json --set objective.kind=ml");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("objective.chains") && ran.stderr.contains("objective.steps"), "{ran:?}");
    assert!(!folder.text("run/settings.toml").contains("chains"));
    // The same kind again changes nothing.
    let ran = folder.run("train rbm.toml --out same --no-report --set objective.kind=cd");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(folder.text("same/settings.toml").contains("chains = 20"));
    // What is of another kind in the file itself is refused, with each kind named once.
    let wrong = machine.replace("chains = 20", "projections = 2");
    folder.write("wrong.toml", wrong.as_bytes());
    refused(&folder, "train wrong.toml --out new", &["objective.projections is only for"]);
    let said = folder.run("train wrong.toml --out new").stderr;
    for kind in said.split("only for ").nth(1).unwrap().split(':').next().unwrap().split(" or ") {
        assert_eq!(said.matches(kind).count(), 1, "{said}");
    }
}

#[test]
fn words_of_other_programs_are_understood() {
    let folder = Folder::new();
    for (word, key) in [
        ("train.epochs=3", "train.steps"),
        ("optimiser.lr=0.1", "optimiser.learning_rate"),
        ("train.batch_size=3", "train.batch"),
        ("train.minutes=3", "train.wall_time_minutes"),
        ("train.early_stopping=3", "train.patience"),
    ] {
        refused(&folder, &format!("train mlp.toml --out run --set {word}"), &["did you mean", key]);
    }
}

#[test]
fn a_training_for_a_time_decays_with_the_time() {
    let folder = Folder::new();
    let ended = folder.succeed("train mlp.toml --out run --no-report --json --for 1s").json();
    assert!(ended["seconds"].as_f64().unwrap() >= 1.0 && ended["step"].as_u64().unwrap() > 40, "{ended}");
    let settings = folder.text("run/settings.toml");
    assert!(
        settings.contains("decay_by = \"time\"") && settings.contains("wall_time_minutes = 0.01"),
        "{settings}"
    );
    refused(&folder, "train mlp.toml --out new --for soon", &["soon", "--for", "12m"]);
}

#[test]
fn a_run_is_not_trained_back() {
    let folder = Folder::new();
    folder.succeed("train mlp.toml --out run --no-report");
    let settings = folder.read("run/settings.toml");
    let fewer = "train mlp.toml --out run --resume --no-report --set train.steps=10";
    refused(&folder, fewer, &["train.steps", "found 10", "at least 40"]);
    assert_eq!(folder.read("run/settings.toml"), settings);
}
