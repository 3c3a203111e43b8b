//! Arguments and settings as people type them: what is meant is done, or the line says what to type.

use crate::common::{Folder, say};

pub(super) fn refused(folder: &Folder, arguments: &str, parts: &[&str]) {
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

#[test]
fn arguments_too_many_and_unknown_options_say_what_to_type() {
    let folder = Folder::new();
    for (arguments, parts) in [
        ("data info a b", ["one argument too many: b", "usage: enscore data info [OPTIONS] <DATA>"]),
        ("sample run x.csv", ["one argument too many: x.csv", "usage: enscore sample"]),
        ("train mlp.toml train.steps=5", ["one argument too many: train.steps=5", "use --set train.steps=5"]),
        ("train mlp.toml --set train.steps 5", ["--set takes one word", "write --set train.steps=5"]),
        ("train mlp.toml --data x", ["train has no option --data", "are set by --set data.path=x"]),
        ("train mlp.toml --steps 5", ["train has no option --steps", "use --set train.steps=5"]),
        ("info points.csv", ["no such command: info", "did you mean `enscore data info`?"]),
    ] {
        refused(&folder, arguments, &parts);
    }
}

#[test]
fn values_of_options_are_refused_with_what_they_may_be() {
    let folder = Folder::new();
    for (arguments, line) in [
        (
            "train mlp.toml --seed -1",
            "--seed: found -1, expected a whole number from 0 to 18446744073709551615",
        ),
        ("train mlp.toml --for -3m", "--for: found -3m, expected a length of time such as 90s, 12m or 1h30m"),
        ("sample run --num 0", "--num: found 0, expected a whole number from 1 to 4294967295"),
        ("logz run --width wide", "--width: found wide, expected a number"),
        ("suggest digits --rule mine", "--rule: found mine, expected algorithm1 or reference-code"),
    ] {
        let ran = folder.run(arguments);
        let expected = format!("enscore: wrong value for {line}\n");
        assert_eq!((ran.code, ran.stderr), (Some(2), expected), "{arguments}");
    }
    let one = ["found a list of 1 item, expected a list of 2 integers, each 1 to 16384"];
    refused(&folder, "train mlp.toml --out run --set data.size=[1]", &one);
    refused(&folder, "train missing.toml", &["found no such file or folder; "]);
}

#[test]
fn help_is_a_command_too() {
    let folder = Folder::new();
    assert_eq!(folder.succeed("help").stdout, folder.succeed("--help").stdout);
    assert!(folder.succeed("help train").stdout.contains("Usage: enscore train [OPTIONS] <SETTINGS>"));
}

#[test]
fn kinds_tables_and_data_sets_are_found_by_their_nearest_name() {
    let folder = Folder::new();
    refused(&folder, "settings rmb", &["no such kind or table: rmb", "did you mean rbm?"]);
    refused(&folder, "settings trian", &["did you mean train?"]);
    refused(&folder, "data info mnsit", &["no such data: mnsit", "did you mean mnist?"]);
    let table = folder.succeed("settings train").stdout;
    assert!(table.contains("\n[train]\n") && table.contains("\nsteps = 1000\n"), "{table}");
    assert_eq!(table.matches("\n[").count(), 1, "{table}");
    assert!(folder.succeed("settings").stdout.trim_end().ends_with("those of one table."));
}

#[test]
fn a_key_of_one_kind_names_it_once() {
    let folder = Folder::new();
    let said = folder.run("train mlp.toml --out run --set objective.start=data").stderr;
    assert!(said.contains("objective.start is only for objective.kind = \"cd\": --set"), "{said}");
}

#[test]
fn a_suggestion_takes_settings_of_data_alone() {
    let folder = Folder::new();
    let whiten = "suggest points.csv --set data.preprocess=whiten";
    refused(&folder, whiten, &["no settings to override", "give a settings file", "points.csv"]);
    folder.write("data.toml", b"[data]\npath = \"points.csv\"\n");
    let whitened = folder.succeed("suggest data.toml --set data.preprocess=whiten --json").json();
    let plain = folder.succeed("suggest data.toml --json").json();
    assert_eq!((&plain["rows"], &whitened["rows"]), (&90.into(), &90.into()));
    assert_ne!(plain["sigma_max"], whitened["sigma_max"]);
}

/// On a terminal that shows both streams a warning stands once; elsewhere each stream has it.
#[test]
fn a_warning_stands_once_on_a_terminal() {
    let folder = Folder::new();
    let rows: String = (0..60).map(|i| format!("{i},5\n")).collect();
    folder.write("constant.csv", format!("a,b\n{rows}").as_bytes());
    let train = "train mlp.toml --no-report --set data.path=constant.csv --out";
    let ran = folder.run(&format!("{train} apart"));
    assert_eq!(
        (ran.stderr.matches("constant columns").count(), ran.stdout.matches("constant columns").count()),
        (1, 1)
    );
    let program = env!("CARGO_BIN_EXE_enscore");
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &format!("{program} {train} together"), "/dev/null"]).current_dir(folder.path(""));
    match script.output() {
        Ok(ran) => {
            let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
            assert_eq!(shown.matches("constant columns").count(), 1, "{shown}");
        }
        Err(_) => say("skipped: no `script`, which has a terminal"),
    }
}
