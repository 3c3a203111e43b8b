//! What can be asked of a trained autoregressive model, latent variable model, game and baseline, and what is
//! refused in one line.

use crate::common::{Folder, png_size};

const SHORT: &str = "--set train.steps=40 --set train.batch=32";

fn train(folder: &Folder, run: &str, settings: &str) {
    let args: Vec<String> = settings.split(' ').map(|set| format!("--set {set}")).collect();
    folder.write("s.toml", b"[data]\nname = 'digits'\n");
    folder.succeed(&format!("train s.toml --out {run} --no-report {SHORT} {}", args.join(" ")));
}

fn refused(folder: &Folder, arguments: &str, says: &str) {
    let ran = folder.run(arguments);
    assert_eq!((ran.code, ran.stderr.trim_end().lines().count()), (Some(2), 1), "{arguments}: {ran:?}");
    assert!(ran.stderr.contains(says), "{arguments}: {}", ran.stderr);
}

fn picture(folder: &Folder, name: &str, pixel: impl Fn(usize, usize) -> f32) {
    let pixels: Vec<f32> = (0..64).map(|i| pixel(i % 8, i / 8)).collect();
    let image = enscore::report::sheet::sheet(&pixels, [8, 8, 1], 1, 1, 0).unwrap();
    enscore::report::png::write(&folder.path(name), &image).unwrap();
}

#[test]
fn an_autoregressive_model_completes_what_comes_last() {
    let folder = Folder::new();
    train(&folder, "made", "data.binarise=true model.kind=made");
    let scored = folder.succeed("score made digits --json").json();
    let [density, log_p] = ["log_density", "log_p"].map(|name| scored["means"][name].as_f64().unwrap());
    assert!(density == log_p && density < 0.0, "{scored}");
    picture(&folder, "in.png", |x, _| if x < 4 { 1.0 } else { 0.0 });
    picture(&folder, "lower.png", |_, y| if y >= 4 { 1.0 } else { 0.0 });
    picture(&folder, "upper.png", |_, y| if y < 4 { 1.0 } else { 0.0 });
    folder.succeed("inpaint made in.png --mask lower.png --out out.png");
    assert_eq!(png_size(&folder.path("out.png")), (8, 8));
    let mut pixels = vec![0.0; 64];
    enscore::data::read_image(&folder.path("out.png")).unwrap().copy_row(0, &mut pixels).unwrap();
    assert!((0..32).all(|i| pixels[i] == if i % 8 < 4 { 1.0 } else { 0.0 }), "known pixels are kept");
    assert!(pixels[32..].iter().all(|pixel| *pixel == 0.0 || *pixel == 1.0), "the others are drawn");
    refused(&folder, "inpaint made in.png --mask upper.png --out o.png", "known values must come first");
    refused(&folder, "logz made", "it is normalised");
    train(&folder, "orders", "data.binarise=true model.kind=made model.orderings=3");
    refused(&folder, "inpaint orders in.png --mask lower.png --out o.png", "one order");
}

#[test]
fn a_latent_variable_model_has_bounds_features_and_two_networks() {
    let folder = Folder::new();
    train(&folder, "vae", "model.kind=conv-vae model.likelihood=discretised-logistic model.latents=3");
    let of = |arguments: &str| folder.succeed(&format!("{arguments} --json")).json();
    let bound = |draws: usize| {
        let found = of(&format!("score vae digits --draws {draws}"));
        assert_eq!(found["units"]["log_p_bound"], "nats");
        found["means"]["log_p_bound"].as_f64().unwrap()
    };
    assert!(bound(200) > bound(1) + 0.1, "more draws tighten the bound");
    let between = format!("{}\n", [vec!["0"; 31], vec!["16"; 32], vec!["3.3"]].concat().join(","));
    folder.write("between.csv", between.as_bytes());
    refused(&folder, "score vae between.csv", "one of 17 levels");
    let features = "score vae digits --features z.csv";
    folder.succeed(features);
    assert!(folder.text("z.csv").starts_with("z1,z2,z3\n"));
    assert_eq!(folder.text("z.csv").lines().count(), 298);
    let found = of("evaluate vae --draws 20 --samples 0");
    let figure = |id: &str| {
        let figures = found["figures"].as_array().unwrap();
        figures.iter().find(|figure| figure["id"] == id).unwrap()["value"].as_f64().unwrap()
    };
    let bits = -figure("log_likelihood_bound") / (64.0 * std::f64::consts::LN_2);
    assert!((figure("bits_per_dim") - bits).abs() < 1e-9);
    folder.succeed("export vae --out vae.onnx --format onnx");
    assert!(folder.exists("vae.onnx/encoder.onnx") && folder.exists("vae.onnx/decoder.onnx"));
    refused(
        &folder,
        "train s.toml --out no --set model.kind=mlp-vae --set data.name=two-moons",
        "zeros and ones",
    );
    let noisy =
        "--set model.kind=conv-vae --set model.likelihood=discretised-logistic --set data.dequantise=true";
    refused(&folder, &format!("train s.toml --out no {noisy}"), "data.dequantise");
}

#[test]
fn a_game_has_samples_and_no_likelihood() {
    let folder = Folder::new();
    train(&folder, "gan", "model.kind=mlp-generator");
    folder.succeed("sample gan --num 5 --out g.npy");
    assert!(folder.npy("g.npy").iter().all(|value| (0.0..=16.0).contains(value)));
    refused(&folder, "score gan digits", "has no likelihood");
    refused(&folder, "score gan digits --log-z 1", "has no log Z");
    refused(&folder, "logz gan", "has no density");
    folder.succeed("export gan --out gan.onnx --format onnx");
    assert!(folder.exists("gan.onnx/generator.onnx"));
    let convolutions = "--set model.kind=mlp-generator --set objective.critic=conv --set data.name=two-moons";
    refused(&folder, &format!("train s.toml --out no {convolutions}"), "needs images");
}

#[test]
fn a_baseline_is_fitted_by_a_step() {
    let folder = Folder::new();
    let moons = "data.name=two-moons";
    train(&folder, "kde", &format!("{moons} model.kind=kde model.bandwidth=scott train.steps=1"));
    let found = folder.succeed("score kde two-moons --json").json();
    assert!(found["means"]["log_p"].as_f64().unwrap() > -1.2, "{found}");
    refused(&folder, "profile s.toml --set model.kind=gaussian", "no updates to profile");
    refused(&folder, "train s.toml --out no --set model.kind=kde --set data.name=digits", "definite");
}
