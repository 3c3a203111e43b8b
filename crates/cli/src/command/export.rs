//! `enscore export`: a trained model for use elsewhere: its parameters as npy or safetensors, or its
//! functions as ONNX, with a description beside them, and of a machine a model file that names its arrays.

use enscore::trained::Trained;
use std::path::Path;

use enscore::checkpoint::{TensorData, Tensors};
use enscore::data::Grey;
use enscore::export::onnx::onnx_files;
use enscore::export::{ArrayFile, DESCRIPTION, describe};
use enscore::files::write_bytes_atomically;
use enscore::model::{RBM_PARAMETERS, Units};
use enscore::report::table;
use enscore::text::counted;
use enscore::{Error, Result};
use serde_json::{Value, json};

use crate::args::{Arrays, Export};
use crate::given;
use crate::output::{Answer, Lines, text_of};

/// The one file of all parameters.
const TENSORS: &str = "model.safetensors";

/// A file to be written: its name and its bytes.
type File = (String, Vec<u8>);

pub(crate) fn run(arguments: &Export) -> Result<Answer> {
    given::run(&arguments.run)?;
    let trained = Trained::open(&arguments.run, &arguments.set)?;
    let folder = &arguments.out;
    let files = files(&trained, arguments.format)?;
    refuse_existing(folder, &files)?;
    std::fs::create_dir_all(folder).map_err(|reason| {
        Error::input("can't create the folder")
            .at(folder.display())
            .found_error(reason)
            .remedy("choose another --out")
    })?;
    for (name, bytes) in &files {
        write_bytes_atomically(&folder.join(name), bytes)?;
    }
    let written: Vec<String> = files.iter().map(|(name, _)| text_of(&folder.join(name))).collect();
    let json = json!({
        "run": text_of(&arguments.run), "step": trained.step, "out": text_of(folder), "files": written,
        "warnings": trained.warnings,
    });
    let lines = Lines::default()
        .line("run", format!("{}, step {}", arguments.run.display(), trained.step))
        .line("written", format!("{} in {}", counted(files.len(), "file", "files"), folder.display()))
        .line("description", folder.join(DESCRIPTION).display())
        .warnings(&trained.warnings);
    Ok(Answer::new(json, lines.text()))
}

/// Everything that the export writes.
fn files(trained: &Trained, format: Arrays) -> Result<Vec<File>> {
    let (mut files, arrays, graphs) = match format {
        Arrays::Npy => {
            let (files, arrays) = npy(trained)?;
            (files, arrays, Vec::new())
        }
        Arrays::Safetensors => {
            let (files, arrays) = tensors(trained)?;
            (files, arrays, Vec::new())
        }
        Arrays::Onnx => {
            let (files, graphs) = onnx(trained)?;
            (files, Vec::new(), graphs)
        }
    };
    if let Some(text) = model_file(trained, format) {
        files.push(("model.toml".into(), text.into_bytes()));
    }
    let description = format!("{:#}\n", describe(trained, &arrays, graphs)?);
    files.push((DESCRIPTION.into(), description.into_bytes()));
    Ok(files)
}

/// Nothing that is there is replaced.
fn refuse_existing(folder: &Path, files: &[File]) -> Result<()> {
    match files.iter().map(|(name, _)| folder.join(name)).find(|path| path.exists()) {
        Some(path) => Err(Error::input("the export would replace a file")
            .at(path.display())
            .remedy("choose another --out, or remove the file")),
        None => Ok(()),
    }
}

/// A file a parameter.
fn npy(trained: &Trained) -> Result<(Vec<File>, Vec<ArrayFile>)> {
    let mut files = Vec::new();
    let mut arrays = Vec::new();
    for (parameter, values) in trained.model.parameters().iter().zip(trained.model.weights.read::<f32>()?) {
        let (rows, row_shape) = match parameter.shape.split_first() {
            Some((rows, row_shape)) => (*rows, row_shape),
            None => (1, &[][..]),
        };
        if rows * row_shape.iter().product::<usize>() != values.len() {
            return Err(Error::run("a parameter's size does not match its shape").at(&parameter.name));
        }
        let file = format!("{}.npy", parameter.name);
        files.push((file.clone(), table::npy(&values, row_shape)?));
        arrays.push(ArrayFile { name: parameter.name.clone(), shape: parameter.shape.clone(), file });
    }
    Ok((files, arrays))
}

/// All parameters in one file.
fn tensors(trained: &Trained) -> Result<(Vec<File>, Vec<ArrayFile>)> {
    let mut tensors = Tensors::new();
    let mut arrays = Vec::new();
    for (parameter, values) in trained.model.parameters().iter().zip(trained.model.weights.read()?) {
        tensors.insert(&parameter.name, &parameter.shape, TensorData::F32(values))?;
        let name = parameter.name.clone();
        arrays.push(ArrayFile { name, shape: parameter.shape.clone(), file: TENSORS.into() });
    }
    Ok((vec![(TENSORS.to_string(), tensors.to_bytes()?)], arrays))
}

/// The model's functions.
fn onnx(trained: &Trained) -> Result<(Vec<File>, Vec<Value>)> {
    let log_z = trained.learnt_log_z.map_or(String::new(), |log_z| log_z.to_string());
    let facts = [
        ("rows", format!("scaled and mapped as {DESCRIPTION} says")),
        ("temperature", trained.model.temperature.to_string()),
        ("learnt_log_z", log_z),
        ("step", trained.step.to_string()),
    ];
    let found = onnx_files(&trained.model, &facts)?;
    let graph = |file: &enscore::export::onnx::OnnxFile| json!({ "file": file.name, "inputs": file.inputs, "outputs": file.outputs });
    let graphs = found.iter().map(graph).collect();
    Ok((found.into_iter().map(|file| (file.name.to_string(), file.bytes)).collect(), graphs))
}

/// The model file of a restricted Boltzmann machine.
fn model_file(trained: &Trained, format: Arrays) -> Option<String> {
    let units = trained.model.model.bipartite()?.first_units();
    let names = trained.model.parameters().iter().map(|parameter| parameter.name.as_str());
    if names.clone().count() != RBM_PARAMETERS.len()
        || !names.clone().all(|name| RBM_PARAMETERS.contains(&name))
    {
        return None;
    }
    let reads_grey = trained.settings.data().binarise || trained.settings.data().grey != Grey::Refuse;
    let units = match units.first()?.units {
        // Rows are mapped before they reach the units, as the description says.
        Units::Bernoulli if reads_grey => {
            format!("units = \"bernoulli\"\nrows = \"{DESCRIPTION}\"\n")
        }
        Units::Bernoulli => "units = \"bernoulli\"\n".to_string(),
        Units::Gaussian { deviation } => {
            format!("units = \"gaussian\"\ndeviation = {deviation:?}\nrows = \"{DESCRIPTION}\"\n")
        }
    };
    let named = |name: &str| match format {
        Arrays::Npy => Some(format!("{name} = \"{name}.npy\"\n")),
        Arrays::Safetensors => Some(format!("{name} = \"{TENSORS}\"\n")),
        Arrays::Onnx => None,
    };
    let arrays: Option<Vec<String>> = RBM_PARAMETERS.iter().map(|name| named(name)).collect();
    Some(format!("[model]\nkind = \"rbm\"\n{}{units}", arrays?.concat()))
}
