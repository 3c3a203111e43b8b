//! Settings as a user meets them: what is read back, and each refusal's message.

use std::path::Path;

use super::load::LARGEST_FILE;
use super::*;
use crate::Result;
use crate::data::{Preprocess, Source};
use crate::mcmc::StepRule;
use crate::model::ModelSettings;
use crate::sample::SamplerSettings;

const SMALL: &str = "[data]\nname = \"digits\"\n[model]\nkind = \"unet\"\n";

fn parse(text: &str, sets: &[&str]) -> Result<Settings> {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    Settings::parse(text, "a.toml", &sets)
}

fn refusal(text: &str, sets: &[&str]) -> String {
    let error = parse(text, sets).expect_err("refused");
    assert!(error.reason.is_refusal());
    error.to_string()
}

#[test]
fn keys_that_are_left_out_have_their_defaults() {
    let settings = parse(SMALL, &[]).unwrap();
    assert_eq!(settings.data().source, Source::Name("digits".into()));
    let ModelSettings::UNet(unet) = settings.model() else { panic!("a U-Net") };
    assert_eq!(unet.widths(), [32, 64, 64]);
    assert_eq!(settings.optimiser().epsilon, 1e-8);
    assert_eq!(settings.optimiser().clip(), Some(1.0));
    assert_eq!((settings.train().wall_time(), settings.train().warm_start_run()), (None, None));
    let SamplerSettings::Annealed(annealed) = &settings.sampler().method else { panic!("annealed") };
    assert_eq!(annealed.rule, StepRule::Algorithm1);
}

#[test]
fn what_is_written_reads_back_the_same() {
    let odd = "data.path = 'a \"b\"\\c \u{e9}'\nmodel.kind = 'mlp'\nmodel.hidden = [3, 5]\n\
               objective = { kind = 'dsm', sigma = 0.1000000000000000055511151231257827 }\n\
               optimiser.learning_rate = 3\noptimiser.epsilon = 1e-30\ntrain.seed = 9223372036854775807\n\
               train.warm_start = 'runs/a'\nsampler.weights = 'raw'\n";
    for text in [SMALL, odd] {
        let settings = parse(text, &["train.wall_time_minutes=0.1"]).unwrap();
        let written = settings.to_toml();
        let again = parse(&written, &[]).unwrap();
        assert_eq!(settings, again, "{written}");
        assert_eq!(written, again.to_toml());
    }
    let written = parse(odd, &[]).unwrap().to_toml();
    assert!(written.starts_with("[data]\npath = "), "{written}");
    assert!(written.contains("\n\n[objective]\nkind = \"dsm\"\nsigma = 0.1\n\n[optimiser]\n"), "{written}");
    assert!(written.contains("learning_rate = 3.0\n"), "{written}");
}

#[test]
fn resolved_settings_hold_every_key_that_applies() {
    let settings = parse(SMALL, &[]).unwrap();
    let resolved: Vec<_> = settings.resolved().iter().map(|(key, _)| key.clone()).collect();
    // A key applies where a condition names a kind that is chosen, or where it has none.
    let kinds = ["model.kind = \"unet\"", "objective.kind = \"ncsn\"", "sampler.kind = \"annealed\""];
    let applies = |key: &KeyReference| {
        key.applies.is_empty() || key.applies.split(" or ").any(|condition| kinds.contains(&condition))
    };
    let expected: Vec<_> = settings_reference()
        .into_iter()
        .filter(|key| {
            // Keys without a default are there only where they are typed.
            let untyped = ["data.path", "data.label", "data.shape", "data.size"];
            applies(key) && !untyped.contains(&key.key.as_str())
        })
        .map(|key| key.key)
        .collect();
    assert_eq!(resolved, expected);
}

#[test]
fn set_overrides_the_file_in_order() {
    let sets = [
        "train.steps=5",
        "train.steps = 7",
        "model.multipliers=[1,2]",
        "sampler.rule=reference-code",
        "data.path=../x/1",
        "train.warm_start=2024",
        "optimiser.decay='cosine'",
    ];
    let settings = parse(SMALL, &sets).unwrap();
    assert_eq!(settings.train().steps, 7);
    let SamplerSettings::Annealed(annealed) = &settings.sampler().method else { panic!("annealed") };
    assert_eq!(annealed.rule, StepRule::ReferenceCode);
    assert_eq!(settings.data().source, Source::Path("../x/1".into()));
    assert_eq!(settings.train().warm_start, "2024");
    assert_eq!(settings.optimiser().decay, Decay::Cosine);
}

#[test]
fn wrong_keys_and_values_of_a_file_are_refused_by_line() {
    let cases = [
        (
            "[optimiser]\nlerning_rate = 1",
            "unknown key optimiser.lerning_rate: a.toml, line 6; did you mean optimiser.learning_rate?",
        ),
        (
            "[train]\nlearning_rate = 1",
            "unknown key train.learning_rate: a.toml, line 6; did you mean optimiser.learning_rate?",
        ),
        ("[trian]\nsteps = 1", "unknown table [trian]: a.toml, line 5; did you mean [train]?"),
        ("[trian]", "unknown table [trian]: a.toml, line 5; did you mean [train]?"),
        (
            "[optimiser]\nlearning_rate = -1",
            "wrong value for optimiser.learning_rate: a.toml, line 6: found -1 (an integer), expected a number, above 0",
        ),
        (
            "[optimiser]\nbeta1 = nan",
            "wrong value for optimiser.beta1: a.toml, line 6: found NaN (a number), expected a number, at least 0 and below 1",
        ),
        (
            "[optimiser]\nlearning_rate = inf",
            "wrong value for optimiser.learning_rate: a.toml, line 6: found inf (a number), expected a number, above 0",
        ),
        (
            "[train]\nsteps = 1e3",
            "wrong value for train.steps: a.toml, line 6: found 1000.0 (a number), expected an integer, at least 1",
        ),
        (
            "[train]\nsteps = 99999999999999999999",
            "wrong value for train.steps: a.toml, line 6: found an integer beyond 64 bits, expected an integer, at least 1",
        ),
        (
            "[train]\nsteps.x = 1",
            "wrong value for train.steps: a.toml, line 6: found a table, expected an integer, at least 1",
        ),
        (
            "[optimiser]\ndecay = 'exp'",
            "wrong value for optimiser.decay: a.toml, line 6: found \"exp\" (a string), expected \"none\" or \"cosine\" or \"linear\"",
        ),
        (
            "groups = 7",
            "wrong value for model.groups: a.toml, line 5: found 7 for a level of 32 channels, expected a divisor of every level's width",
        ),
        (
            "channels = 30",
            "wrong value for model.groups: a.toml, where it keeps its default: found 8 for a level of 30 channels, expected a divisor of every level's width",
        ),
        (
            "multipliers = [1, 0]",
            "wrong value for model.multipliers: a.toml, line 5: found 0 (an integer) as item 1, expected a list of 1 to 8 integers, each 1 to 64",
        ),
        (
            "multipliers = []",
            "wrong value for model.multipliers: a.toml, line 5: found a list of 0 items, expected a list of 1 to 8 integers, each 1 to 64",
        ),
        (
            "hidden = [3]",
            "model.hidden is only for model.kind = \"mlp\" or model.kind = \"mlp-energy\" or model.kind = \"made\" or model.kind = \"mlp-generator\" or model.kind = \"rbm\" or model.kind = \"dbm\" or model.kind = \"real-nvp\" or model.kind = \"mlp-vae\": a.toml, line 5; remove it, or choose a kind that has it",
        ),
        (
            "[objective]\nsigma_min = 1",
            "wrong value for objective.sigma_min: a.toml, line 6: found 1, expected a number below sigma_max = 1",
        ),
        (
            "[train]\ndecay_by = 'time'",
            "wrong value for train.decay_by: a.toml, line 6: found \"time\" without a wall time, expected train.wall_time_minutes above 0",
        ),
        ("[data]", "not valid TOML: a.toml, line 5: found duplicate key"),
    ];
    for (extra, expected) in cases {
        assert_eq!(refusal(&format!("{SMALL}{extra}\n"), &[]), expected);
    }
}

/// What the lists hold is theirs to say.
#[test]
fn refusals_list_the_kinds_and_keys_that_there_are() {
    let found = refusal("data.name = 'digits'", &[]);
    assert!(found.starts_with("no model.kind: a.toml, [model]: expected \"unet\", \"mlp\", "), "{found}");
    let found = refusal(&format!("{SMALL}[sampler]\nqqqqqq = 1\n"), &[]);
    let expected = "unknown key sampler.qqqqqq: a.toml, line 6: expected one of kind, rule, step_size, ";
    assert!(found.starts_with(expected), "{found}");
    assert!(found.ends_with(", batch, count, weights"), "{found}");
}

#[test]
fn files_that_are_no_settings_are_refused() {
    let cases = [
        (
            "",
            "no data.name or data.path: a.toml, [data]; add name = \"digits\", or path = \"FILE or FOLDER\"",
        ),
        (
            "data.name = 'a'\ndata.path = 'b'",
            "wrong value for data.path: a.toml, line 2: found \"b\" in addition to data.name, expected only one of the two; remove one of them",
        ),
        (
            "data.name = 'digits'\nmodel.kind = 'rbm'\nobjective.kind = 'dsm'",
            "wrong value for objective.kind: a.toml, line 3: found \"dsm\", expected \"cd\" or \"ml\" for model.kind = \"rbm\"",
        ),
        (
            "data.name = 'digits'\nmodel.kind = 'real-nvp'",
            "no objective.kind: a.toml, [objective]: expected \"dsm\", \"sm\", \"ssm\" or \"ml\" for model.kind = \"real-nvp\"",
        ),
        ("data.name = ' '", "wrong value for data.name: a.toml, line 1: found \"\", expected a name"),
        ("steps = 3", "key steps is outside any table: a.toml, line 1; did you mean train.steps?"),
        ("train = 3", "train must be a table: a.toml, line 1: expected [train]"),
        ("[[train]]", "train must be a table: a.toml, line 1: expected [train]"),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text, &[]), expected);
    }
}

#[test]
fn wrong_overrides_are_refused() {
    let cases = [
        ("train.stesp=1", "unknown key train.stesp: override train.stesp=1; did you mean train.steps?"),
        ("trian.steps=1", "unknown table [trian]: override trian.steps=1; did you mean [train]?"),
        ("steps=1", "wrong override: override steps=1: expected table.key=value; did you mean train.steps?"),
        ("train.steps", "wrong override: override train.steps: expected table.key=value"),
        (
            "train.steps=many",
            "wrong value for train.steps: override train.steps=many: found \"many\" (a string), expected an integer, at least 1",
        ),
        (
            "train.steps=1\nx=2",
            "wrong value for train.steps: override train.steps=1 x=2: found \"1\\nx=2\" (a string), expected an integer, at least 1",
        ),
        (
            "model.inducing=3",
            "model.inducing is only for model.kind = \"dkef\": override model.inducing=3; remove it, or choose a kind that has it",
        ),
    ];
    for (argument, expected) in cases {
        assert_eq!(refusal(&format!("{SMALL}channels = 32\n"), &[argument]), expected);
    }
    // Another kind leaves out the file's keys that it has not, and says so.
    let sets = ["model.kind=mlp".to_string()];
    let settings = Settings::parse(&format!("{SMALL}channels = 32\n"), "a.toml", &sets).unwrap();
    assert_eq!(settings.notes(), ["model.kind = \"mlp\" has no model.channels: left out of a.toml"]);
    assert!(
        refusal(SMALL, &["model.multipliers=[1,"])
            .starts_with("not a TOML value: override model.multipliers=[1,")
    );
}

#[test]
fn refusals_of_files_that_are_no_settings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    let message = || Settings::load(&path, &[]).expect_err("refused").to_string();
    assert!(message().starts_with("can't read the settings: "), "{}", message());
    std::fs::write(&path, [b'a', 0xff]).unwrap();
    assert!(message().contains("byte 1: found bytes that aren't UTF-8"), "{}", message());
    std::fs::write(&path, vec![b'#'; (LARGEST_FILE + 1) as usize]).unwrap();
    assert!(message().contains("more than 1048576 bytes"), "{}", message());
}

#[test]
fn the_settings_that_come_along_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../settings");
    for name in ["digits.toml", "mnist.toml"] {
        let settings = Settings::load(&folder.join(name), &[]).unwrap();
        assert!(matches!(settings.model(), ModelSettings::UNet(_)), "{name}");
    }
}

const REST: &str = "\n[model]\nkind = 'mlp'\n[objective]\nkind = 'dsm'";

#[test]
fn tables_are_left_as_they_are_unless_asked() {
    let read = |text: &str| Settings::parse(&format!("[data]\nname = 'digits'\n{text}{REST}"), "t.toml", &[]);
    let plain = read("").unwrap();
    let data = plain.data();
    assert_eq!((data.preprocess, data.test_fraction, data.drop_correlated), (Preprocess::None, 0.0, 0.0));
    let asked = read("preprocess = 'whiten'\ndrop_correlated = 0.98\ntest_fraction = 0.1").unwrap();
    assert_eq!((asked.data().preprocess, asked.data().drop_correlated), (Preprocess::Whiten, 0.98));
    let alone = read("drop_correlated = 0.98").unwrap_err().to_string();
    assert!(alone.contains("t.toml, line 3") && alone.contains("data.preprocess"), "{alone}");
    let wrong = ["preprocess = 'pca'", "test_fraction = 0.6", "drop_correlated = 1.5\npreprocess = 'whiten'"];
    assert!(wrong.iter().all(|text| read(text).is_err()));
}

/// Programs compute in single precision: a number that it rounds to 0, to infinity or onto an end that the
/// range leaves out is another setting than what was typed.
#[test]
fn numbers_that_single_precision_cannot_hold_are_refused() {
    for (set, found) in [
        ("optimiser.learning_rate=1e-320", "1e-320, in single precision 0.0"),
        ("optimiser.epsilon=1e308", "1e308, in single precision inf"),
        ("optimiser.epsilon=1e-42", "in single precision 1e-42"),
        ("optimiser.ema_decay=0.999999999999", "in single precision 1.0"),
        ("optimiser.clip_norm=1e300", "in single precision inf"),
        ("sampler.step_size=1e30", "found 1e30 (a number), expected a number, 0 to 1000000"),
        ("optimiser.learning_rate=1e39", "in single precision inf"),
    ] {
        let message = refusal(SMALL, &[set]);
        assert!(message.contains(found) && message.contains(set.split('=').next().unwrap()), "{message}");
    }
    for set in ["optimiser.learning_rate=1e-30", "optimiser.weight_decay=0", "optimiser.epsilon=1.2e-38"] {
        parse(SMALL, &[set]).unwrap();
    }
}

/// A run that was written before a key existed keeps what it was trained with, opened and gone on with; new
/// trainings have the new default.
#[test]
fn runs_of_before_a_key_keep_their_network() {
    let folder = tempfile::tempdir().unwrap();
    let skip = |settings: &Settings| {
        let ModelSettings::UNet(unet) = settings.model() else { panic!("a U-Net") };
        unet.output.skip.name()
    };
    let new = parse(SMALL, &[]).unwrap();
    assert_eq!(skip(&new), "gaussian");
    let run = folder.path().join("settings.toml");
    let file = folder.path().join("a.toml");
    std::fs::write(&file, SMALL).unwrap();
    let recorded = new.to_toml();
    assert!(recorded.contains("skip = \"gaussian\"\n"));
    for (text, expected) in [(recorded.replace("skip = \"gaussian\"\n", ""), "none"), (recorded, "gaussian")]
    {
        std::fs::write(&run, text).unwrap();
        assert_eq!(skip(&Settings::reopen(&run, &[]).unwrap()), expected);
        assert_eq!(skip(&Settings::load_to_resume(&file, &[], &run).unwrap()), expected);
    }
    let asked = ["model.skip=none".to_string()];
    assert_eq!(skip(&Settings::load_to_resume(&file, &asked, &run).unwrap()), "none");
}
