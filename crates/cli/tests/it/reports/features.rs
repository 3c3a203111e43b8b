//! Hidden probabilities of a machine as features, what is refused of units, and notes of flows of levels.

use crate::common::Folder;

const MACHINE: &str = "[data]\npath = 'bits.csv'\nvalidation = 0.2\n[model]\nkind = 'rbm'\nhidden = 3\n[objective]\n\
                       kind = 'cd'\n[train]\nsteps = 20\nbatch = 16\n";

fn bits(folder: &Folder) {
    let row = |i: u32| (0..4).map(move |bit| (i.wrapping_mul(2_654_435_761) >> (7 + bit) & 1).to_string());
    let text: String = (0..60).map(|i| row(i).collect::<Vec<_>>().join(",") + "\n").collect();
    folder.write("bits.csv", format!("a,b,c,d\n{text}").as_bytes());
    folder.write("machine.toml", MACHINE.as_bytes());
}

#[test]
fn hidden_probabilities_are_written_as_features() {
    let folder = Folder::new();
    bits(&folder);
    folder.succeed("train machine.toml --out run --no-report");
    folder.succeed("export run --out arrays");
    let w = folder.npy("arrays/weights.npy");
    let bytes = folder.read("arrays/hidden_bias.npy");
    let c: Vec<f32> =
        bytes[bytes.len() - 12..].chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    folder.succeed("score run bits.csv --features of_run.csv");
    folder.succeed("score arrays/model.toml bits.csv --features of_file.npy");
    let text = folder.text("of_run.csv");
    assert_eq!(text.lines().next(), Some("h1,h2,h3"));
    let rows = folder.text("bits.csv");
    let of_file = folder.npy("of_file.npy");
    for (row, (x, found)) in rows.lines().skip(1).zip(text.lines().skip(1)).enumerate() {
        let x: Vec<f32> = x.split(',').map(|value| value.parse().unwrap()).collect();
        for (unit, found) in found.split(',').enumerate() {
            let input = c[unit] + x.iter().enumerate().map(|(i, x)| x * w[3 * i + unit]).sum::<f32>();
            let expected = 1.0 / (1.0 + (-input).exp());
            let found: f32 = found.parse().unwrap();
            assert!((found - expected).abs() < 1e-5, "row {row}: {found}, by hand {expected}");
            assert!((of_file[3 * row + unit] - expected).abs() < 1e-5);
        }
    }
    let refused = folder.run("score run bits.csv --features x.txt");
    assert!(refused.code == Some(2) && refused.stderr.contains("x.txt"), "{refused:?}");
    folder.succeed("train mlp.toml --out score --no-report");
    let refused = folder.run("score score points.csv --features x.csv");
    assert!(refused.stderr.contains("--features") && refused.code == Some(2), "{refused:?}");
}

#[test]
fn binary_units_refuse_noise() {
    let folder = Folder::new();
    bits(&folder);
    for set in ["data.path=bits.csv", "data.name=digits"] {
        let refused =
            folder.run(&format!("train machine.toml --out x --set {set} --set data.dequantise=true"));
        assert_eq!(refused.code, Some(2));
        assert!(refused.stderr.contains("data.dequantise"), "{}", refused.stderr);
    }
}

/// The bundled digits have pixels that are always 0.
#[test]
fn noise_contrasts_with_data_that_have_constant_pixels() {
    let folder = Folder::new();
    for noise in ["gaussian", "uniform"] {
        let settings = format!(
            "data.name = 'digits'\n[model]\nkind = 'mlp-energy'\nhidden = [4]\n[objective]\nkind = 'nce'\n\
             noise = '{noise}'\n[train]\nsteps = 2\nbatch = 16\n"
        );
        folder.write("n.toml", settings.as_bytes());
        folder.succeed(&format!("train n.toml --out {noise} --no-report"));
    }
}

#[test]
fn a_flow_of_bare_levels_is_told_from_one_of_dequantised_ones() {
    let folder = Folder::new();
    let settings = "data.name = 'digits'\n[model]\nkind = 'multi-scale-flow'\nchannels = 4\ncouplings = 2\nscales = 1\n\
                    [objective]\nkind = 'ml'\n[train]\nsteps = 2\nbatch = 16\n";
    folder.write("flow.toml", settings.as_bytes());
    for (run, set, bits) in [("bare", "", false), ("noisy", "--set data.dequantise=true", true)] {
        let trained = folder.run(&format!("train flow.toml --out {run} --no-report {set}"));
        assert_eq!(trained.stderr.contains("elements are constant"), !bits, "{trained:?}");
        let answer = folder.succeed(&format!("evaluate {run} --samples 0 --max-rows 8 --json")).json();
        let figures = answer["figures"].as_array().unwrap();
        assert_eq!(figures.iter().any(|figure| figure["id"] == "bits_per_dim"), bits, "{answer}");
        assert_eq!(answer["notes"].to_string().contains("data.dequantise = true"), !bits, "{answer}");
    }
}

/// Points a thousand times as far apart as the default noise reaches.
#[test]
fn what_does_not_fit_the_data_is_said_before_a_training() {
    let folder = Folder::new();
    let row = |i: u32| format!("{},{}\n", 1000.0 * f64::from(i).sin(), 1000.0 * f64::from(i).cos());
    folder.write("far.csv", ("a,b\n".to_string() + &(0..80).map(row).collect::<String>()).as_bytes());
    let ran =
        folder.run("train mlp.toml --out far --no-report --json --set data.path=far.csv --set train.steps=2");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("too small to reach") && ran.stderr.contains("suggest"), "{}", ran.stderr);
    let warnings = ran.json()["warnings"].to_string();
    assert!(warnings.contains("too small to reach"), "{warnings}");
    let fits = folder.succeed("train mlp.toml --out near --no-report --json --set train.steps=2").json();
    assert_eq!(fits["warnings"], serde_json::json!([]), "{fits}");
}
