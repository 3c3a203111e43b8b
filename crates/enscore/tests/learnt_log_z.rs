//! Noise contrastive estimation learns log Z: of a perceptron energy of a density in the plane, against quadrature.
#![allow(clippy::unwrap_used, reason = "test code")]

use enscore::evaluate::normaliser;
use enscore::sample::Trained;
use enscore::settings::Settings;
use enscore::train::{Request, Silent, train};

const SETTINGS: &str = r#"
[data]
name = "two-moons"
[model]
kind = "mlp-energy"
hidden = [32, 32]
confinement = 2.0
[objective]
kind = "nce"
ratio = 4
[optimiser]
learning_rate = 5e-3
decay = "cosine"
[train]
steps = 800
batch = 256
validate_every = 0
"#;

/// The standard error of log Z is some 1/√(rows seen late in the training), a few thousandths; an objective without the
/// noise's log density, or without ln ν, is off by its mean or by ln 4.
#[test]
fn log_z_is_learnt_within_two_hundredths_of_a_nat() {
    let folder = tempfile::tempdir().unwrap();
    // Where there is hardly any noise the energy is free, and Z counts all of it: tight noise is widened.
    for (noise, widen) in [("gaussian", 1.0), ("mixture", 2.0), ("uniform", 2.0)] {
        let mut sets = vec![format!("objective.noise={noise}"), format!("objective.widen={widen}")];
        sets.push("objective.components=4".to_string());
        let settings = Settings::parse(SETTINGS, "test", &sets).unwrap();
        let run = folder.path().join(noise);
        let request = Request { run: run.clone(), resume: false, until: None };
        train(&settings, &request, &|| None, &mut Silent).unwrap();
        let trained = Trained::open(&run, &[]).unwrap();
        let (learnt, found) =
            (trained.learnt_log_z.unwrap(), normaliser::by_quadrature(&trained).unwrap().unwrap());
        println!("{noise}: learnt {learnt:.4}, by quadrature {:.4} ± {:.1e}", found.value, found.error());
        assert!(found.error() < 2e-3, "{noise}: {found:?}");
        assert!((learnt - found.value).abs() < 0.02, "{noise}: {learnt} and {}", found.value);
    }
}
