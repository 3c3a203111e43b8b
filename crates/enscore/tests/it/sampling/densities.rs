//! Log densities and scores of trained models row by row, more rows than a batch holds, and the default steps
//! of chains.
use enscore::trained::Trained;

use enscore::model::HostDensity;
use enscore::sample::{SamplerSettings, TrainedDensity, WeightedBipartite};
use enscore::settings::Settings;

use super::plain::Plain;
use crate::common::runs::Folder;

/// More than a batch of 256, and not a whole number of them.
const ROWS: usize = 261;

fn rows(len: usize) -> Vec<f64> {
    (0..ROWS * len).map(|i| f64::from(((i * 37) % 101) as f32 / 40.0 - 1.2)).collect()
}

fn near(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-2, |scale: f64, x| scale.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * scale,
            "{what}[{i}]: found {found}, expected {expected}"
        );
    }
}

/// f/T and its gradient, T = b²/(2a) where chains with noise b and step a taught it, else 1.
#[test]
fn densities_and_scores_are_at_the_temperature_of_the_chains() {
    let folder = Folder::new();
    for (name, changes, temperature) in [
        ("cd-persistent", &[][..], 0.1f64.powi(2) / (2.0 * 0.02)),
        ("cd-persistent", &["objective.noise_std=0.5"], 0.25 / 0.04),
        ("cd-persistent", &["objective.noise_std=0"], 1.0),
        ("sm-energy", &[], 1.0),
        ("ml-flow", &[], 1.0),
    ] {
        let what = format!("{name} {changes:?}");
        let run = folder.train(&what, &folder.settings(name, changes));
        let trained = Trained::open(run.path(), &[]).unwrap();
        let plain = Plain::of(&run, &trained.settings);
        let mut density = TrainedDensity::new(&trained.model).unwrap();
        let (x, f, score) = (rows(2), plain.log_density(), plain.score(1.0));
        let expected: Vec<f64> = x.chunks(2).map(|x| f(x) / temperature).collect();
        near(&format!("{what}: f"), &density.log_density(&x).unwrap(), &expected, 1e-5);
        let expected: Vec<f64> = x.chunks(2).flat_map(&score).map(|s| s / temperature).collect();
        near(&format!("{what}: score"), &density.score(&x).unwrap(), &expected, 1e-4);
        assert!((trained.model.temperature - temperature).abs() < 1e-12, "{what}");
    }
}

/// A score network answers at its smallest noise.
#[test]
fn scores_of_networks_are_at_the_smallest_noise() {
    let folder = Folder::new();
    for (name, sigma) in [("ncsn-mlp", 0.1), ("dsm-mlp", 0.3)] {
        let run = folder.train(name, &folder.settings(name, &[]));
        let trained = Trained::open(run.path(), &[]).unwrap();
        let (plain, x) = (Plain::of(&run, &trained.settings), rows(2));
        let score = plain.score(sigma);
        let expected: Vec<f64> = x.chunks(2).flat_map(score).collect();
        let mut density = TrainedDensity::new(&trained.model).unwrap();
        near(name, &density.score(&x).unwrap(), &expected, 1e-4);
        assert!(density.log_density(&x).is_err(), "{name}");
    }
}

/// Machines answer in double precision, whatever their units.
#[test]
fn log_densities_of_machines_are_those_of_single_rows() {
    let folder = Folder::new();
    for (name, len) in [("rbm-tempered", 6), ("rbm-gaussian", 2), ("dbm-pretrained", 6)] {
        let run = folder.train(name, &folder.settings(name, &[]));
        let trained = Trained::open(run.path(), &[]).unwrap();
        let target = WeightedBipartite::of(&trained.model).unwrap().unwrap();
        let value =
            |i: usize| if name == "rbm-gaussian" { (i % 7) as f32 - 2.5 } else { ((i * 13 / 5) % 2) as f32 };
        let x: Vec<f32> = (0..ROWS * len).map(value).collect();
        let f = Plain::of(&run, &trained.settings);
        let f = f.log_density();
        let wide: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
        let expected: Vec<f64> = wide.chunks(len).map(f).collect();
        near(name, &target.log_densities(&x).unwrap(), &expected, 1e-12);
    }
}

/// A step a without a noise of its own has the noise √(2a) of the density itself, of chains too where the
/// objective names none.
#[test]
fn the_default_noise_of_a_step_targets_the_density_itself() {
    let langevin = |objective: &str, sampler: &str| {
        let text = format!(
            "[data]\nname='digits'\n[model]\nkind='mlp-energy'\n[objective]\n{objective}\n[sampler]\n{sampler}\n"
        );
        let settings = Settings::parse(&text, "a.toml", &[]).unwrap();
        match &settings.sampler().method {
            SamplerSettings::Langevin(langevin) => {
                [langevin.step_size, langevin.noise_std, langevin.steps as f64]
            }
            other => panic!("{other:?}"),
        }
    };
    let cd = "kind='cd'\nstep_size=0.03\nsteps=250";
    // Pilot chains choose what is 0.
    assert_eq!(langevin("kind='sm'", ""), [0.0; 3]);
    assert_eq!(langevin("kind='sm'", "step_size=0.08"), [0.08, 0.4, 0.0]);
    assert_eq!(langevin("kind='sm'", "step_size=0.08\nnoise_std=0.05\nsteps=7"), [0.08, 0.05, 7.0]);
    assert_eq!(langevin(&format!("{cd}\nnoise_std=0.2"), ""), [0.03, 0.2, 250.0]);
    assert_eq!(langevin(&format!("{cd}\nnoise_std=0"), ""), [0.03, 0.06f64.sqrt(), 250.0]);
    assert_eq!(langevin(&format!("{cd}\nnoise_std=0.2"), "noise_std=0"), [0.03, 0.06f64.sqrt(), 250.0]);
    assert_eq!(langevin("kind='cd'\nsteps=20\nstep_size=0.03", "")[2], 100.0);
}
