//! What a command was given in the place of what it takes: a training's settings for a model, a file of a run
//! for the run, a run for data. The error says what it is and what to give.

use std::path::{Path, PathBuf};

use enscore::{Error, Result};

/// Tables that only a training's settings have.
const OF_TRAININGS: [&str; 6] = ["[data]", "[objective]", "[optimiser]", "[train]", "[sampler]", "[compare]"];
/// Endings of data files.
const OF_DATA: [&str; 11] =
    ["csv", "tsv", "npy", "npz", "parquet", "mat", "safetensors", "idx", "png", "jpg", "jpeg"];
/// Names of standard input.
const STDIN: [&str; 3] = ["-", "/dev/stdin", "/dev/fd/0"];

/// What lies at a path.
enum Given {
    /// A run's folder.
    Run,
    /// A file of the run in this folder.
    OfRun(PathBuf),
    /// A training's settings.
    Settings,
    /// A model file.
    Model,
    /// A data file, by its ending.
    Data,
    /// Something else, or nothing.
    Other,
}

impl Given {
    fn at(path: &Path) -> Given {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let ending = ending.as_deref().unwrap_or_default();
        if path.is_dir() {
            return if is_run(path) { Given::Run } else { Given::Other };
        }
        if !path.is_file() {
            return Given::Other;
        }
        let is_toml = ending == "toml";
        if is_toml && !has_table_of_trainings(path) {
            return Given::Model;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match (is_run(folder), is_toml) {
            (true, _) => Given::OfRun(folder.to_path_buf()),
            (false, true) => Given::Settings,
            (false, false) if OF_DATA.contains(&ending) => Given::Data,
            (false, false) => Given::Other,
        }
    }
}

fn is_run(folder: &Path) -> bool {
    folder.join("manifest.json").is_file()
}

fn has_table_of_trainings(path: &Path) -> bool {
    // What can't be read is said where it is read for good.
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| OF_TRAININGS.contains(&line.trim()))
}

/// A run or a model file is taken.
pub(crate) fn model(path: &Path) -> Result<()> {
    match Given::at(path) {
        Given::Model => Ok(()),
        _ => run(path),
    }
}

/// A run is taken.
pub(crate) fn run(path: &Path) -> Result<()> {
    let error = |what: &str| Error::input(what).at(path.display());
    match Given::at(path) {
        Given::Settings => Err(error("a settings file for enscore train, not a run")
            .remedy(format!("train it first: enscore train {}; then give the run folder", path.display()))),
        Given::OfRun(folder) => Err(error("a file of a run, not the run")
            .remedy(format!("give the run folder itself: {}", folder.display()))),
        Given::Model => Err(error("a model file, not a run").remedy("give the folder of a trained run")),
        Given::Run | Given::Data | Given::Other => Ok(()),
    }
}

/// A run or a model file is taken, then data.
pub(crate) fn model_and_data(path: &Path, source: &str) -> Result<()> {
    let is_swapped = match Given::at(path) {
        Given::Run | Given::Model => false,
        Given::OfRun(_) | Given::Settings | Given::Data | Given::Other => {
            matches!(Given::at(Path::new(source)), Given::Run)
        }
    };
    if is_swapped {
        return Err(Error::input("not a run folder").at(path.display()).remedy("did you swap RUN and DATA?"));
    }
    model(path)?;
    data(source)
}

/// A settings file is taken.
pub(crate) fn settings(path: &Path) -> Result<()> {
    let place = path.display();
    let error = |what: &str| Error::input(what).at(&place);
    match Given::at(path) {
        Given::Run => Err(error("a run folder, not a settings file").remedy(format!(
            "give a settings file; to continue the run: enscore train {place}/settings.toml --out {place} --resume"
        ))),
        Given::Data => Err(error("a data file, not a settings file")
            .remedy("give a settings file (.toml) that names the data by data.path")),
        Given::OfRun(_) | Given::Settings | Given::Model | Given::Other => Ok(()),
    }
}

/// Data is taken.
pub(crate) fn data(source: &str) -> Result<()> {
    if STDIN.contains(&source) {
        return Err(Error::input("standard input is not read").at(source).remedy("give a file"));
    }
    match Given::at(Path::new(source)) {
        Given::Run => {
            Err(Error::input("a run folder, not data").at(source).remedy("give a data file, folder or name"))
        }
        _ => Ok(()),
    }
}
