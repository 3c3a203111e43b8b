//! Restricted Boltzmann machines from the command line: trainings that resume bit for bit with every kind of
//! chain, samples of 0 and 1, filled images, exported weights, and what is refused.

use crate::common::{Folder, png_size};

const MACHINE: &str = r#"
[data]
name = "digits"
binarise = true
[model]
kind = "rbm"
hidden = 12
[optimiser]
kind = "sgd"
momentum = 0.5
weight_decay = 1e-3
learning_rate = 0.05
clip_norm = 0
[train]
steps = 40
batch = 20
checkpoint_every = 10
validate_every = 20
[sampler]
steps = 20
count = 8
"#;

fn folder(objective: &str) -> Folder {
    let folder = Folder::new();
    folder.write("rbm.toml", format!("{MACHINE}[objective]\n{objective}\n").as_bytes());
    folder
}

#[test]
fn every_kind_of_chain_resumes_bit_for_bit_on_any_number_of_threads() {
    for objective in [
        "kind = 'cd'",
        "kind = 'cd'\ntemperatures = 3\nchains = 30\nsteps = 2",
        "kind = 'cd'\nstart = 'data'\nsteps = 3\ncentring = false",
        "kind = 'cd'\nstart = 'noise'\nsteps = 3",
        "kind = 'ml'",
    ] {
        let folder = folder(objective);
        folder.succeed("train rbm.toml --out whole --no-report --threads 1");
        folder.succeed("train rbm.toml --out parts --no-report --threads 2 --set train.steps=20");
        folder.succeed("train rbm.toml --out parts --no-report --threads 2 --resume");
        assert!(folder.state("whole", 40) == folder.state("parts", 40), "{objective}");
        let tensors = folder.tensors("whole", 40);
        let persistent = !objective.contains("start") && !objective.contains("ml");
        assert_eq!(tensors.contains_key("objective.chains"), persistent, "{objective}");
        if let Some(chains) = tensors.get("objective.chains") {
            assert!(chains.iter().all(|x| *x == 0.0 || *x == 1.0));
            assert!([20 * 64, 3 * 30 * 64].contains(&chains.len()));
        }
        assert!(tensors["moment2.weights"].iter().all(|x| *x == 0.0));
    }
}

#[test]
fn a_trained_machine_is_watched_sampled_filled_in_and_exported() {
    let folder = folder("kind = 'cd'\nsteps = 2");
    folder.succeed("train rbm.toml --out run");
    let metrics = folder.metrics("run");
    let watched = metrics.iter().filter(|row| row.get("pseudo_log_likelihood").is_some()).count();
    assert_eq!(watched, 2);
    assert!(folder.exists("run/filters.png") && folder.text("run/report.html").contains("Filters"));
    for threads in [1, 2] {
        folder.succeed(&format!("sample run --num 5 --threads {threads} --out {threads}.npy"));
    }
    assert_eq!(folder.read("1.npy"), folder.read("2.npy"));
    assert!(folder.npy("1.npy").iter().all(|x| *x == 0.0 || *x == 1.0));
    folder.succeed("sample run --num 5 --out means.png");
    folder.succeed("sample run --num 5 --out states.png --set sampler.pictures=states");
    assert_ne!(folder.read("means.png"), folder.read("states.png"));
    folder.succeed("export run --out weights");
    assert_eq!(folder.npy("weights/weights.npy"), folder.tensors("run", 40)["ema.weights"]);
    assert!(folder.text("weights/model.toml").contains("visible_bias = \"visible_bias.npy\""));
    folder.succeed("export run --out tensors --format safetensors");
    for files in ["weights", "tensors"] {
        folder.succeed(&format!("sample {files}/model.toml --num 3 --steps 5 --out {files}.npy"));
        folder.succeed(&format!("logz {files}/model.toml --method exact"));
    }
    assert_eq!(folder.read("weights.npy"), folder.read("tensors.npy"));
    assert_eq!(folder.read("weights/model.log_z.json"), folder.read("tensors/model.log_z.json"));

    picture(&folder, "in.png", |x, _| if x < 4 { 1.0 } else { 0.0 });
    picture(&folder, "mask.png", |_, y| if y >= 4 { 1.0 } else { 0.0 });
    folder.succeed("inpaint run in.png --mask mask.png --out out.png --steps 10");
    assert_eq!(png_size(&folder.path("out.png")), (8, 8));
    let filled = pixels(&folder, "out.png");
    for (i, pixel) in filled.iter().enumerate().take(32) {
        assert_eq!(*pixel, if i % 8 < 4 { 1.0 } else { 0.0 }, "known pixel {i} is kept");
    }
    assert!(filled[32..].iter().any(|pixel| *pixel != 0.0 && *pixel != 1.0), "the others are means");
}

/// Writes an image of 8 x 8 grey pixels.
fn picture(folder: &Folder, name: &str, pixel: impl Fn(usize, usize) -> f32) {
    let pixels: Vec<f32> = (0..64).map(|i| pixel(i % 8, i / 8)).collect();
    let image = enscore::report::sheet::sheet(&pixels, [8, 8, 1], 1, 1, 0).unwrap();
    enscore::report::png::write(&folder.path(name), &image).unwrap();
}

fn pixels(folder: &Folder, name: &str) -> Vec<f32> {
    let mut pixels = vec![0.0; 64];
    enscore::data::read_image(&folder.path(name)).unwrap().copy_row(0, &mut pixels).unwrap();
    pixels
}

#[test]
fn what_does_not_fit_is_refused_in_one_line() {
    let folder = folder("kind = 'cd'");
    let cases = [
        ("data.binarise=false", vec!["row 0, element 2", "0.3125", "data.binarise = true"]),
        ("objective.kind=sm", vec!["objective.kind", "for model.kind = \"rbm\""]),
        ("objective.kind=ncsn", vec!["objective.kind", "expected \"cd\" or \"ml\""]),
        ("sampler.kind=langevin", vec!["sampler.kind", "gibbs"]),
        ("objective.step_size=0.1", vec!["objective.step_size", "is only for"]),
        ("objective.kind=ml --set model.hidden=40", vec!["too many units to enumerate", "at most 16"]),
        (
            "objective.start=noise --set objective.temperatures=3",
            vec!["objective.temperatures", "persistent"],
        ),
        ("objective.start=data --set objective.steps=101", vec!["objective.steps", "at most 100"]),
        ("optimiser.kind=adam", vec!["optimiser.momentum", "kind = \"sgd\""]),
        ("data.dequantise=true", vec!["data.binarise", "dequantise"]),
        ("model.deviation=0", vec!["model.deviation", "above 0"]),
    ];
    for (set, parts) in cases {
        let ran = folder.run(&format!("train rbm.toml --out run --set {set}"));
        assert_eq!(
            (ran.code, ran.stderr.lines().count(), ran.stdout.as_str()),
            (Some(2), 1, ""),
            "{set}: {ran:?}"
        );
        parts
            .iter()
            .for_each(|part| assert!(ran.stderr.contains(part), "{set}: no {part:?} in {}", ran.stderr));
        assert!(!folder.exists("run"), "{set} left something");
    }
    folder.succeed(
        "train rbm.toml --out grey --no-report --set data.binarise=false --set model.visible=gaussian",
    );
    folder.write("points.csv", b"a,b\n0,1\n1,0.5\n1,1\n0,0\n");
    let points = "train rbm.toml --out run --set data.path=points.csv --set data.binarise=false";
    let ran = folder.run(points);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}
