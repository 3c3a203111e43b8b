//! What a sampler does where its settings leave it open: settings files of the repository, trained for a
//! short time and sampled with defaults, beside real rows; chains that have not arrived and samples far
//! outside the data's range, which are said.

use std::path::Path;

use enscore::evaluate::{EvaluationSettings, TwoSample, evaluate, run_data};
use enscore::sample::{Drawn, draw};
use enscore::settings::Settings;
use enscore::train::{Request, Silent, train};
use enscore::trained::Trained;

/// A settings file of the repository by its name.
fn text(name: &str) -> String {
    let path = format!("{}/../../settings/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn open(folder: &Path, sets: &[&str]) -> Trained {
    let sets: Vec<String> = sets.iter().map(|set| format!("sampler.{set}")).collect();
    Trained::open(&folder.join("run"), &sets).unwrap()
}

/// Trains in a folder of its own.
fn trained(folder: &Path, text: &str, sets: &[&str]) -> Trained {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    let settings = Settings::parse(text, "test", &sets).unwrap();
    let request = Request { run: folder.join("run"), resume: false, until: None };
    train(&settings, &request, &|| None, &mut Silent).unwrap();
    open(folder, &[])
}

/// The Frechet distance of samples with defaults, beside that of real rows; and what was said of them.
fn frechet(trained: &Trained) -> (TwoSample, Vec<String>) {
    let data = run_data(trained, None).unwrap();
    let settings = EvaluationSettings {
        samples: 256,
        chains: 0,
        max_rows: 256,
        seed: 0,
        draws: 10,
        metrics: vec!["frechet".into()],
        against: None,
        log_z: None,
    };
    let found = evaluate(trained, &data, &settings, &mut |_, _, _| Ok(())).unwrap();
    (found.metrics[0].clone(), found.warnings)
}

const SHORT: [&str; 3] = ["train.steps=700", "train.batch=128", "train.validate_every=0"];

/// The distance of 256 good samples is some .02, that of a uniform square .4.
#[test]
fn default_samples_of_two_moons_are_near_the_data() {
    for name in ["moons-dsm", "moons-nce", "moons-sm", "moons-ssm", "moons-flow"] {
        let folder = tempfile::tempdir().unwrap();
        let trained = trained(folder.path(), &text(name), &SHORT);
        let (found, warnings) = frechet(&trained);
        println!("{name}: {:.3}, real against real {:.3}; {warnings:?}", found.value, found.null);
        assert!(found.value < found.null + 0.12, "{name}: {found:?}");
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
    }
}

/// A whitened table and a score network at one noise level; levels whose smallest is far from that of
/// images.
#[test]
fn default_samples_fit_the_scale_of_the_noise() {
    let table = "data.name='four-wells'\nmodel.kind='mlp'\nmodel.hidden=[64, 64]\n[optimiser]\n\
                 learning_rate=4e-3\ndecay='cosine'\n[objective]\n";
    let one = format!("{table}kind='dsm'\nsigma=0.3\n");
    let many = format!("{table}kind='ncsn'\nsigma_max=4.0\nsigma_min=0.2\nlevels=6\n");
    for text in [one, many] {
        let folder = tempfile::tempdir().unwrap();
        let (found, warnings) = frechet(&trained(folder.path(), &text, &SHORT));
        println!("{:.3}, real against real {:.3}; {warnings:?}", found.value, found.null);
        assert!(found.value < found.null + 0.3, "{found:?} {warnings:?}");
    }
}

fn drawn(folder: &Path, sets: &[&str]) -> Drawn {
    let trained = open(folder, sets);
    draw(&trained.model, trained.settings.sampler(), 5, 1, 0, &mut |_, _| Ok(())).unwrap()
}

/// Five samples are enough: 64 chains are watched.
#[test]
fn chains_that_have_not_arrived_are_said_so() {
    let folder = tempfile::tempdir().unwrap();
    trained(folder.path(), &text("moons-nce"), &SHORT);
    let fine = drawn(folder.path(), &[]);
    assert!(fine.warnings.is_empty() && !fine.arrival.as_ref().unwrap().drifts, "{fine:?}");
    for sets in [
        &["step_size=1e-5", "steps=100"][..],
        &["kind='mala'", "step_size=1e-6", "steps=100"],
        &["kind='hmc'", "step_size=1e-5", "steps=20"],
    ] {
        let found = drawn(folder.path(), sets);
        let [warning] = &found.warnings[..] else { panic!("{sets:?}: {:?}", found.arrival) };
        let said = ["the chains have not arrived", "the chains stay near"];
        assert!(said.iter().any(|text| warning.starts_with(text)) && warning.contains("R-hat"), "{warning}");
    }
    let refused = drawn(folder.path(), &["kind='mala'", "step_size=1e4", "steps=20"]);
    assert!(refused.warnings.iter().any(|warning| warning.contains("hardly move")), "{:?}", refused.warnings);
    // Steps this large lead out of the data's range and stay finite.
    let far = drawn(folder.path(), &["step_size=100.0", "noise_std=100.0", "steps=3"]);
    let warning = far.warnings.iter().find(|warning| warning.contains("far outside the range"));
    assert!(warning.is_some_and(|warning| warning.contains("of 5 samples")), "{:?}", far.warnings);
}
