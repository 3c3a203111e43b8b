//! What is in a folder.

use std::path::{Path, PathBuf};

use crate::data::formats::failure::cannot_read;
use crate::error::{Error, Result};

/// The last part of a path, as a data set's name.
pub(in crate::data) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

/// What is in a folder, in the order of the names, without what systems put there.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e: std::io::Error| cannot_read(folder, e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = name_of(&path);
        let of_system =
            name.starts_with('.') || ["Thumbs.db", "desktop.ini", "__MACOSX"].contains(&name.as_str());
        if !of_system {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The folders among these.
pub(super) fn subfolders(entries: &[PathBuf]) -> Vec<&PathBuf> {
    entries.iter().filter(|path| path.is_dir()).collect()
}

/// The refusal of a folder in which nothing is known, with what is there.
pub(super) fn without_data(folder: &Path) -> Error {
    let names: Vec<String> = entries(folder).unwrap_or_default().iter().map(|path| name_of(path)).collect();
    let mut found = names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        found = format!("{found} and {} more", names.len() - 5);
    }
    let error = Error::input("a folder without data that can be read")
        .at(folder.display())
        .found(if names.is_empty() { "nothing".to_string() } else { found })
        .expected("PNG or JPEG pictures, subfolders of them (classes; train and test or val), or IDX or CIFAR files");
    let is_file =
        names.iter().any(|name| [".npy", ".npz", ".csv", ".parquet"].iter().any(|end| name.ends_with(end)));
    if is_file { error.remedy("name one of the files") } else { error }
}
