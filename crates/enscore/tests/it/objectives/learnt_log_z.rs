//! Noise contrastive estimation learns log Z: of a perceptron energy of a density in the plane, against
//! quadrature.
use enscore::trained::Trained;

use enscore::evaluate::log_z_by_quadrature;
use enscore::settings::Settings;
use enscore::train::{Request, Silent, train};

const SETTINGS: &str = r#"
[data]
name = "two-moons"
[model]
kind = "mlp-energy"
hidden = [32, 32]
confinement = 1.2
[objective]
kind = "nce"
ratio = 8
[optimiser]
learning_rate = 4e-3
decay = "cosine"
[train]
steps = 1500
batch = 256
validate_every = 0
"#;

/// The standard error of log Z is some 1/√(rows seen late in the training), a few thousandths; an objective
/// without the noise's log density, or without ln ν, is off by its mean or by ln 4.
#[test]
fn log_z_is_learnt_within_two_hundredths_of_a_nat() {
    let folder = tempfile::tempdir().unwrap();
    // Gaussian noise is where the model's mass is. Quadrature counts mass that neither data nor tight noise
    // sees (a fitted mixture), and mass that a classifier against much empty box hardly weighs (uniform
    // noise): some tenth of a nat each.
    for widen in [1.0, 1.5] {
        let sets = [format!("objective.widen={widen}")];
        let settings = Settings::parse(SETTINGS, "test", &sets).unwrap();
        let run = folder.path().join(widen.to_string());
        let request = Request { run: run.clone(), resume: false, until: None };
        train(&settings, &request, &|| None, &mut Silent).unwrap();
        let trained = Trained::open(&run, &[]).unwrap();
        let (learnt, found) =
            (trained.learnt_log_z.unwrap(), log_z_by_quadrature(&trained).unwrap().unwrap());
        println!(
            "noise times {widen}: learnt {learnt:.4}, by quadrature {:.4} ± {:.1e}",
            found.value,
            found.error()
        );
        assert!(found.error() < 2e-3, "{widen}: {found:?}");
        assert!((learnt - found.value).abs() < 0.02, "{widen}: {learnt} and {}", found.value);
    }
}
