//! Reads a folder: IDX files as MNIST and its kin name them, CIFAR's records, pictures, or subfolders of those.

mod cifar;
mod idx;
mod pictures;

use std::path::{Path, PathBuf};

use super::Dataset;
use super::formats::input::cannot_read;
use super::reading::Reading;
use super::split::{Split, no_split};
use crate::error::{Error, Result};

pub(super) use cifar::read_file as read_cifar;
pub(super) use idx::read_idx;

/// Subfolders of parts, in the order in which they are looked for.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 5] = ["test", "testing", "val", "valid", "validation"];
/// Folders that torchvision puts around MNIST's files.
const WRAPPERS: [&str; 6] = ["MNIST", "FashionMNIST", "KMNIST", "EMNIST", "QMNIST", "raw"];

/// Reads the split's part of a folder.
pub(super) fn read(folder: &Path, split: Split, reading: &Reading) -> Result<Dataset> {
    if let Some(data) = idx::read_split(folder, split, reading)? {
        return Ok(data);
    }
    if let Some(data) = cifar::read_split(folder, split)? {
        return Ok(data);
    }
    let entries = entries(folder)?;
    if let [only] = &subfolders(&entries)[..] {
        let name = name_of(only);
        if WRAPPERS.contains(&name.as_str()) || name == "cifar-10-batches-bin" || name == "cifar-100-binary" {
            return read(only, split, reading);
        }
    }
    let part = |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|path| path.is_dir());
    let [train, test] = [part(&TRAIN), part(&TEST)];
    match (split, train, test) {
        (Split::Train, Some(train), _) => pictures::read(&train, reading),
        (Split::Test, _, Some(test)) => pictures::read(&test, reading),
        (Split::Train, None, None) => pictures::read(folder, reading),
        (Split::Train, None, Some(test)) => Err(no_split(split)
            .at(folder.display())
            .found(format!("a folder {}", name_of(&test)))
            .remedy("name it as data of its own")),
        (Split::Test, _, None) => Err(no_split(split)
            .at(folder.display())
            .expected("a subfolder test or val of pictures, or IDX files named t10k or test")
            .remedy("add it, or hold out rows of the training data")),
    }
}

/// The last part of a path, as a data set's name.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

/// What is in a folder, in the order of the names, without what systems put there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
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

fn subfolders(entries: &[PathBuf]) -> Vec<&PathBuf> {
    entries.iter().filter(|path| path.is_dir()).collect()
}

/// The refusal of a folder in which nothing is known, with what is there.
fn without_data(folder: &Path) -> Error {
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

#[cfg(test)]
mod tests;
