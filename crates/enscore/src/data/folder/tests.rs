//! Folders of pictures and of IDX files.

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
fn splits_are_found_in_any_case_and_unread_subfolders_are_said() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Train/a.png", &grey(1, 1));
    write(folder.path(), "TEST/a.png", &grey(2, 1));
    assert_eq!(read_split(folder.path(), Split::Train).unwrap().values(), &Values::U8(vec![1]));
    assert_eq!(read_split(folder.path(), Split::Test).unwrap().values(), &Values::U8(vec![2]));
    let mixed = tempfile::tempdir().unwrap();
    write(mixed.path(), "a.png", &grey(1, 1));
    write(mixed.path(), "cats/b.png", &grey(2, 1));
    let data = read_split(mixed.path(), Split::Train).unwrap();
    assert_eq!(data.values(), &Values::U8(vec![1]));
    assert!(data.notes()[0].contains("cats"), "{:?}", data.notes());
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
