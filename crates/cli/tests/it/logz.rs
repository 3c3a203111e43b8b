//! log Z from the command line: each way on a small machine and on Ising models, scores that use it, and what
//! is refused.

use crate::common::Folder;
use serde_json::Value;

fn npy(shape: &str, values: &[f64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(117 - header.len()));
    header.push('\n');
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), header.as_bytes(), &values].concat()
}

const WEIGHTS: [f64; 6] = [0.5, -1.0, 1.5, 0.25, -0.75, 1.0];
const VISIBLE: [f64; 3] = [0.1, -0.4, 0.3];
const HIDDEN: [f64; 2] = [-0.2, 0.6];
const MACHINE: &str =
    "[model]\nkind = 'rbm'\nweights = 'W.npy'\nvisible_bias = 'b.npy'\nhidden_bias = 'c.npy'\n";
const ISING: &str = "[model]\nkind = 'ising'\nlattice = 'torus'\nshape = [4, 4]\ncoupling = 1\nbeta = 0.3\n";

/// A folder with a machine of 3 visible and 2 hidden units, and rows for it.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("W.npy", &npy("(3, 2)", &WEIGHTS));
    folder.write("b.npy", &npy("(3,)", &VISIBLE));
    folder.write("c.npy", &npy("(2,)", &HIDDEN));
    folder.write("rbm.toml", MACHINE.as_bytes());
    folder.write("ising.toml", ISING.as_bytes());
    folder.write("rows.csv", b"0,1,1\n1,0,0\n1,1,1\n0,0,1\n");
    folder
}

/// ln Σ over both sides, and f of a row.
fn by_hand() -> (f64, impl Fn([f64; 3]) -> f64) {
    let f = |v: [f64; 3]| {
        let odds = |j: usize| HIDDEN[j] + (0..3).map(|i| v[i] * WEIGHTS[2 * i + j]).sum::<f64>();
        (0..3).map(|i| v[i] * VISIBLE[i]).sum::<f64>() + (0..2).map(|j| odds(j).exp().ln_1p()).sum::<f64>()
    };
    let state = |s: usize| [0, 1, 2].map(|i| (s >> i & 1) as f64);
    ((0..8).map(|s| f(state(s)).exp()).sum::<f64>().ln(), f)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

#[test]
fn every_method_finds_log_z_of_a_machine() {
    let (folder, (exact, _)) = (folder(), by_hand());
    let run = |options: &str| folder.succeed(&format!("logz rbm.toml --json {options}")).json();
    let found = run("--method exact");
    assert!((number(&found["log_z"]) - exact).abs() < 1e-12, "{found}");
    assert_eq!((&found["method"], number(&found["std_err"])), (&Value::from("enumeration"), 0.0));
    std::fs::remove_file(folder.path("rbm.log_z.json")).unwrap();
    for method in ["ais", "reverse-ais", "bracket"] {
        let options = format!("--method {method} --data rows.csv --temperatures 40 --chains 400 --seed 2");
        let found = run(&options);
        let error = number(&found["std_err"]);
        assert!((number(&found["log_z"]) - exact).abs() < 5.0 * error && error < 0.05, "{found}");
        assert_eq!(found["method"], method);
        assert_eq!((&found["chains"], &found["temperatures"]), (&Value::from(400), &Value::from(40)));
        assert!(number(&found["ess"]) > 300.0, "{found}");
        let known = [("lower", method != "reverse-ais"), ("upper", method != "ais")];
        for (bound, known) in known {
            assert_eq!(found[bound].is_number(), known, "{found}");
        }
        assert_eq!(found, run(&format!("{options} --threads 1")), "the same on any number of threads");
    }
    assert!(folder.text("rbm.log_z.json").contains("\"bracket\""));
}

#[test]
fn scores_use_what_is_kept_while_the_weights_stay() {
    let (folder, (exact, f)) = (folder(), by_hand());
    let means = || folder.succeed("score rbm.toml rows.csv --json").json()["means"].clone();
    let rows = [[0., 1., 1.], [1., 0., 0.], [1., 1., 1.], [0., 0., 1.]];
    let mean = rows.iter().map(|row| f(*row)).sum::<f64>() / 4.0;
    assert!((number(&means()["log_density"]) - mean).abs() < 1e-12);
    assert!(means()["log_p"].is_null());
    folder.succeed("logz rbm.toml --method exact");
    assert!((number(&means()["log_p"]) - (mean - exact)).abs() < 1e-12);
    folder.succeed("logz rbm.toml --temperatures 5 --chains 10");
    assert!(
        (number(&means()["log_p"]) - (mean - exact)).abs() < 1e-12,
        "an estimate replaced an exact value"
    );
    assert!(folder.text("rbm.scores.csv").starts_with("log_density,log_p\n"));
    folder.write("c.npy", &npy("(2,)", &[-0.2, 0.7]));
    assert!(means()["log_p"].is_null(), "log Z of other weights");
    let given = folder.succeed("score rbm.toml rows.csv --log-z 2.5 --json").json();
    assert_eq!(number(&given["log_z"]["log_z"]), 2.5);
    assert!(means()["log_p"].is_number());
}

#[test]
fn exact_methods_and_annealing_agree_on_log_z_of_ising_models() {
    let folder = folder();
    let exact = |text: &str| {
        folder.write("model.toml", format!("[model]\nkind = 'ising'\n{text}\n").as_bytes());
        let found = folder.succeed("logz model.toml --method exact --json").json();
        (number(&found["log_z"]), found["method"].as_str().unwrap().to_string())
    };
    let (torus, method) = exact("lattice = 'torus'\nshape = [4, 4]\ncoupling = 1.0\nfield = 0.0\nbeta = 0.3");
    assert_eq!(method, "kaufman");
    // A field of almost nothing rules the closed form out.
    let (close, method) =
        exact("lattice = 'torus'\nshape = [4, 4]\ncoupling = 1.0\nfield = 1e-9\nbeta = 0.3");
    assert!(method != "kaufman" && (close - torus).abs() < 1e-7, "{close} by {method}, {torus}");
    let (strip, method) =
        exact("lattice = 'grid'\nshape = [3, 200]\ncoupling = 0.0\nfield = 0.5\nbeta = 2.0");
    assert_eq!(method, "transfer-matrix");
    assert!((strip - 600.0 * (2.0 * 1f64.cosh()).ln()).abs() < 1e-8);
    let (pair, method) = exact("lattice = 'graph'\ncoupling = [[0, 0.7], [0.7, 0]]");
    assert_eq!(method, "enumeration");
    assert!((pair - (4.0 * 0.7f64.cosh()).ln()).abs() < 1e-12);
    let found =
        folder.succeed("logz ising.toml --method bracket --temperatures 100 --chains 200 --json").json();
    assert!((number(&found["log_z"]) - torus).abs() < 5.0 * number(&found["std_err"]), "{found}, {torus}");
    assert!(number(&found["lower"]) < torus && torus < number(&found["upper"]), "{found}, {torus}");
}

#[test]
fn a_bracket_that_is_too_wide_is_no_answer() {
    let folder = folder();
    let ran = folder.run("logz rbm.toml --method bracket --temperatures 1 --chains 10 --width 0.01");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.lines().count()), (Some(1), "", 1), "{ran:?}");
    assert!(ran.stderr.contains("too wide"), "{ran:?}");
    assert!(!folder.exists("rbm.log_z.json"));
}

/// Runs what must be refused with one line that holds every one of `parts`.
fn refused(folder: &Folder, arguments: &str, parts: &[&str]) {
    let ran = folder.run(arguments);
    assert_eq!((ran.code, ran.stderr.lines().count()), (Some(2), 1), "enscore {arguments}: {ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "enscore {arguments}: no {part:?} in {}", ran.stderr);
    }
}

#[test]
fn wrong_options_of_logz_are_refused_in_one_line() {
    let folder = folder();
    refused(&folder, "logz rbm.toml --chains 0", &["too few chains", "found 0"]);
    refused(&folder, "logz rbm.toml --temperatures 0", &["too few temperatures"]);
    folder.write("down.txt", b"0\n0.5\n0.4\n1\n");
    refused(&folder, "logz rbm.toml --temperatures down.txt", &["down.txt, line 3", "0.4"]);
    folder.write("short.txt", b"0\n0.5\n");
    refused(&folder, "logz rbm.toml --temperatures short.txt", &["short.txt", "from 0 to 0.5"]);
    folder.write("grey.csv", b"0,1,1\n1,0.5,0\n");
    for command in ["logz rbm.toml --data grey.csv", "score rbm.toml grey.csv"] {
        refused(&folder, command, &["grey.csv, row 1, element 1", "0.5", "0 or 1"]);
    }
    refused(&folder, "score rbm.toml points.csv", &["shape does not match", "2 values per row"]);
    refused(&folder, "score rbm.toml rows.csv --log-z NaN", &["invalid log Z"]);
    folder.write("typo.toml", MACHINE.replace("hidden_bias", "hiden_bias").as_bytes());
    refused(&folder, "logz typo.toml", &["unknown key", "model.hiden_bias"]);
    folder.write("turned.toml", MACHINE.replace("W.npy", "turned.npy").as_bytes());
    folder.write("turned.npy", &npy("(2, 3)", &WEIGHTS));
    refused(&folder, "logz turned.toml", &["[2, 3]", "[3, 2]", "transpose"]);
    folder.write("turned.npy", &npy("(3, 2)", &[0.0, 1.0, f64::NAN, 0.0, 0.0, 0.0]));
    refused(&folder, "logz turned.toml", &["non-finite", "turned.npy, value 2", "NaN"]);
    folder.write("J.npy", &npy("(2, 2)", &[0.0, 1.0, 0.5, 0.0]));
    folder.write("graph.toml", b"[model]\nkind = 'ising'\nlattice = 'graph'\ncoupling = 'J.npy'\n");
    refused(&folder, "logz graph.toml --method exact", &["not symmetric", "graph.toml"]);
    folder.write("large.toml", ISING.replace("[4, 4]", "[40, 40]\nfield = 0.1").as_bytes());
    refused(&folder, "logz large.toml --method exact", &["no exact method", "2^1600 states", "--method ais"]);
    for text in ["1.5", "-3", "1e3"] {
        let ran = folder.run(&format!("logz rbm.toml --temperatures={text}"));
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("a whole number of steps") && ran.stderr.contains(text), "{ran:?}");
    }
    refused(&folder, "logz ising.toml --set sampler.steps=3", &["--set sampler.steps=3", "model.KEY=VALUE"]);
    refused(&folder, "logz ising.toml --set model.beta=-1 --method exact", &["inverse temperature", "-1"]);
    folder.write("bits.csv", b"0,1,1,0,0,1,1,0,0,1,1,0,0,1,1,0\n");
    refused(&folder, "score ising.toml bits.csv", &["not spins", "2 x - 1"]);

    let folder_of_zeros = |width: usize| {
        folder.write("W.npy", &npy(&format!("({width}, {width})"), &vec![0.0; width * width]));
        folder.write("b.npy", &npy(&format!("({width},)"), &vec![0.0; width]));
        folder.write("c.npy", &npy(&format!("({width},)"), &vec![0.0; width]));
    };
    folder_of_zeros(30);
    refused(&folder, "logz rbm.toml --method exact", &["2^30 states"]);
}

#[test]
fn samples_of_model_files_are_the_same_on_any_number_of_threads() {
    let folder = folder();
    for chain in ["gibbs", "metropolis", "swendsen-wang", "wolff"] {
        folder
            .succeed(&format!("sample ising.toml --num 5 --steps 9 --chain {chain} --threads 1 --out 1.npy"));
        folder
            .succeed(&format!("sample ising.toml --num 5 --steps 9 --chain {chain} --threads 2 --out 2.npy"));
        assert_eq!(folder.read("1.npy"), folder.read("2.npy"), "{chain}");
        assert!(folder.npy("1.npy").iter().all(|x| x.abs() == 1.0));
    }
    folder.succeed("sample ising.toml --num 4 --out states.png");
    folder.succeed("sample rbm.toml --num 4 --out rows.npy");
    assert!(folder.npy("rows.npy").iter().all(|x| *x == 0.0 || *x == 1.0));
    for (call, part) in [
        ("sample rbm.toml --out a.png", "write them as .npy or .csv"),
        ("sample rbm.toml --chain wolff --out a.npy", "--chain"),
        ("sample ising.toml", "--out"),
        ("sample ising.toml --out a.npy --set sampler.steps=3", "model.KEY=VALUE"),
        ("sample ising.toml --out a.npy --trajectory b.png", "--trajectory"),
        ("sample ising.toml --out missing/a.npy", "missing"),
    ] {
        let ran = folder.run(call);
        assert!(
            ran.code == Some(2) && ran.stderr.contains(part) && ran.stderr.lines().count() == 1,
            "{call}: {ran:?}"
        );
    }
    assert!(!folder.exists("a.png") && !folder.exists("a.npy"));
}

/// A spin glass of 40 sites with odd cycles: no exact way, so `exact` points at annealing, which needs none.
#[test]
fn spin_glasses_are_annealed_in_both_directions() {
    let folder = Folder::new();
    let n = 40usize;
    let sign = |i: usize, j: usize| if (i * 7 + j * 13).is_multiple_of(3) { 0.12 } else { -0.1 };
    let entry = |at: usize| {
        let [i, j] = [at / n, at % n];
        if i == j { 0.0 } else { sign(i.min(j), i.max(j)) }
    };
    let couplings: Vec<f64> = (0..n * n).map(entry).collect();
    folder.write("J.npy", &npy("(40, 40)", &couplings));
    folder.write("glass.toml", b"[model]\nkind = 'ising'\nlattice = 'graph'\ncoupling = 'J.npy'\n");
    refused(&folder, "logz glass.toml --method exact", &["no exact method", "--method ais or bracket"]);
    let options = "--method bracket --temperatures 300 --chains 200 --sweeps 200 --json";
    let found = folder.succeed(&format!("logz glass.toml {options}")).json();
    let [log_z, error] = ["log_z", "std_err"].map(|key| number(&found[key]));
    let back = &found["reverse"];
    let apart = (log_z - number(&back["log_z"])).abs();
    assert!(error < 0.05 && apart < 4.0 * error.hypot(number(&back["std_err"])), "{found}");
    assert_eq!((&found["upper"], &back["exact_samples"]), (&Value::Null, &Value::from(false)), "{found}");
    // The first sites alone, beside their states.
    let few: Vec<f64> = (0..196).map(|at| couplings[at / 14 * n + at % 14]).collect();
    folder.write("J.npy", &npy("(14, 14)", &few));
    let exact = number(&folder.succeed("logz glass.toml --method exact --json").json()["log_z"]);
    std::fs::remove_file(folder.path("glass.log_z.json")).unwrap();
    let found = folder.succeed("logz glass.toml --temperatures 100 --chains 200 --json").json();
    assert!((number(&found["log_z"]) - exact).abs() < 4.0 * number(&found["std_err"]), "{found} {exact}");
}

/// A coupling a bond, as two arrays, as a matrix of all pairs, and as a graph: one model.
#[test]
fn lattices_take_a_coupling_for_each_bond() {
    let folder = Folder::new();
    let log_z = |text: &str| {
        folder.write("model.toml", format!("[model]\nkind = 'ising'\n{text}\n").as_bytes());
        number(&folder.succeed("logz model.toml --method exact --json").json()["log_z"])
    };
    let right = "coupling_right = [[0.5], [-0.3]]\ncoupling_down = [[0.2, 0.7]]";
    let matrix = "coupling = [[0, 0.5, 0.2, 0], [0.5, 0, 0, 0.7], [0.2, 0, 0, -0.3], [0, 0.7, -0.3, 0]]";
    let by_bonds = log_z(&format!("lattice = 'grid'\nshape = [2, 2]\n{right}"));
    assert!((by_bonds - log_z(&format!("lattice = 'grid'\nshape = [2, 2]\n{matrix}"))).abs() < 1e-12);
    assert!((by_bonds - log_z(&format!("lattice = 'graph'\n{matrix}"))).abs() < 1e-12);
    let line = log_z("lattice = 'grid'\nshape = [3, 1]\ncoupling_down = [[0.5], [0.25]]");
    assert!((line - (8.0 * 0.5f64.cosh() * 0.25f64.cosh()).ln()).abs() < 1e-12);
    for (text, part) in [
        ("lattice = 'grid'\nshape = [2, 2]\ncoupling_right = [[0.5], [-0.3]]", "model.coupling_down"),
        ("lattice = 'torus'\nshape = [2, 2]\ncoupling_right = [[0.5], [-0.3]]", "[2, 2]"),
        ("lattice = 'torus'\nshape = [2, 2]\ncoupling = [[0, 1], [1, 0]]", "[4, 4]"),
        ("lattice = 'grid'\nshape = [1, 3]\ncoupling = [[0, 1, 2], [1, 0, 1], [2, 1, 0]]", "no neighbours"),
        ("lattice = 'grid'\nshape = [1, 2]\ncoupling = [[0, 1], [2, 0]]", "not symmetric"),
        ("lattice = 'graph'\ncoupling = [[0, 1], [1, 0]]\ncoupling_down = [[1]]", "a graph has no shape"),
        ("lattice = 'grid'\nshape = [1, 2]\ncoupling = 1\ncoupling_right = [[1]]", "two ways"),
    ] {
        folder.write("model.toml", format!("[model]\nkind = 'ising'\n{text}\n").as_bytes());
        refused(&folder, "logz model.toml --method exact", &[part]);
    }
}

/// Half precision, named arrays, biases as rows, weights the other way round.
#[test]
fn machines_of_other_files_are_read() {
    let (folder, (exact, _)) = (folder(), by_hand());
    let log_z = || number(&folder.succeed("logz rbm.toml --method exact --json").json()["log_z"]);
    let turned: Vec<f64> = [0, 2, 4, 1, 3, 5].iter().map(|at| WEIGHTS[*at]).collect();
    folder.write("turned.npy", &npy("(2, 3)", &turned));
    let text = MACHINE.replace("W.npy", "turned.npy");
    folder.write("rbm.toml", format!("{text}transposed = true\n").as_bytes());
    folder.write("b.npy", &npy("(1, 3)", &VISIBLE));
    folder.write("c.npy", &npy("(2, 1)", &HIDDEN));
    assert!((log_z() - exact).abs() < 1e-12);
    // Weights that 16 bits hold exactly, as numpy and as safetensors, under names of their own.
    let bits: [u16; 6] = [0x3800, 0xbc00, 0x3e00, 0x3400, 0xba00, 0x3c00];
    let bytes: Vec<u8> = bits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    let text = "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 2), }";
    let header = format!("{text:<117}\n");
    let half = [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), header.as_bytes(), &bytes].concat();
    folder.write("W.npy", &half);
    folder.write("rbm.toml", MACHINE.as_bytes());
    assert!((log_z() - exact).abs() < 1e-12);
    let header = r#"{"W":{"dtype":"F16","shape":[3,2],"data_offsets":[0,12]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &bytes].concat();
    folder.write("m.safetensors", &file);
    folder.write("rbm.toml", MACHINE.replace("W.npy", "m.safetensors:W").as_bytes());
    assert!((log_z() - exact).abs() < 1e-12);
    folder.write("rbm.toml", MACHINE.replace("W.npy", "m.safetensors").as_bytes());
    refused(&folder, "logz rbm.toml --method exact", &["no array with this name", "found W", ":NAME"]);
}

/// Another temperature than the file's, in every command that takes a model file; averages beside
/// enumeration.
#[test]
fn keys_of_model_files_can_be_overridden_and_spins_are_averaged() {
    let folder = folder();
    let of = |set: &str| {
        number(&folder.succeed(&format!("logz ising.toml --method exact --json {set}")).json()["log_z"])
    };
    let at_zero = of("--set model.beta=0");
    assert!((at_zero - 16.0 * 2f64.ln()).abs() < 1e-12 && of("") > at_zero + 1.0);
    folder.write("spins.csv", b"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\n");
    let mean = |set: &str| {
        number(
            &folder.succeed(&format!("score ising.toml spins.csv --json {set}")).json()["means"]["log_density"],
        )
    };
    assert!((mean("--set model.beta=0.5") - 16.0).abs() < 1e-9 && (mean("") - 9.6).abs() < 1e-9);
    let found = folder.succeed("sample ising.toml --num 64 --steps 200 --out a.npy --json").json();
    let exact = enscore::ising::exact::moments(
        &enscore::ising::IsingModel::torus(
            4,
            4,
            enscore::ising::Coupling::Uniform(1.0),
            enscore::ising::Field::Uniform(0.0),
            0.3,
        )
        .unwrap(),
    )
    .unwrap();
    for (key, truth) in [
        ("energy_per_site", exact.energy / 16.0),
        ("magnetisation", 0.0),
        ("absolute_magnetisation", exact.absolute_magnetisation),
    ] {
        let average = &found["averages"][key];
        let [value, error] = ["value", "standard_error"].map(|key| number(&average[key]));
        assert!(
            error > 0.0 && error < 0.1 && (value - truth).abs() < 4.5 * error,
            "{key}: {average}, {truth}"
        );
    }
    let said = folder.succeed("sample ising.toml --num 64 --steps 200 --out a.npy").stdout;
    let energy = &found["averages"]["energy_per_site"];
    let [value, error] = ["value", "standard_error"].map(|key| number(&energy[key]));
    let shown = format!("{}, without beta", enscore::report::measured(value, Some(error)));
    assert!(said.contains(&shown), "{said}");
    let cold =
        folder.succeed("sample ising.toml --num 64 --steps 200 --out b.npy --set model.beta=2 --json").json();
    assert!(number(&cold["averages"]["energy_per_site"]["value"]) < -1.99, "{cold}");
}

/// An energy of vectors: log Z by annealing in both directions, kept for `evaluate` and `score`.
#[test]
fn energies_of_vectors_are_annealed() {
    let folder = Folder::new();
    let row = |i: u32| {
        let x = f64::from(i * 37 % 101) / 25.0 - 2.0;
        let y = f64::from(i * 53 % 97) / 24.0 - 2.0;
        format!("{x:.3},{y:.3},{:.3}\n", 0.5 * x - 0.2 * y + f64::from(i * 29 % 89) / 60.0)
    };
    folder.write("space.csv", format!("a,b,c\n{}", (0..300).map(row).collect::<String>()).as_bytes());
    folder.write(
        "energy.toml",
        b"[data]\npath = 'space.csv'\nvalidation = 0.2\n[model]\nkind = 'gaussian-energy'\n[objective]\nkind = 'sm'\n\
          [train]\nsteps = 300\nbatch = 64\n[optimiser]\nlearning_rate = 0.05\n",
    );
    folder.succeed("train energy.toml --out run --no-report");
    let options = "--method bracket --temperatures 40 --chains 64 --sweeps 30 --json";
    let found = folder.succeed(&format!("logz run {options}")).json();
    let [log_z, error] = ["log_z", "std_err"].map(|key| number(&found[key]));
    assert!(error > 0.0 && error < 0.1, "{found}");
    assert!(found["detail"].as_str().unwrap().contains("Gaussian fitted to the data"), "{found}");
    let evaluated = folder.succeed("evaluate run --samples 0 --json").json();
    let figures = evaluated["figures"].as_array().unwrap();
    let of =
        |name: &str| figures.iter().find(|figure| figure["name"].as_str().unwrap().contains(name)).unwrap();
    let density = of("log density of held-out rows");
    let likelihood = of("by the kept log Z");
    assert!((number(&density["value"]) - log_z - number(&likelihood["value"])).abs() < 1e-9, "{evaluated}");
    let quadrature = number(&density["std_err"]).hypot(error);
    assert!((number(&likelihood["std_err"]) - quadrature).abs() < 1e-9, "{evaluated}");
    let scored = folder.succeed("score run space.csv --json").json();
    assert!(scored["means"]["log_p"].is_number() && number(&scored["log_z"]["log_z"]) == log_z, "{scored}");
    refused(&folder, "logz run --method exact", &["no exact method", "--method ais"]);
}

/// The state of a run can be chosen; what is kept beside the run stays that of the state that it opens with.
#[test]
fn the_state_of_a_run_can_be_chosen() {
    let folder = folder();
    let points: String =
        (0..80).map(|i| format!("{:.3},{:.3}\n", (i as f64).sin(), (0.7 * i as f64).cos())).collect();
    folder.write("points.csv", points.as_bytes());
    let settings = "[data]\npath = 'points.csv'\nvalidation = 0.3\n[model]\nkind = 'mlp-energy'\nhidden = [16]\n\
                    confinement = 2.0\n[objective]\nkind = 'nce'\n[optimiser]\nlearning_rate = 0.3\n[train]\n\
                    steps = 40\nbatch = 16\nvalidate_every = 2\n";
    folder.write("nce.toml", settings.as_bytes());
    let best =
        folder.succeed("train nce.toml --out run --no-report --json").json()["best_validation"]["step"]
            .clone();
    assert!(best.as_u64().is_some_and(|step| step < 40), "{best}");
    folder.succeed("score run points.csv --log-z 3.5 --out given.csv");
    let kept = folder.text("run/log_z.json");
    let scored = folder.succeed("score run points.csv --set train.keep=best --out best.csv --json").json();
    assert_eq!(scored["step"], best);
    assert_ne!(folder.text("best.csv"), folder.text("given.csv"));
    let found = folder.succeed("logz run --set train.keep=best --chains 64 --temperatures 20 --json").json();
    assert_eq!(found["kept"], false);
    assert_eq!(folder.text("run/log_z.json"), kept);
    refused(&folder, "score run points.csv --set sampler.steps=3", &["sampler.steps=3", "train.keep"]);
}
