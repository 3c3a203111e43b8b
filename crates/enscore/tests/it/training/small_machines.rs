//! The log-likelihood that a training of a small machine shows: that of enumeration, what the settings file
//! of bars and stripes comes to, and the fall where chains no longer mix, which is said.

use enscore::evaluate::SideEnumeration;
use enscore::report::{LIKELIHOOD, fallen_likelihood};
use enscore::sample::WeightedBipartite;
use enscore::settings::Settings;
use enscore::trained::Trained;

use crate::common::runs::{Folder, Run};

const BEST: f64 = -3.4012; // -ln 30

/// A training of bars and stripes as the settings file says, with changes.
fn bars_and_stripes(folder: &Folder, name: &str, changes: &[&str]) -> Run {
    let settings = concat!(env!("CARGO_MANIFEST_DIR"), "/../../settings");
    let text = std::fs::read_to_string(format!("{settings}/bars-and-stripes.toml")).unwrap();
    let mut sets = vec![format!("data.path={settings}/bars-and-stripes.csv")];
    sets.extend(changes.iter().map(|change| change.to_string()));
    folder.train(name, &Settings::parse(&text, "bars", &sets).unwrap())
}

#[test]
fn the_settings_file_of_bars_and_stripes_comes_near_the_maximum() {
    let folder = Folder::new();
    let run = bars_and_stripes(&folder, "run", &[]);
    let shown = run.metric(LIKELIHOOD);
    assert_eq!(shown.len(), 20, "{shown:?}");
    let (step, last) = shown[19];
    println!("bars and stripes: {last:.4} nats");
    assert!(step == 10_000 && last > -3.6 && last < BEST, "{last}");
    // The same by the library's enumeration and each row's log density.
    let trained = Trained::open(run.path(), &[]).unwrap();
    let target = WeightedBipartite::of(&trained.model).unwrap().unwrap();
    let log_z = SideEnumeration::new(&target, &mut |_, _, _| Ok(())).unwrap().log_z();
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../settings/bars-and-stripes.csv"));
    let rows: Vec<f32> = text.unwrap().split(['\n', ',']).filter_map(|value| value.parse().ok()).collect();
    assert_eq!(rows.len(), 30 * 16);
    let densities = target.log_densities(&rows).unwrap();
    let expected = densities.iter().sum::<f64>() / 30.0 - log_z;
    assert!((last - expected).abs() < 1e-4, "{last} {expected}");
    assert_eq!(fallen_likelihood(&run.metrics()), None);
}

/// One sweep an update at a large, constant rate: the chains lag behind the weights.
#[test]
fn a_log_likelihood_that_falls_is_said() {
    let folder = Folder::new();
    let wild = ["objective.steps=1", "optimiser.learning_rate=0.5", "optimiser.decay=none"];
    let run = bars_and_stripes(&folder, "run", &wild);
    let shown = run.metric(LIKELIHOOD);
    let Some(warning) = fallen_likelihood(&run.metrics()) else { panic!("{shown:?}") };
    let last = shown[shown.len() - 1].1;
    assert!(warning.contains("no longer mix") && warning.contains(&format!("{last:.2}")), "{warning}");
}
