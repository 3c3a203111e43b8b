//! Finds the files of CIFAR-10 and CIFAR-100 by their names.

use std::path::{Path, PathBuf};

use super::entries::{entries, name_of};
use crate::data::Dataset;
use crate::data::formats::cifar;
use crate::data::formats::input::Input;
use crate::data::split::{Split, no_split};
use crate::error::Result;

/// The split's pictures in a folder of CIFAR's binary files; none where it has no such files.
pub(super) fn read_split(folder: &Path, split: Split) -> Result<Option<Dataset>> {
    let files: Vec<PathBuf> = entries(folder)?
        .into_iter()
        .filter(|path| cifar::label_bytes(&name_of(path)).is_some() && is_whole(path))
        .collect();
    let is_train = |path: &&PathBuf| !name_of(path).starts_with("test");
    let of_split: Vec<&PathBuf> =
        files.iter().filter(|path| is_train(path) == (split == Split::Train)).collect();
    match (files.is_empty(), of_split.first()) {
        (true, _) => Ok(None),
        (false, None) => {
            Err(no_split(split).at(folder.display()).remedy("hold out rows of the training data"))
        }
        (false, Some(first)) => {
            let label_bytes = cifar::label_bytes(&name_of(first)).unwrap_or(1);
            let inputs = of_split.iter().map(|path| Input::open(path));
            let place = folder.display().to_string();
            cifar::read(&name_of(folder), &place, inputs, label_bytes, classes(folder, label_bytes)).map(Some)
        }
    }
}

/// Reads one file of CIFAR's records; none where the file is no such one.
pub(in crate::data) fn read_file(path: &Path) -> Result<Option<Dataset>> {
    let name = name_of(path);
    let Some(label_bytes) = cifar::label_bytes(&name).filter(|_| is_whole(path)) else { return Ok(None) };
    let folder = path.parent().unwrap_or(Path::new(""));
    let inputs = [Input::open(path)];
    cifar::read(&name, &path.display().to_string(), inputs, label_bytes, classes(folder, label_bytes))
        .map(Some)
}

/// Whether a file is as long as records are.
fn is_whole(path: &Path) -> bool {
    let record = cifar::label_bytes(&name_of(path)).map(|labels| labels as u64 + 3072);
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    record.is_some_and(|record| length > 0 && length.is_multiple_of(record))
}

/// The names of the classes, where a file lists them.
fn classes(folder: &Path, label_bytes: usize) -> Vec<String> {
    let name = if label_bytes == 1 { "batches.meta.txt" } else { "fine_label_names.txt" };
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    // A list that doesn't name every class names none.
    let expected = if label_bytes == 1 { 10 } else { 100 };
    if names.len() == expected { names } else { Vec::new() }
}
