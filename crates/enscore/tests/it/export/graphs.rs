//! Exported graphs compute what the model computes, for any number of rows.

use enscore::executor::RowSlice;
use enscore::export::onnx::messages::{Extent, GraphProto, ModelProto, ValueInfoProto};
use enscore::export::onnx::{OnnxFile, onnx_files};
use enscore::model::{Generator, HostDensity, LatentVariable, Posterior, Score, batch_shape, trace};
use enscore::sample::{TrainedDensity, TrainedModel};
use enscore::trained::Trained;
use enscore_program::Kind;
use prost::Message;

use super::runtime::{Array, run};
use crate::common::families::FAMILIES;
use crate::common::runs::Folder;

/// Rows that the graphs are run on.
const ROWS: usize = 3;

fn graph(file: &OnnxFile) -> GraphProto {
    let model = ModelProto::decode(&file.bytes[..]).unwrap();
    assert_eq!((model.ir_version, model.opset_import[0].version), (8, 17));
    assert_eq!(model.metadata_props[0].value, "42");
    model.graph.unwrap()
}

/// The extents that a value is declared with; none for the number of rows.
fn declared(value: &ValueInfoProto) -> Vec<Option<i64>> {
    let shape = value.r#type.clone().unwrap().tensor_type.unwrap().shape.unwrap();
    let extent = |extent: Option<Extent>| match extent.unwrap() {
        Extent::Value(value) => Some(value),
        Extent::Name(name) => {
            assert_eq!(name, "rows");
            None
        }
    };
    shape.dim.into_iter().map(|dimension| extent(dimension.extent)).collect()
}

fn near(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 2e-4 * (1.0 + a.abs().max(b.abs())), "{what}: {a} in the graph, {b} here");
    }
}

/// The scores of a network at this noise, as the executor has them.
fn scores(model: &TrainedModel, rows: &[f64], sigma: f64) -> Vec<f64> {
    let (program, _) = trace(model.parameters(), |scope, parameters| {
        let x = scope.input("x", Kind::Float, &batch_shape(ROWS, model.model.row_shape()));
        let sigma = scope.constant(sigma).broadcast_to(&[ROWS]);
        vec![("score".to_string(), model.model.score(parameters, x, sigma))]
    })
    .unwrap();
    let rows = RowSlice::new(rows, model.row_len()).unwrap();
    model.compile(&program).unwrap().over::<f32>(&rows).weights(&model.weights).per_row("score").unwrap()
}

fn assert_graphs(name: &str, model: &TrainedModel, files: &[OnnxFile]) {
    let shape = batch_shape(ROWS, model.model.row_shape());
    let binary = model.model.support().is_discrete();
    let value = |i: usize| 0.5 + 0.45 * (i as f64 * 1.7).sin();
    let rows: Vec<f64> = (0..shape.iter().product())
        .map(value)
        .map(|v| if binary { v.round() } else { f64::from(v as f32) })
        .collect();
    let x = Array::new(&shape, rows.clone());
    let names: Vec<&str> = files.iter().map(|file| file.name).collect();
    if let Some(network) = model.model.generator() {
        assert_eq!(names, ["generator.onnx"], "{name}");
        return assert_generator(name, model, network, files);
    }
    if let Some(network) = model.model.latent_variable() {
        assert_eq!(names, ["encoder.onnx", "decoder.onnx"], "{name}");
        return assert_coders(name, model, network, files, x);
    }
    if model.model.has_density() {
        let graph = graph(&files[0]);
        assert_eq!(declared(&graph.output[1]), [None], "{name}");
        let found = run(&graph, &[("x", x.clone())]);
        let expected = TrainedDensity::new(model).unwrap().log_density(&rows).unwrap();
        near(&format!("log density of {name}"), &found["log_density"].values, &expected);
        let energy: Vec<f64> = expected.iter().map(|f| -f).collect();
        near(&format!("energy of {name}"), &found["energy"].values, &energy);
        assert_eq!(
            names,
            if binary { vec!["log_density.onnx"] } else { vec!["log_density.onnx", "score.onnx"] }
        );
        if binary {
            return;
        }
        let found = run(&self::graph(&files[1]), &[("x", x)]);
        let expected = TrainedDensity::new(model).unwrap().score(&rows).unwrap();
        near(&format!("score of {name}"), &found["score"].values, &expected);
        return;
    }
    assert_eq!(names, ["score.onnx"], "{name}");
    let graph = graph(&files[0]);
    assert_eq!(declared(&graph.input[0])[0], None, "{name}");
    let found = run(&graph, &[("x", x), ("sigma", Array::new(&[ROWS], vec![0.7; ROWS]))]);
    near(&format!("score of {name}"), &found["score"].values, &scores(model, &rows, 0.7));
}

/// Rows of a generator from its noise.
fn assert_generator(name: &str, model: &TrainedModel, network: &dyn Generator, files: &[OnnxFile]) {
    let latents = network.latents();
    let z: Vec<f64> = (0..ROWS * latents).map(|i| f64::from((i as f32 * 0.7).sin())).collect();
    let (program, _) = trace(model.parameters(), |scope, parameters| {
        let z = scope.input("x", Kind::Float, &[ROWS, latents]);
        let rows = network.generate(parameters, z).reshape(&[ROWS, model.row_len()]);
        vec![("rows".to_string(), rows)]
    })
    .unwrap();
    let rows = RowSlice::new(&z, latents).unwrap();
    let mut routine = model.compile(&program).unwrap();
    let expected = routine.over::<f32>(&rows).weights(&model.weights).per_row("rows").unwrap();
    let found = run(&graph(&files[0]), &[("z", Array::new(&[ROWS, latents], z.clone()))]);
    near(&format!("rows of {name}"), &found["x"].values, &expected);
}

/// The two networks of a latent variable model: means and log variances of rows, and rows from latents.
fn assert_coders(
    name: &str,
    model: &TrainedModel,
    network: &dyn LatentVariable,
    files: &[OnnxFile],
    x: Array,
) {
    let rows = RowSlice::new(&x.values, model.row_len()).unwrap();
    let expected = |output: &str| {
        let (program, _) = trace(model.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(ROWS, network.row_shape()));
            let Posterior { mean, log_variance } = network.encode(parameters, x);
            let rows = network.expected(parameters, mean).reshape(&[ROWS, model.row_len()]);
            let named = [("mean", mean), ("log_variance", log_variance), ("x", rows)];
            let wanted = named.into_iter().filter(|(name, _)| *name == output);
            wanted.map(|(name, var)| (name.to_string(), var)).collect()
        })
        .unwrap();
        let mut routine = model.compile(&program).unwrap();
        routine.over::<f32>(&rows).weights(&model.weights).per_row(output).unwrap()
    };
    let [mean, log_variance, back] = ["mean", "log_variance", "x"].map(expected);
    let encoded = run(&graph(&files[0]), &[("x", x.clone())]);
    near(&format!("means of {name}"), &encoded["mean"].values, &mean);
    near(&format!("log variances of {name}"), &encoded["log_variance"].values, &log_variance);
    let z = Array::new(&[ROWS, network.latents()], mean);
    near(&format!("rows of {name}"), &run(&graph(&files[1]), &[("z", z)])["x"].values, &back);
}

/// Of every family: what ONNX has no operators for is refused by name.
#[test]
fn graphs_compute_what_the_model_computes() {
    let folder = Folder::new();
    let mut refused = Vec::new();
    for family in &FAMILIES {
        let settings = folder.of_family(family, &["train.steps=3", "train.checkpoint_every=3"]);
        let run = folder.train(family.name, &settings);
        let model = Trained::open(&run.path, &[]).unwrap().model;
        match onnx_files(&model, &[("step", "42".to_string())]) {
            Ok(files) => assert_graphs(family.name, &model, &files),
            Err(error) => refused.push((family.name, error.to_string())),
        }
    }
    let names: Vec<&str> = refused.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Vec::<&str>::new(), "{refused:?}");
}
