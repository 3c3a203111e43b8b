//! Reads a folder: IDX files as MNIST and its kin name them, CIFAR's records, pictures, or subfolders of
//! those.

mod cifar;
mod entries;
mod idx;
mod pictures;

use std::path::{Path, PathBuf};

use super::Dataset;
use super::reading::Reading;
use super::split::{Split, no_split};
use crate::error::Result;

use self::entries::{entries, subfolders};
pub(super) use cifar::read_file as read_cifar;
pub(super) use entries::name_of;
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
    let part = |names: &[&str]| {
        let named = |path: &&PathBuf, name: &str| name_of(path).eq_ignore_ascii_case(name);
        let of_name = |name: &&str| subfolders(&entries).into_iter().find(|path| named(path, name)).cloned();
        names.iter().find_map(of_name)
    };
    let [train, test] = [part(&TRAIN), part(&TEST)];
    match (split, train, test) {
        (Split::Train, Some(train), _) => Ok(pictures::read(&train, reading)?.named(&name_of(folder))),
        (Split::Test, _, Some(test)) => Ok(pictures::read(&test, reading)?.named(&name_of(folder))),
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

#[cfg(test)]
mod tests;
