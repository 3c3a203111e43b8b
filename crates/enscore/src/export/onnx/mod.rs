//! A trained model as ONNX: its energy and log density, and its score, as graphs for any number of rows.
//!
//! Programs are translated primitive by primitive, derivatives too, so that the score of an energy is in the
//! file as it is computed here. A model with a factorisation or random draws in it has no such file.

mod builder;
pub mod messages;
mod operators;
mod translate;

use enscore_program::{Kind, Parameter, Program};
use prost::Message;

use crate::error::Result;
use crate::model::{LatentVariable, LogDensity, Posterior, Score, batch_shape, trace};
use crate::sample::TrainedModel;
use messages::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use translate::{Traced, Weight};

/// The version of the format, and of the operators: what runtimes of 2022 and later read.
const IR_VERSION: i64 = 8;
const OPERATORS: i64 = 17;
/// Two numbers of rows that are no extents of a model.
const TRACED_ROWS: [usize; 2] = [1009, 2027];

/// A file.
pub struct OnnxFile {
    /// Its name.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The names of what it is passed.
    pub inputs: Vec<String>,
    /// The names of what it returns.
    pub outputs: Vec<String>,
}

/// The model's files: `log_density.onnx` (energy -f/T and log density f/T, nats up to log Z) of a model that
/// has one, and `score.onnx` (∇f/T; of a score network s(x, sigma)); of a latent variable model
/// `encoder.onnx` and `decoder.onnx`, of a generator `generator.onnx`. Rows are `[rows, ..row_shape]`, scaled
/// as the model sees them. `facts` become the files' metadata.
///
/// # Errors
/// A part of the model that ONNX has no operator for, named.
pub fn onnx_files(model: &TrainedModel, facts: &[(&str, String)]) -> Result<Vec<OnnxFile>> {
    if let Some(network) = model.model.latent_variable() {
        return coder_files(model, network, facts);
    }
    if let Some(network) = model.model.generator() {
        let programs = TRACED_ROWS.map(|rows| {
            trace(model.parameters(), |scope, parameters| {
                let z = scope.input("z", Kind::Float, &[rows, network.latents()]);
                vec![("x".to_string(), network.generate(parameters, z))]
            })
        });
        return Ok(vec![file(model, "generator.onnx", facts, traced(programs)?)?]);
    }
    let mut files = Vec::new();
    let per_temperature = 1.0 / model.temperature;
    if model.model.has_density() {
        let programs = TRACED_ROWS.map(|rows| {
            trace(model.parameters(), |scope, parameters| {
                let x = scope.input("x", Kind::Float, &batch_shape(rows, model.model.row_shape()));
                let f = model.model.log_density(parameters, x) * per_temperature;
                vec![("energy".to_string(), -f), ("log_density".to_string(), f)]
            })
        });
        files.push(file(model, "log_density.onnx", facts, traced(programs)?)?);
    }
    // Bits and levels have no gradient.
    if model.model.support().is_discrete() {
        return Ok(files);
    }
    let programs = TRACED_ROWS.map(|rows| {
        trace(model.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(rows, model.model.row_shape()));
            let sigma = if model.model.has_density() {
                scope.constant(1.0).broadcast_to(&[rows])
            } else {
                scope.input("sigma", Kind::Float, &[rows])
            };
            let score = model.model.score(parameters, x, sigma) * per_temperature;
            vec![("score".to_string(), score)]
        })
    });
    files.push(file(model, "score.onnx", facts, traced(programs)?)?);
    Ok(files)
}

/// `encoder.onnx`, x → the mean and the log variance of q(z|x), and `decoder.onnx`, z `[rows, latents]` →
/// E[x|z].
fn coder_files(
    model: &TrainedModel,
    network: &dyn LatentVariable,
    facts: &[(&str, String)],
) -> Result<Vec<OnnxFile>> {
    let encoders = TRACED_ROWS.map(|rows| {
        trace(model.parameters(), |scope, parameters| {
            let x = scope.input("x", Kind::Float, &batch_shape(rows, network.row_shape()));
            let Posterior { mean, log_variance } = network.encode(parameters, x);
            vec![("mean".to_string(), mean), ("log_variance".to_string(), log_variance)]
        })
    });
    let decoders = TRACED_ROWS.map(|rows| {
        trace(model.parameters(), |scope, parameters| {
            let z = scope.input("z", Kind::Float, &[rows, network.latents()]);
            vec![("x".to_string(), network.expected(parameters, z))]
        })
    });
    let encoder = file(model, "encoder.onnx", facts, traced(encoders)?)?;
    let decoder = file(model, "decoder.onnx", facts, traced(decoders)?)?;
    Ok(vec![encoder, decoder])
}

/// Both programs, without the lists of their parameters.
fn traced(programs: [Result<(Program, Vec<Parameter>)>; 2]) -> Result<Traced> {
    let [first, second] = programs;
    Ok(Traced { programs: [first?.0, second?.0], rows: TRACED_ROWS })
}

fn file(
    model: &TrainedModel,
    name: &'static str,
    facts: &[(&str, String)],
    traced: Traced,
) -> Result<OnnxFile> {
    let values = model.weights.read::<f32>()?;
    let weights: Vec<Weight> = (model.parameters().iter().zip(values))
        .filter(|(parameter, _)| traced.programs[0].input_position(&parameter.name).is_some())
        .map(|(parameter, values)| Weight {
            name: parameter.name.clone(),
            shape: parameter.shape.clone(),
            values,
        })
        .collect();
    let graph = traced.graph(name.trim_end_matches(".onnx"), &weights)?;
    let inputs = graph.input.iter().map(|input| input.name.clone()).collect();
    let outputs = graph.output.iter().map(|output| output.name.clone()).collect();
    let fact =
        |(key, value): &(&str, String)| StringStringEntryProto { key: key.to_string(), value: value.clone() };
    let file = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "enscore".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: String::new(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPERATORS }],
        metadata_props: facts.iter().map(fact).collect(),
    };
    Ok(OnnxFile { name, bytes: file.encode_to_vec(), inputs, outputs })
}
