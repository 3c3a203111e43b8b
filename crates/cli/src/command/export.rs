//! `enscore export`: the parameters of a trained run as npy or safetensors, and of a machine a model file
//! that names them.

use enscore::trained::Trained;
use std::path::Path;

use enscore::checkpoint::{TensorData, Tensors};
use enscore::files::write_bytes_atomically;
use enscore::model::{RBM_PARAMETERS, Units};
use enscore::report::table;
use enscore::{Error, Result};
use serde_json::json;

use crate::args::{Arrays, Export};
use crate::output::{Answer, Lines, text_of};

/// The one file of all parameters.
const TENSORS: &str = "model.safetensors";

pub(crate) fn run(arguments: &Export) -> Result<Answer> {
    let trained = Trained::open(&arguments.run, &arguments.set)?;
    let folder = &arguments.out;
    std::fs::create_dir_all(folder).map_err(|reason| {
        Error::input("can't create the folder")
            .at(folder.display())
            .found_error(reason)
            .remedy("choose another --out")
    })?;
    let mut files = match arguments.format {
        Arrays::Npy => write_npy(&trained, folder)?,
        Arrays::Safetensors => vec![write_tensors(&trained, folder)?],
    };
    if let Some(text) = model_file(&trained, arguments.format) {
        let path = folder.join("model.toml");
        write_bytes_atomically(&path, text.as_bytes())?;
        files.push(text_of(&path));
    }
    let json = json!({
        "run": text_of(&arguments.run), "step": trained.step, "out": text_of(folder), "files": files,
        "warnings": trained.warnings,
    });
    let lines = Lines::default()
        .line("run", format!("{}, step {}", arguments.run.display(), trained.step))
        .line("written", format!("{} files in {}", files.len(), folder.display()))
        .warnings(&trained.warnings);
    Ok(Answer::new(json, lines.text()))
}

/// A file a parameter.
fn write_npy(trained: &Trained, folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for (parameter, values) in trained.model.parameters().iter().zip(trained.model.weights.read::<f32>()?) {
        let (rows, row_shape) = match parameter.shape.split_first() {
            Some((rows, row_shape)) => (*rows, row_shape),
            None => (1, &[][..]),
        };
        let path = folder.join(format!("{}.npy", parameter.name));
        if rows * row_shape.iter().product::<usize>() != values.len() {
            return Err(Error::run("a parameter's size does not match its shape").at(&parameter.name));
        }
        write_bytes_atomically(&path, &table::npy(&values, row_shape)?)?;
        files.push(text_of(&path));
    }
    Ok(files)
}

/// All parameters in one file.
fn write_tensors(trained: &Trained, folder: &Path) -> Result<String> {
    let mut tensors = Tensors::new();
    for (parameter, values) in trained.model.parameters().iter().zip(trained.model.weights.read()?) {
        tensors.insert(&parameter.name, &parameter.shape, TensorData::F32(values))?;
    }
    let path = folder.join(TENSORS);
    tensors.write(&path)?;
    Ok(text_of(&path))
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
    let units = match units.first()?.units {
        Units::Bernoulli => "units = \"bernoulli\"\n".to_string(),
        Units::Gaussian { deviation } => format!("units = \"gaussian\"\ndeviation = {deviation:?}\n"),
    };
    let named = |name: &str| match format {
        Arrays::Npy => format!("{name} = \"{name}.npy\"\n"),
        Arrays::Safetensors => format!("{name} = \"{TENSORS}\"\n"),
    };
    Some(format!("[model]\nkind = \"rbm\"\n{}{units}", RBM_PARAMETERS.map(named).concat()))
}
