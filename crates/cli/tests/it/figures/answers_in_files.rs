//! What other commands write and say: exported arrays, filled images, suggestions, facts of data.

use serde_json::{Value, json};

use super::plain::by_hand::{AVERAGED, ByHand, assert_close, number};
use super::plain::trained::{folder, train};
use crate::common::Folder;

/// The shape in the header of an npy file, and its values.
fn npy(folder: &Folder, name: &str) -> (String, Vec<f32>) {
    let bytes = folder.read(name);
    let header = String::from_utf8_lossy(&bytes[10..]).into_owned();
    let shape = header.split("'shape': (").nth(1).unwrap().split(')').next().unwrap().to_string();
    let length = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    let values = bytes[10 + length..].chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    (shape.trim_end_matches(',').to_string(), values.collect())
}

/// Every array stands under its own name, in its own shape, averaged or raw as asked for.
#[test]
fn every_parameter_is_exported_under_its_name() {
    let folder = folder();
    for name in ["rbm-tempered", "dbm-pretrained", "ncsn-mlp", "sm-dkef"] {
        train(&folder, name, name, "");
        let hand = ByHand::open(&folder, name, AVERAGED);
        for (prefix, set) in [("ema.", ""), ("", "--set sampler.weights=raw")] {
            folder.succeed(&format!("export {name} --out {name}-{prefix}arrays {set}"));
            folder.succeed(&format!("export {name} --out {name}-{prefix}one --format safetensors {set}"));
            let bytes = folder.read(&format!("{name}-{prefix}one/model.safetensors"));
            let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            assert_eq!(tensors.len(), hand.parameters.len(), "{name}");
            for parameter in &hand.parameters {
                let what = format!("{name}, {prefix}{}", parameter.name);
                let expected = &hand.tensors[&format!("{prefix}{}", parameter.name)];
                let (shape, values) = npy(&folder, &format!("{name}-{prefix}arrays/{}.npy", parameter.name));
                assert_eq!(values, *expected, "{what}");
                let extents: Vec<String> = parameter.shape.iter().map(usize::to_string).collect();
                let extents = if extents.is_empty() { "1".to_string() } else { extents.join(", ") };
                assert_eq!(shape, extents, "shape of {what}");
                let tensor = tensors.tensor(&parameter.name).unwrap();
                assert_eq!(tensor.shape(), parameter.shape, "shape of {what}");
                let bytes: Vec<u8> = expected.iter().flat_map(|value| value.to_le_bytes()).collect();
                assert_eq!(tensor.data(), bytes, "{what}");
            }
        }
    }
}

/// The model file names each array for what it is: rows have the same log density as under the run.
#[test]
fn an_exported_machine_scores_rows_as_the_run_does() {
    let folder = folder();
    for (name, rows) in [("rbm-tempered", "more_bits.csv"), ("rbm-gaussian", "more_points.csv")] {
        train(&folder, name, name, "");
        let hand = ByHand::open(&folder, name, AVERAGED);
        let source = folder.path(rows).display().to_string();
        let f = hand.log_densities(&hand.rows_of_source(&source));
        for format in ["npy", "safetensors"] {
            folder.succeed(&format!("export {name} --out {name}-{format} --format {format}"));
            folder.succeed(&format!("score {name}-{format}/model.toml {rows} --out scores.csv"));
            let text = folder.text("scores.csv");
            let found: Vec<f64> = text.lines().skip(1).map(|line| line.parse().unwrap()).collect();
            assert_eq!(found.len(), f.len());
            found.iter().zip(&f).for_each(|(x, y)| assert_close(&format!("{name} as {format}"), *x, *y));
            let run = folder.succeed(&format!("logz {name} --method exact --json")).json();
            let file =
                folder.succeed(&format!("logz {name}-{format}/model.toml --method exact --json")).json();
            assert_close(&format!("log Z of {name}"), number(&file["log_z"]), number(&run["log_z"]));
        }
    }
}

/// Four corners of a rectangle of 3 and 4: the largest distance is 5.
#[test]
fn a_suggestion_is_that_of_the_rows() {
    let folder = folder();
    folder.write("corners.csv", b"a,b\n1,1\n4,1\n1,5\n4,5\n2,2\n");
    let found = folder.succeed("suggest corners.csv --steps 7 --sigma-min 0.05 --json").json();
    assert_close("sigma_max", number(&found["sigma_max"]), 5.0);
    assert_eq!(
        (&found["sigma_min"], &found["rows"], &found["rows_used"]),
        (&json!(0.05), &json!(5), &json!(5))
    );
    assert_eq!((&found["row_len"], &found["steps_per_level"]), (&json!(2), &json!(7)));
    // In two dimensions levels overlap at any ratio, so that they fall by at most 2: 1 + log2(100), rounded
    // up.
    assert!(found["technique2_ratio"].is_null());
    assert_eq!(found["levels"], 8);
    let ratio = 100f64.powf(1.0 / 7.0);
    assert_close("ratio", number(&found["ratio"]), ratio);
    // The relative variance (1 - q)^2T (g² - 2/(2 - q)) + 2/(2 - q) for q = eps / sigma_min² is least there.
    let relative = |q: f64| (1.0 - q).powi(14) * (ratio * ratio - 2.0 / (2.0 - q)) + 2.0 / (2.0 - q);
    let least = (1..100_000).map(|i| f64::from(i) * 1e-5).map(relative).fold(f64::INFINITY, f64::min);
    assert_close("relative variance", number(&found["variance_ratio"]), least);
    let q = number(&found["step_size"]) / 2.0 / 0.05f64.powi(2);
    assert_close("the step by algorithm 1, half of which multiplies the score", relative(q), least);
    let code =
        folder.succeed("suggest corners.csv --steps 7 --sigma-min 0.05 --rule reference-code --json").json();
    assert_close(
        "a step twice as large",
        2e4 * number(&code["step_size"]),
        1e4 * number(&found["step_size"]),
    );
    let text = folder.succeed("suggest corners.csv --steps 7 --sigma-min 0.05").stdout;
    for line in [
        "sigma_max = 5.000000 ",
        "sigma_min = 0.05\n",
        "levels = 8 ",
        "steps_per_level = 7\n",
        "rule = \"algorithm1\"\n",
    ] {
        assert!(text.contains(&format!("\n{line}")), "{line} in {text}");
    }
    assert!(text.contains(&format!("\nstep_size = {:.6e} ", number(&found["step_size"]))), "{text}");
}

#[test]
fn facts_of_a_table_are_those_of_its_cells() {
    let folder = folder();
    folder.write("three.csv", b"left,right\n1,-2\n2.5,4\n-3,0.5\n");
    let found = folder.succeed("data info three.csv --json").json();
    let cells = [1.0, -2.0, 2.5, 4.0, -3.0, 0.5];
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert_eq!((&found["rows"], &found["shape"], &found["image"]), (&json!(3), &json!([2]), &json!(false)));
    assert_eq!((&found["test_rows"], &found["labels"]), (&Value::Null, &Value::Null));
    assert_eq!(found["columns"], json!(["left", "right"]));
    assert_close("low", number(&found["low"]), -3.0);
    assert_close("high", number(&found["high"]), 4.0);
    assert_close("mean", number(&found["mean"]), mean(&cells));
    let variance = mean(&cells.map(|x| (x - mean(&cells)).powi(2)));
    assert_close("variance", number(&found["variance"]), variance);
    let text = folder.succeed("data info three.csv").stdout;
    for (name, value) in [
        ("rows", "3, no test split".to_string()),
        ("scale", "unscaled".into()),
        ("scaled values", "-3 to 4".into()),
        ("mean", format!("{:.6}", mean(&cells))),
        ("variance", format!("{variance:.6}")),
        ("columns", "2".into()),
        ("  left", "number, -3 to 2.5, mean 0.166667, standard deviation 2.3214, 3 distinct".into()),
    ] {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        assert_eq!(line[name.len()..].trim_start(), value, "the line {name}");
    }
    let digits = folder.succeed("data info digits --json").json();
    assert_eq!(
        (&digits["rows"], &digits["test_rows"], &digits["labels"]),
        (&json!(1500), &json!(297), &json!(10))
    );
    assert_eq!((&digits["low"], &digits["high"], &digits["image"]), (&json!(0.0), &json!(1.0), &json!(true)));
}
