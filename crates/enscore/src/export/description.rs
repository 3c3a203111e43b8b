//! The description beside exported arrays: what kind of model they are of, how rows are mapped before they
//! reach it, and what its log density is known up to. Every part says what it means.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::trained::Trained;

/// The description's name, beside the arrays.
pub const DESCRIPTION: &str = "model.json";

/// An array of an export.
pub struct ArrayFile {
    /// The parameter.
    pub name: String,
    /// Its extents.
    pub shape: Vec<usize>,
    /// The file that holds it.
    pub file: String,
}

/// What each part of the description is.
const MEANINGS: [(&str, &str); 12] = [
    ("model", "the [model] table of the settings: the architecture, with the kind as in `enscore settings`"),
    (
        "row_shape",
        "the extents of one row as the model sees it, row-major; images are [height, width, channels]",
    ),
    (
        "reading",
        "the [data] table of the settings: how rows were read before they were scaled, such as binarise",
    ),
    ("parameters", "each array with its extents and its file; weights of convolutions are [kh, kw, in, out]"),
    ("temperature", "T: the log density is f(x) / T - log Z, where f is what the network computes"),
    (
        "learnt_log_z",
        "log Z in nats over the mapped rows, where it is known: learnt in training, 0 of a normalised density, \
         else null",
    ),
    (
        "log_volume",
        "log|det| of the map from a row in the data's units to what the model sees, in nats: add it to the model's \
         log density to have that of the data's units, as `enscore score` writes it; log Z is the same number",
    ),
    (
        "confinement",
        "c and s of the factor exp(-|x - c|^2 / (2 s^2)) that is part of the log density f; null without one",
    ),
    ("noise_levels", "sigma of each level that a score network was trained at, from the largest"),
    (
        "data.scale",
        "raw = low + (high - low) scaled: the model sees scaled values; levels counts those of pixels",
    ),
    (
        "data.whitening",
        "z = matrix (x - mean) of the kept columns of the scaled rows, after the scale; null without it; \
         log_abs_det turns log densities of z into those of x by addition",
    ),
    (
        "data.mean, data.deviation",
        "moments of the mapped training rows, element by element; some models start there",
    ),
];

/// The description of `trained` with its exported `arrays`; `onnx` names graph files with their inputs and
/// outputs.
///
/// # Errors
/// Settings that can't be written.
pub fn describe(trained: &Trained, arrays: &[ArrayFile], onnx: Vec<Value>) -> Result<Value> {
    let model = &trained.model;
    let settings: Value = toml::from_str::<toml::Table>(&trained.settings.to_toml())
        .map_err(|reason| Error::run("can't read the settings back").found_error(reason))
        .map(|table| json!(table))?;
    let width = settings["model"]["confinement"].as_f64().filter(|width| *width > 0.0);
    let confinement = width.map(|width| json!({ "centre": model.data.mean, "deviation": width }));
    let parameters: Vec<Value> = arrays
        .iter()
        .map(|array| json!({ "name": array.name, "shape": array.shape, "file": array.file }))
        .collect();
    let meanings: serde_json::Map<String, Value> =
        MEANINGS.iter().map(|(part, meaning)| (part.to_string(), json!(meaning))).collect();
    Ok(json!({
        "format": "enscore model description, version 1",
        "enscore": env!("CARGO_PKG_VERSION"),
        "step": trained.step,
        "meaning": meanings,
        "model": settings["model"],
        "objective": settings["objective"],
        "reading": settings["data"],
        "row_shape": model.data.row_shape,
        "parameters": parameters,
        "onnx": onnx,
        "temperature": model.temperature,
        "learnt_log_z": trained.learnt_log_z,
        "log_volume": trained.log_volume()?,
        "confinement": confinement,
        "noise_levels": model.levels.as_slice(),
        "seed": trained.settings.train().seed,
        "data": model.data,
    }))
}
