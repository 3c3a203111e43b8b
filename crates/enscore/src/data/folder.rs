//! Reads a folder: MNIST's IDX files, PNG images of one size, or subfolders train and test of such images.

use std::path::{Path, PathBuf};

use super::Dataset;
use super::formats::input::{Input, cannot_read, no_memory};
use super::formats::{idx, image};
use super::split::{Split, no_split};
use crate::error::{Error, Result};

/// Reads the split's part of a folder.
pub(super) fn read(folder: &Path, split: Split) -> Result<Dataset> {
    if let Some(images) = idx_images(folder, split) {
        return read_idx(&images);
    }
    let own = folder.join(match split {
        Split::Train => "train",
        Split::Test => "test",
    });
    if own.is_dir() {
        return read_images(&own);
    }
    let other = match split {
        Split::Train => idx_images(folder, Split::Test),
        Split::Test => idx_images(folder, Split::Train),
    };
    match split {
        Split::Train if other.is_none() => read_images(folder),
        _ => Err(no_split(split)
            .at(folder.display())
            .expected(format!("{}[.gz], or a subfolder {} of PNG images", idx_stems(split)[0], split.name()))
            .remedy("add it, or hold out rows of the training data")),
    }
}

fn idx_stems(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &["train-images-idx3-ubyte", "train-images.idx3-ubyte"],
        Split::Test => &[
            "t10k-images-idx3-ubyte",
            "t10k-images.idx3-ubyte",
            "test-images-idx3-ubyte",
            "test-images.idx3-ubyte",
        ],
    }
}

fn idx_images(folder: &Path, split: Split) -> Option<PathBuf> {
    let names = idx_stems(split).iter().flat_map(|stem| [stem.to_string(), format!("{stem}.gz")]);
    names.map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Reads an IDX file of images, with the labels beside it.
pub(super) fn read_idx(path: &Path) -> Result<Dataset> {
    let data = idx::read(&name_of(path), Input::open(path)?)?;
    match labels_beside(path) {
        Some(labels) => data.with_labels(idx::read_labels(Input::open(&labels)?)?),
        None => Ok(data),
    }
}

fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images-idx3", "labels-idx1").replace("images.idx3", "labels.idx1");
    if labels == name {
        return None;
    }
    let plain = labels.strip_suffix(".gz").unwrap_or(&labels);
    [plain.to_string(), format!("{plain}.gz")]
        .into_iter()
        .map(|n| images.with_file_name(n))
        .find(|p| p.is_file())
}

/// The last part of a path, as a data set's name.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

/// Reads all PNG images of a folder in the order of their names; other files are left alone.
fn read_images(folder: &Path) -> Result<Dataset> {
    let paths = png_files(folder)?;
    let mut images: Vec<u8> = Vec::new();
    let mut first = None;
    for path in &paths {
        let mut input = Input::open(path)?;
        let file = input.unclaimed_rest()?;
        let picture = image::Picture::decode(&file, input.place())?;
        let (kind, first_path) = *first.get_or_insert((picture.kind, path));
        if picture.kind != kind {
            return Err(Error::input("images of different kinds in one folder")
                .at(path.display())
                .found(picture.kind)
                .expected(format!("{kind}, as {}", name_of(first_path)))
                .remedy("convert all images to the same size and colour type"));
        }
        let bytes = picture.bytes;
        images
            .try_reserve(bytes.len())
            .map_err(|_| no_memory(&folder.display().to_string(), images.len() as u64))?;
        images.extend_from_slice(&bytes);
    }
    let place = folder.display().to_string();
    match first {
        Some((kind, _)) => kind.dataset(&name_of(folder), &place, images),
        None => Err(Error::input("a folder without data").at(place).expected(
            "PNG images, subfolders train and test of PNG images, or train-images-idx3-ubyte[.gz] and its companions",
        )),
    }
}

fn png_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e: std::io::Error| cannot_read(folder, e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_png = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"));
        let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if is_png && !hidden && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::image::tests::file as png_file;
    use crate::data::{Values, load};
    use png::{BitDepth, ColorType};

    fn grey(value: u8, width: u32) -> Vec<u8> {
        png_file([width, 1], ColorType::Grayscale, BitDepth::Eight, &vec![value; width as usize])
    }

    fn write(folder: &Path, name: &str, bytes: &[u8]) {
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    fn read_split(folder: &Path, split: Split) -> Result<Dataset> {
        load(folder.to_str().unwrap(), split)
    }

    #[test]
    fn images_come_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for (name, value) in [("b.png", 2), ("a.PNG", 1), ("c.png", 3)] {
            write(folder.path(), name, &grey(value, 1));
        }
        write(folder.path(), "readme.txt", b"not an image");
        write(folder.path(), ".hidden.png", b"not an image");
        let data = read_split(folder.path(), Split::Train).unwrap();
        assert_eq!(data.values(), &Values::U8(vec![1, 2, 3]));
        assert!(read_split(folder.path(), Split::Test).unwrap_err().to_string().contains("no test split"));
        write(folder.path(), "d.png", &grey(4, 2));
        let error = read_split(folder.path(), Split::Train).unwrap_err().to_string();
        assert!(
            error.contains("d.png: found 2x1 grey of 8 bits, expected 1x1 grey of 8 bits, as a.PNG"),
            "{error}"
        );
    }

    #[test]
    fn subfolders_are_splits() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "train/a.png", &grey(1, 1));
        write(folder.path(), "test/a.png", &grey(2, 1));
        assert_eq!(read_split(folder.path(), Split::Train).unwrap().values(), &Values::U8(vec![1]));
        assert_eq!(read_split(folder.path(), Split::Test).unwrap().values(), &Values::U8(vec![2]));
    }

    #[test]
    fn idx_files_are_found_with_their_labels() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_split(folder.path(), Split::Train).unwrap_err().to_string();
        assert!(error.contains("without data"), "{error}");
        let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5, 6];
        write(folder.path(), "t10k-images-idx3-ubyte", &images);
        assert!(read_split(folder.path(), Split::Train).unwrap_err().to_string().contains("no train split"));
        let data = read_split(folder.path(), Split::Test).unwrap();
        assert!(data.labels().is_none());
        write(folder.path(), "t10k-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 2, 7, 8]);
        let data = read_split(folder.path(), Split::Test).unwrap();
        assert_eq!(data.labels().unwrap(), [7, 8]);
        write(folder.path(), "t10k-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 1, 7]);
        assert!(read_split(folder.path(), Split::Test).is_err());
    }
}
