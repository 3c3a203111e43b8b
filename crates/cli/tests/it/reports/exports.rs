//! What an export holds beside the arrays, and that it replaces nothing.

use serde_json::Value;

use crate::common::Folder;

/// Points with a slope, of which standardising changes every number.
fn table(folder: &Folder) {
    let row = |i: usize| {
        let [a, b] = [0.37, 0.91].map(|rate| (i as f64 * rate).sin());
        format!("{:.3},{:.3}\n", 10.0 * a, 100.0 + b + 0.3 * a)
    };
    let text: String = (0..200).map(row).collect();
    folder.write("table.csv", format!("width,height\n{text}").as_bytes());
}

fn column(text: &str, name: &str) -> Vec<f64> {
    let at = text.lines().next().unwrap().split(',').position(|column| column == name).unwrap();
    text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap().parse().unwrap()).collect()
}

#[test]
fn a_machine_of_a_whitened_table_carries_its_map() {
    let folder = Folder::new();
    table(&folder);
    let settings = "[data]\npath = 'table.csv'\npreprocess = 'whiten'\nvalidation = 0.2\n[model]\nkind = 'rbm'\n\
                    hidden = 4\nvisible = 'gaussian'\n[objective]\nkind = 'cd'\n[train]\nsteps = 20\nbatch = 16\n";
    folder.write("machine.toml", settings.as_bytes());
    folder.succeed("train machine.toml --out run --no-report");
    for format in ["npy", "safetensors"] {
        folder.succeed(&format!("export run --out {format} --format {format}"));
        folder.succeed("score run table.csv --out of_run.csv");
        folder.succeed(&format!("score {format}/model.toml table.csv --out of_file.csv"));
        let [run, file] = ["of_run.csv", "of_file.csv"].map(|name| column(&folder.text(name), "log_density"));
        assert_eq!(run.len(), 200);
        for (a, b) in run.iter().zip(&file) {
            assert!((a - b).abs() < 1e-3 * (1.0 + a.abs()), "{format}: {a} of the run, {b} of the file");
        }
        folder.succeed(&format!("sample {format}/model.toml --num 200 --steps 50 --out samples.csv"));
        let heights = column(&folder.text("samples.csv"), "height");
        let mean = heights.iter().sum::<f64>() / heights.len() as f64;
        assert!((mean - 100.0).abs() < 3.0, "samples are in the units of the table: {mean}");
    }
}

/// A machine of binarised greys takes greys after its export too; one of 0 and 255 takes 0 and 1.
#[test]
fn a_binary_machine_reads_its_pictures_however_they_are_written() {
    let folder = Folder::new();
    let cell = |i: usize, of: &dyn Fn(f64) -> f64| of((i * 37 % 101) as f64 / 100.0).to_string();
    let row = |r: usize, of: &dyn Fn(f64) -> f64| {
        (0..6).map(|c| cell(6 * r + c, of)).collect::<Vec<_>>().join(",") + "\n"
    };
    let file = |of: &dyn Fn(f64) -> f64| (0..60).map(|r| row(r, of)).collect::<String>();
    folder.write("grey.csv", file(&|v| v).as_bytes());
    folder.write("bits.csv", file(&|v| f64::from(u8::from(v >= 0.5))).as_bytes());
    let black_or_white = |i: usize| if i * 37 % 101 >= 50 { 255 } else { 0 };
    let bytes: Vec<u8> = (0..360).map(black_or_white).collect();
    let header = format!("{:<117}\n", "{'descr': '|u1', 'fortran_order': False, 'shape': (60, 6), }");
    let npy = [b"\x93NUMPY\x01\x00\x76\x00".as_slice(), header.as_bytes(), &bytes].concat();
    folder.write("bytes.npy", &npy);
    let train = |data: &str, more: &str| {
        let settings = format!(
            "[data]\npath = '{data}'\n{more}validation = 0.2\n[model]\nkind = 'rbm'\nhidden = 4\n\
             [objective]\nkind = 'cd'\n[train]\nsteps = 20\nbatch = 16\n"
        );
        folder.write("machine.toml", settings.as_bytes());
        folder.succeed("train machine.toml --out run --no-report");
    };
    let score = |model: &str, data: &str| {
        folder.succeed(&format!("score {model} {data} --out scores.csv"));
        column(&folder.text("scores.csv"), "log_density")
    };
    train("grey.csv", "binarise = true\n");
    folder.succeed("export run --out out");
    let own = score("run", "grey.csv");
    for (a, b) in own.iter().zip(score("out/model.toml", "grey.csv")) {
        assert!((a - b).abs() < 1e-3 * (1.0 + a.abs()), "{a} of the run, {b} of the file");
    }
    assert_eq!(own, score("run", "bits.csv"));
    let described = folder.text("out/model.json");
    assert!(described.contains("\"grey\": \"refuse\""), "{described}");
    folder.write("out/model.json", described.replace("\"refuse\"", "\"dark\"").as_bytes());
    let ran = folder.run("score out/model.toml grey.csv");
    assert!(ran.code == Some(2) && ran.stderr.contains("found dark"), "{ran:?}");
    std::fs::remove_dir_all(folder.path("run")).unwrap();
    train("bytes.npy", "");
    assert_eq!(score("run", "bytes.npy"), score("run", "bits.csv"));
    // Greys as probabilities: the file of the machine says of them what the run says.
    for grey in ["bits", "probabilities"] {
        std::fs::remove_dir_all(folder.path("run")).unwrap();
        train("grey.csv", &format!("grey = '{grey}'\n"));
        folder.succeed(&format!("export run --out {grey}"));
        for (a, b) in score("run", "grey.csv").iter().zip(score(&format!("{grey}/model.toml"), "grey.csv")) {
            assert!((a - b).abs() < 1e-3 * (1.0 + a.abs()), "{grey}: {a} of the run, {b} of the file");
        }
        let told = folder.succeed("evaluate run --samples 0").stdout.contains("not those of a distribution");
        assert_eq!(told, grey == "probabilities");
    }
}

#[test]
fn an_export_describes_itself_and_replaces_nothing() {
    let folder = Folder::new();
    let settings = "[data]\npath = 'points.csv'\nvalidation = 0.2\n[model]\nkind = 'mlp-energy'\nhidden = [4]\n\
                    confinement = 5.0\n[objective]\nkind = 'nce'\n[train]\nsteps = 8\nbatch = 16\n";
    folder.write("nce.toml", settings.as_bytes());
    folder.succeed("train nce.toml --out run --no-report");
    let answer = folder.succeed("export run --out onnx --format onnx --json").json();
    let files: Vec<&str> =
        answer["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert_eq!(files, ["onnx/log_density.onnx", "onnx/score.onnx", "onnx/model.json"]);
    let described: Value = serde_json::from_slice(&folder.read("onnx/model.json")).unwrap();
    assert_eq!(described["model"]["kind"], "mlp-energy");
    assert_eq!(described["model"]["hidden"][0], 4);
    assert_eq!(described["confinement"]["deviation"], 5.0);
    assert_eq!(described["confinement"]["centre"].as_array().unwrap().len(), 2);
    assert!(described["learnt_log_z"].is_number() && described["data"]["scale"].is_object(), "{described}");
    assert_eq!(described["onnx"][0]["outputs"][1], "log_density");
    for part in described["meaning"].as_object().unwrap().keys() {
        for part in part.split(", ") {
            let found = part.split('.').fold(&described, |value, key| &value[key]);
            let is_there = part.split('.').next().is_some_and(|first| described.get(first).is_some());
            assert!(is_there, "{part} is described and not there: {found}");
        }
    }
    let again = folder.run("export run --out onnx --format npy");
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("replace a file: onnx/model.json"), "{}", again.stderr);
    assert!(!folder.path("onnx/layer0.weight.npy").exists(), "nothing is written before it is refused");
    folder.succeed("export run --out arrays --format npy");
    let described: Value = serde_json::from_slice(&folder.read("arrays/model.json")).unwrap();
    for array in described["parameters"].as_array().unwrap() {
        assert!(folder.path("arrays").join(array["file"].as_str().unwrap()).exists(), "{array}");
    }
}
