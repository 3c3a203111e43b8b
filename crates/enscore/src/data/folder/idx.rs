//! Finds IDX files by the names that MNIST, Fashion-MNIST, KMNIST, EMNIST and QMNIST give them.

use std::path::{Path, PathBuf};

use super::entries::{entries, name_of};
use crate::data::Dataset;
use crate::data::formats::input::Input;
use crate::data::formats::{foreign, idx};
use crate::data::reading::Reading;
use crate::data::split::{Split, no_split};
use crate::error::{Error, Result};

/// The split's images in a folder of IDX files; none where the folder has no such files.
pub(super) fn read_split(folder: &Path, split: Split, reading: &Reading) -> Result<Option<Dataset>> {
    let all: Vec<PathBuf> = entries(folder)?.into_iter().filter(|path| is_images(&name_of(path))).collect();
    let of_split: Vec<&PathBuf> = all.iter().filter(|path| part(&name_of(path)) == Some(split)).collect();
    match of_split[..] {
        [] if all.is_empty() => Ok(None),
        [] => Err(no_split(split)
            .at(folder.display())
            .found(all.iter().map(|path| name_of(path)).collect::<Vec<_>>().join(", "))
            .expected(if split == Split::Train {
                "train-images-idx3-ubyte[.gz]"
            } else {
                "t10k-images-idx3-ubyte[.gz]"
            })
            .remedy("add it, or hold out rows of the training data")),
        [only] => Ok(Some(read_idx(only, reading)?.named(&name_of(folder)))),
        // The same file is often there compressed and not.
        [first, second] if stem(&name_of(first)) == stem(&name_of(second)) => {
            Ok(Some(read_idx(first, reading)?.named(&name_of(folder))))
        }
        _ => Err(Error::input("several sets of images in one folder")
            .at(folder.display())
            .found(of_split.iter().map(|path| name_of(path)).collect::<Vec<_>>().join(", "))
            .remedy("name one of the files, or put each set into a folder of its own")),
    }
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".gz").unwrap_or(name)
}

fn is_images(name: &str) -> bool {
    ["images-idx", "images.idx"].iter().any(|part| name.contains(part))
}

/// The part that a file belongs to by its name.
fn part(name: &str) -> Option<Split> {
    if ["train-images", "train.images"].iter().any(|part| name.contains(part)) {
        return Some(Split::Train);
    }
    let is_test = ["t10k-images", "test-images", "test10k-images"].iter().any(|part| name.contains(part));
    is_test.then_some(Split::Test)
}

/// Reads an IDX file of images, with the labels beside it.
pub(in crate::data) fn read_idx(path: &Path, reading: &Reading) -> Result<Dataset> {
    let input = Input::open(path)?;
    if let Some(refusal) = foreign::refusal_of(input.prefix(), input.place()) {
        return Err(refusal);
    }
    let data = idx::read(&name_of(path), input, reading)?;
    match labels_beside(path) {
        Some(labels) => data.with_labels(idx::read_labels(Input::open(&labels)?)?),
        None => Ok(data),
    }
}

fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let plain = stem(name);
    let names = [
        plain.replace("images-idx3", "labels-idx1").replace("images.idx3", "labels.idx1"),
        plain.replace("images-idx3-ubyte", "labels-idx2-int"),
    ];
    let with_ending =
        names.into_iter().filter(|labels| labels != plain).flat_map(|n| [n.clone(), format!("{n}.gz")]);
    with_ending.map(|name| images.with_file_name(name)).find(|path| path.is_file())
}
