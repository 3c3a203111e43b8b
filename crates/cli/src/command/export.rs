//! `enscore export`: the parameters of a trained run as npy files, and of a machine a model file that names them.

use enscore::checkpoint::atomic::write_bytes_atomically;
use enscore::model::{RBM_PARAMETERS, Units};
use enscore::report::table;
use enscore::sample::Trained;
use enscore::{Error, Result};
use serde_json::json;

use crate::args::Export;
use crate::output::{Answer, Lines, text_of};

pub(crate) fn run(arguments: &Export) -> Result<Answer> {
    let trained = Trained::open(&arguments.run, &arguments.set)?;
    let folder = &arguments.out;
    std::fs::create_dir_all(folder).map_err(|reason| {
        Error::input("the folder can't be made")
            .at(folder.display())
            .found(reason)
            .remedy("name another --out")
    })?;
    let model = &trained.model;
    let mut files = Vec::new();
    for (parameter, values) in model.parameters.iter().zip(&model.weights) {
        let (rows, row_shape) = match parameter.shape.split_first() {
            Some((rows, row_shape)) => (*rows, row_shape),
            None => (1, &[][..]),
        };
        let path = folder.join(format!("{}.npy", parameter.name));
        if rows * row_shape.iter().product::<usize>() != values.len() {
            return Err(Error::run("a parameter has another size than its shape").at(&parameter.name));
        }
        write_bytes_atomically(&path, &table::npy(values, row_shape)?)?;
        files.push(text_of(&path));
    }
    if let Some(text) = model_file(&trained) {
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

/// The model file of a restricted Boltzmann machine.
fn model_file(trained: &Trained) -> Option<String> {
    let units = trained.model.model.bipartite()?.first_units();
    let names = trained.model.parameters.iter().map(|parameter| parameter.name.as_str());
    if names.clone().count() != RBM_PARAMETERS.len()
        || !names.clone().all(|name| RBM_PARAMETERS.contains(&name))
    {
        return None;
    }
    let units = match units.first()?.units {
        Units::Bernoulli => "units = \"bernoulli\"\n".to_string(),
        Units::Gaussian { deviation } => format!("units = \"gaussian\"\ndeviation = {deviation:?}\n"),
    };
    let named = |name: &str| format!("{name} = \"{name}.npy\"\n");
    Some(format!("[model]\nkind = \"rbm\"\n{}{units}", RBM_PARAMETERS.map(named).concat()))
}
