//! `enscore denoise`: its files, its figures, and what it refuses.

use crate::common::{Folder, png_size};
use serde_json::Value;

const SIDE: usize = 24;

fn png(pixels: &[u8], width: usize) -> Vec<u8> {
    let image =
        enscore::report::Image { width, height: pixels.len() / width, channels: 1, pixels: pixels.to_vec() };
    enscore::report::png::encode(&image).unwrap()
}

fn npy(values: &[f32], width: usize) -> Vec<u8> {
    enscore::report::table::npy(values, &[width]).unwrap()
}

/// A disc as truth.png and truth.npy, with every eleventh pixel flipped in noisy.png and noisy.npy.
fn images() -> Folder {
    let folder = Folder::new();
    let inside = |i: usize| (i / SIDE).abs_diff(SIDE / 2).pow(2) + (i % SIDE).abs_diff(SIDE / 2).pow(2) < 64;
    let truth: Vec<bool> = (0..SIDE * SIDE).map(inside).collect();
    let noisy: Vec<bool> = truth.iter().enumerate().map(|(i, pixel)| *pixel != (i % 11 == 3)).collect();
    for (name, pixels) in [("truth", truth), ("noisy", noisy)] {
        let bytes: Vec<u8> = pixels.iter().map(|pixel| if *pixel { 255 } else { 0 }).collect();
        let spins: Vec<f32> = pixels.iter().map(|pixel| if *pixel { 1.0 } else { -1.0 }).collect();
        folder.write(&format!("{name}.png"), &png(&bytes, SIDE));
        folder.write(&format!("{name}.npy"), &npy(&spins, SIDE));
    }
    folder
}

fn json(folder: &Folder, arguments: &str) -> Value {
    let ran = folder.succeed(&format!("denoise {arguments} --json"));
    assert_eq!(ran.stdout.lines().count(), 1, "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn every_method_removes_noise_and_none_beats_the_cut() {
    let folder = images();
    let energy = |method: &str| {
        let call =
            format!("noisy.png --out {method}.png --truth truth.png --method {method} --eta 1.1 --beta 0.9");
        let answer = json(&folder, &call);
        assert_eq!(answer["method"], method);
        assert_eq!(png_size(&folder.path(&format!("{method}.png"))), (SIDE as u32, SIDE as u32));
        let number = |key: &str| answer[key].as_u64().unwrap();
        assert_eq!(number("bit_errors_before"), 53);
        assert!(number("bit_errors_after") < 15 && number("flipped") > 40, "{answer}");
        assert!(answer["seconds"].as_f64().unwrap() >= 0.0);
        answer["energy"].as_f64().unwrap()
    };
    let least = energy("maxflow");
    assert!((energy("annealing") - least).abs() < 1e-9);
    assert!(energy("icm") >= least - 1e-9 && energy("gibbs") >= least - 1e-9);
}

#[test]
fn both_formats_hold_the_same_image() {
    let folder = images();
    let [from_png, from_npy] = ["png", "npy"]
        .map(|kind| json(&folder, &format!("noisy.{kind} --out out-{kind}.npy"))["energy"].as_f64().unwrap());
    assert_eq!(from_png, from_npy);
    let spins = folder.npy("out-npy.npy");
    assert!(spins.len() == SIDE * SIDE && spins.iter().all(|spin| spin.abs() == 1.0));
    let levels: Vec<f32> = spins.iter().map(|spin| if *spin > 0.0 { 255.0 } else { 0.0 }).collect();
    assert_eq!(folder.npy("out-png.npy"), levels);
    json(&folder, "noisy.png --out a.png");
    json(&folder, "noisy.npy --out b.png");
    assert_eq!(folder.read("a.png"), folder.read("b.png"));
    // What is written can be read again, and nothing is left to flip.
    let again = json(&folder, "a.png --out c.png --truth b.png --eta 9");
    assert_eq!((&again["flipped"], &again["bit_errors_after"]), (&0.into(), &0.into()));
}

#[test]
fn the_default_weights_are_those_of_one_flip_in_ten() {
    let folder = images();
    let of = |arguments: &str| json(&folder, &format!("noisy.png --out a.png {arguments}"))["eta"].as_f64();
    assert!((of("").unwrap() - 0.5 * 9f64.ln()).abs() < 1e-12);
    assert!((of("--flip-probability 0.2").unwrap() - 0.5 * 4f64.ln()).abs() < 1e-12);
    assert_eq!(of("--eta -1.5"), Some(-1.5));
}

#[test]
fn sampling_gives_marginals_by_its_seed_alone() {
    let folder = images();
    let call = "noisy.npy --method gibbs --chains 3 --burn-in 20 --sweeps 50 --seed 7";
    let answer = json(&folder, &format!("{call} --out a.npy --marginals means.npy --threads 1"));
    assert!(answer["standard_error"].as_f64().unwrap() < 0.1 && answer["r_hat"].as_f64().unwrap() < 1.2);
    json(&folder, &format!("{call} --out b.npy --marginals again.npy --threads 2"));
    assert_eq!(folder.read("means.npy"), folder.read("again.npy"));
    let (means, spins) = (folder.npy("means.npy"), folder.npy("a.npy"));
    assert!(means.iter().zip(&spins).all(|(mean, spin)| mean.abs() <= 1.0 && mean * spin >= 0.0));
    json(&folder, &format!("{call} --out b.npy --marginals means.png"));
    assert_eq!(png_size(&folder.path("means.png")), (SIDE as u32, SIDE as u32));
    for method in ["gibbs", "annealing", "icm"] {
        json(&folder, &format!("noisy.npy --out c.npy --beta -0.3 --method {method}"));
    }
}

/// Every option of the sampler reaches it: of few sweeps each changes the marginals, and none of them
/// the noisy image.
#[test]
fn each_option_of_sampling_changes_the_marginals() {
    let folder = images();
    let usual = [("--chains", "2"), ("--burn-in", "1"), ("--sweeps", "6"), ("--seed", "7")];
    let usual = [&usual[..], &[("--eta", "0.5"), ("--beta", "0.7")]].concat();
    let marginals = |changed: Option<(&str, &str)>| {
        let option = |(name, value): &(&str, &str)| match changed {
            Some((other, new)) if other == *name => format!("{name} {new}"),
            _ => format!("{name} {value}"),
        };
        let options: Vec<String> = usual.iter().map(option).collect();
        let call = format!("noisy.npy --method gibbs --out a.npy --marginals m.npy {}", options.join(" "));
        json(&folder, &call);
        folder.npy("m.npy")
    };
    let base = marginals(None);
    assert_eq!(base, marginals(None));
    for changed in [
        ("--chains", "3"),
        ("--burn-in", "2"),
        ("--sweeps", "7"),
        ("--seed", "8"),
        ("--eta", "0.4"),
        ("--beta", "0.3"),
    ] {
        assert_ne!(base, marginals(Some(changed)), "{changed:?}");
    }
}

/// A picture of marginals has the probability of white: (1 + E x)/2 of the 255 levels.
#[test]
fn pictures_of_marginals_are_probabilities_of_white() {
    let folder = images();
    let call = "noisy.npy --method gibbs --chains 2 --burn-in 1 --sweeps 9 --seed 3 --out a.npy --eta 0.3";
    json(&folder, &format!("{call} --marginals m.npy"));
    json(&folder, &format!("{call} --marginals m.png"));
    let means = folder.npy("m.npy");
    let drawn = enscore::data::load(&folder.path("m.png").display().to_string(), enscore::data::Split::Train);
    let drawn = drawn.unwrap();
    let enscore::data::Values::U8(levels) = drawn.values() else { panic!("not bytes") };
    assert_eq!(levels.len(), means.len());
    assert!(means.iter().any(|mean| mean.abs() < 0.9), "nothing is undecided");
    for (level, mean) in levels.iter().zip(&means) {
        let expected = 255.0 * (0.5 + 0.5 * mean);
        assert!((f32::from(*level) - expected).abs() <= 1.0, "level {level}, mean {mean}");
    }
}

/// Annealing searches longer with more sweeps, from another seed another way.
#[test]
fn options_of_annealing_reach_the_search() {
    let folder = images();
    let energy = |options: &str| {
        let call = format!("noisy.npy --method annealing --out a.npy --eta 0.2 --beta 0.9 {options}");
        json(&folder, &call)["energy"].as_f64().unwrap()
    };
    let short = energy("--sweeps 1 --seed 1");
    assert_eq!(short, energy("--sweeps 1 --seed 1"));
    assert!(energy("--sweeps 300 --seed 1") < short);
    let image = |seed: u64| {
        // Neighbours that want to differ leave many images of nearly the same energy.
        let call = format!(
            "noisy.npy --method annealing --out a.npy --eta 0.05 --beta -0.8 --sweeps 1 --seed {seed}"
        );
        json(&folder, &call);
        folder.npy("a.npy")
    };
    assert_eq!(image(1), image(1));
    assert_ne!(image(1), image(2));
}

#[test]
fn grey_images_are_made_two_valued_on_request() {
    let folder = images();
    folder.write("grey.png", &png(&[0, 90, 255, 200], 2));
    let of = |threshold: &str| {
        json(&folder, &format!("grey.png --out a.npy --threshold {threshold} --eta 1 --beta 0"));
        folder.npy("a.npy")
    };
    assert_eq!(of("128"), [0.0, 0.0, 255.0, 255.0]);
    assert_eq!((of("0.5"), of("90")), (of("128"), vec![0.0, 255.0, 255.0, 255.0]));
}

#[test]
fn images_and_options_that_do_not_fit_are_refused_in_one_line() {
    let folder = images();
    folder.write("grey.png", &png(&[0, 90, 255, 200], 2));
    folder.write("nan.npy", &npy(&[1.0, f32::NAN], 2));
    folder.write("small.npy", &npy(&[1.0, -1.0], 2));
    folder.write("text.png", b"hello");
    folder.write("two.npy", &enscore::report::table::npy(&[1.0; 12], &[3, 2]).unwrap());
    let empty = enscore::report::table::npy(&[], &[2]).unwrap();
    folder.write("empty.npy", &empty);
    let cases: [(&str, &[&str]); 22] = [
        ("grey.png --out new.png", &["grey.png, row 0, column 1", "found 90", "--threshold"]),
        ("noisy.png --out new.png --truth grey.png", &["grey.png, row 0, column 1"]),
        ("noisy.png --out new.png --truth small.npy", &["small.npy", "2 x 1", "24 x 24"]),
        ("nan.npy --out new.png", &["nan.npy", "NaN"]),
        ("two.npy --out new.png", &["two.npy", "not one image"]),
        ("empty.npy --out new.png", &["empty.npy", "empty"]),
        ("missing.png --out new.png", &["missing.png", "no such file"]),
        ("text.png --out new.png", &["text.png"]),
        ("digits --out new.png", &["digits", ".png or .npy"]),
        ("noisy.png --out new.jpg", &["new.jpg", ".png or .npy"]),
        ("noisy.png --out no/new.png", &["no such folder"]),
        ("noisy.png --out new.png --beta -0.1", &["beta", "-0.1", "--method gibbs"]),
        ("noisy.png --out new.png --beta inf", &["beta", "inf"]),
        ("noisy.png --out new.png --eta NaN", &["eta", "NaN"]),
        ("noisy.png --out new.png --flip-probability 1", &["--flip-probability"]),
        ("noisy.png --out new.png --flip-probability 0.2 --eta 1", &["--eta"]),
        ("noisy.png --out new.png --model runs/digits", &["--model", "ising"]),
        ("noisy.png --out new.png --method guess", &["guess", "maxflow"]),
        ("noisy.png --out new.png --sweeps 10", &["--sweeps", "maxflow"]),
        ("noisy.png --out new.png --method annealing --marginals new.npy", &["--marginals"]),
        ("noisy.png --out new.png --method gibbs --marginals new.png", &["same file"]),
        ("noisy.png --out new.png --threshold NaN", &["--threshold"]),
    ];
    for (arguments, parts) in cases {
        let ran = folder.run(&format!("denoise {arguments}"));
        assert_eq!((ran.code, ran.stderr.lines().count(), ran.stdout.as_str()), (Some(2), 1, ""), "{ran:?}");
        for part in parts {
            assert!(ran.stderr.contains(part), "denoise {arguments}: no {part:?} in {}", ran.stderr);
        }
        assert!(
            !folder.exists("new.png") && !folder.exists("new.npy"),
            "denoise {arguments} wrote something"
        );
    }
}

/// -eta Σ x y - beta Σ x x' over neighbours, and how many pixels differ from which image.
#[test]
fn energies_and_counts_are_those_of_the_pixels() {
    let folder = images();
    for method in ["icm", "maxflow"] {
        let options = format!("--method {method} --eta 0.7 --beta 0.45 --truth truth.png");
        let answer = json(&folder, &format!("noisy.png --out out.npy {options}"));
        let spins = |values: Vec<f32>| -> Vec<f64> {
            let middle =
                values.iter().fold(f32::MAX, |a, b| a.min(*b)) + values.iter().fold(0f32, |a, b| a.max(*b));
            values.iter().map(|x| if 2.0 * x > middle { 1.0 } else { -1.0 }).collect()
        };
        let image = |name: &str| {
            let mut values = vec![0.0; SIDE * SIDE];
            enscore::data::read_image(&folder.path(name)).unwrap().copy_row(0, &mut values).unwrap();
            spins(values)
        };
        let (y, truth, x) = (image("noisy.png"), image("truth.png"), spins(folder.npy("out.npy")));
        let energy = |x: &[f64]| {
            let fields: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
            let mut bonds = 0.0;
            for i in 0..SIDE * SIDE {
                let right = if i % SIDE + 1 < SIDE { x[i + 1] } else { 0.0 };
                let below = if i + SIDE < SIDE * SIDE { x[i + SIDE] } else { 0.0 };
                bonds += x[i] * (right + below);
            }
            -0.7 * fields - 0.45 * bonds
        };
        let differ = |a: &[f64], b: &[f64]| a.iter().zip(b).filter(|(a, b)| a != b).count() as f64;
        for (key, expected) in [
            ("eta", 0.7),
            ("beta", 0.45),
            ("energy", energy(&x)),
            ("energy_before", energy(&y)),
            ("flipped", differ(&x, &y)),
            ("bit_errors_before", differ(&y, &truth)),
            ("bit_errors_after", differ(&x, &truth)),
        ] {
            let found = answer[key].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-9, "{method}, {key}: found {found}, by hand {expected}");
        }
    }
}

/// A small image by all its labellings: marginals that sampling meets, and log Z.
#[test]
fn small_images_are_enumerated() {
    let folder = Folder::new();
    let spins: [f32; 12] = [1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0];
    folder.write("y.npy", &npy(&spins, 4));
    let call = "y.npy --eta 0.6 --beta 0.4 --out x.npy";
    let found = json(&folder, &format!("{call} --method exact --marginals exact.npy"));
    let model = enscore::ising::denoise::IsingDenoising::new(0.6, 0.4).unwrap();
    let exact = model.enumerate(&spins.map(|spin| spin as i8), 3, 4).unwrap();
    assert_eq!(found["log_z"].as_f64(), Some(exact.log_z));
    assert_eq!(found["least_energy"].as_f64(), Some(exact.least_energy));
    let means = folder.npy("exact.npy");
    assert!(means.iter().zip(&exact.means).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6));
    let sampled = json(&folder, &format!("{call} --method gibbs --sweeps 3000 --marginals means.npy"));
    let errors = folder.npy("means.npy").iter().zip(&means).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(errors < 0.1, "{errors}");
    assert!(sampled["mean_energy_standard_error"].as_f64().unwrap() > 0.0, "{sampled}");
    folder.write("large.npy", &npy(&[1.0, -1.0].repeat(12), 4));
    let ran = folder.run("denoise large.npy --method exact --out x.npy");
    assert!(ran.code == Some(2) && ran.stderr.contains("24 pixels"), "{ran:?}");
    for q in ["0.6", "1", "0"] {
        let ran = folder.run(&format!("denoise y.npy --out x.npy --flip-probability {q}"));
        assert!(ran.code == Some(2) && ran.stderr.contains("at most 0.5"), "{ran:?}");
    }
}

/// The tables of the Ising prior give its images; tables of a channel that flips white more often than black
/// don't.
#[test]
fn general_potentials_come_from_a_file() {
    let folder = images();
    let [eta, beta] = [1.1f64, 0.9];
    let table = |weight: f64| {
        let [same, other] = [weight.exp(), (-weight).exp()];
        format!("[[{same}, {other}], [{other}, {same}]]")
    };
    let text = format!("[model]\nkind = 'pairwise'\npsi = {}\npsi_right = {}\n", table(eta), table(beta));
    folder.write("ising.toml", text.as_bytes());
    for method in ["maxflow", "icm", "gibbs", "annealing"] {
        let by_tables = json(
            &folder,
            &format!("noisy.npy --out a.npy --method {method} --model ising.toml --truth truth.npy"),
        );
        let by_ising =
            json(&folder, &format!("noisy.npy --out b.npy --method {method} --eta 1.1 --beta 0.9"));
        let energies = [&by_tables, &by_ising].map(|found| found["energy"].as_f64().unwrap());
        let bound = if method == "gibbs" { 20.0 } else { 1e-6 };
        assert!((energies[0] - energies[1]).abs() < bound, "{method}: {energies:?}");
        assert!(by_tables["bit_errors_after"].as_u64().unwrap() < 15, "{by_tables}");
        // Means of spins vary more than means of their conditional expectations.
        if method == "gibbs" {
            let figures = [&by_tables, &by_ising].map(|found| found["standard_error"].as_f64().unwrap());
            assert!(figures[0] > 0.0 && figures[0] < 4.0 * figures[1], "{figures:?}");
            assert!((by_tables["r_hat"].as_f64().unwrap() - 1.0).abs() < 0.2, "{by_tables}");
        }
    }
    let skewed = text.replace(&table(eta), "[[0.6, 0.4], [0.01, 0.99]]");
    folder.write("skewed.toml", skewed.as_bytes());
    let found = json(&folder, "noisy.npy --out c.npy --model skewed.toml");
    assert_ne!(folder.npy("a.npy"), folder.npy("c.npy"), "{found}");
    folder.write("y.npy", &npy(&[1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 1.0], 4));
    let small = format!("[model]\nkind = 'pairwise'\npsi = {}\npsi_right = {}\n", table(0.6), table(0.4));
    folder.write("small.toml", small.as_bytes());
    let by_tables = json(&folder, "y.npy --out d.npy --method exact --model small.toml");
    let by_ising = json(&folder, "y.npy --out d.npy --method exact --eta 0.6 --beta 0.4");
    let log_z = [&by_tables, &by_ising].map(|found| found["log_z"].as_f64().unwrap());
    assert!((log_z[0] - log_z[1]).abs() < 1e-9, "{log_z:?}");
    for (text, part) in [
        ("psi = [[1, 1], [1, 0]]\npsi_right = [[1, 1], [1, 1]]", "above 0"),
        ("psi = [[1, 1, 1], [1, 1, 1]]\npsi_right = [[1, 1], [1, 1]]", "[2, 2] or [2, 4, 2]"),
        ("psi = [[1, 1], [1, 1]]", "psi_right"),
        ("psi = [[1, 1], [1, 1]]\npsi_right = [[1, 2], [2, 1]]", "max-flow does not apply"),
    ] {
        folder.write("bad.toml", format!("[model]\nkind = 'pairwise'\n{text}\n").as_bytes());
        let ran = folder.run("denoise y.npy --out e.npy --model bad.toml");
        assert!(
            ran.code == Some(2) && ran.stderr.contains(part) && ran.stderr.lines().count() == 1,
            "{ran:?}"
        );
    }
    let ran = folder.run("denoise y.npy --out e.npy --model small.toml --beta 0.3");
    assert!(ran.code == Some(2) && ran.stderr.contains("--beta"), "{ran:?}");
}
