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
    refused(&folder, "logz large.toml --method exact", &["no exact method", "2^1600 states"]);
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
        ("sample ising.toml --out a.npy --set sampler.steps=3", "--set"),
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
