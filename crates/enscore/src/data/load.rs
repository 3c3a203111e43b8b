//! Finds what a source names, recognises its format by its content, and reads it.

use std::io::BufReader;
use std::path::Path;

use super::folder::{self, name_of};
use super::formats::input::{Input, open_file};
use super::formats::{csv_table, idx, image, npy, npz};
use super::known::{Availability, known};
use super::settings::DataSettings;
use super::split::{Split, no_split};
use super::{Dataset, digits, toy};
use crate::error::{Error, Reason, Result};

/// Endings of files that hold pickles, whatever their content.
const PICKLES: [&str; 7] = ["pkl", "pickle", "pt", "pth", "ckpt", "joblib", "dill"];

/// Reads a data set from a name, a file or a folder.
///
/// - `digits`: the bundled digits, 1,500 rows for training and 297 for testing ([`super::digits`] gives all).
/// - A toy density ([`super::toy_names`]): 50,000 rows for training and 10,000 for testing, drawn here.
/// - Another known name ([`known`]): the folder where a package or [`super::fetch`] into `data/NAME` puts it.
/// - A file: IDX, npy, npz (or `FILE.npz:ARRAY`), CSV, each also gzipped but npz, or one PNG image. The
///   content decides, not the ending. Only npz can have a test split (arrays `x_test` or `test`).
/// - A folder: MNIST's four IDX files, PNG images of one kind, or subfolders `train` and `test` of such
///   images.
///
/// # Errors
/// When nothing has this name, it has no such split, or its content is damaged, empty, not numeric or would
/// run code.
pub fn load(source: &str, split: Split) -> Result<Dataset> {
    if source == "digits" {
        return digits::split(split);
    }
    let path = Path::new(source);
    if path.is_dir() {
        return folder::read(path, split);
    }
    if path.exists() {
        return read_file(path, None, split);
    }
    if let Some((file, array)) = source.rsplit_once(".npz:") {
        return read_file(Path::new(&format!("{file}.npz")), Some(array), split);
    }
    if let Some(data) = toy::generated(source, split) {
        return data;
    }
    let Some(entry) = known().iter().find(|k| k.name == source) else {
        let names: Vec<&str> = known().iter().map(|k| k.name).collect();
        return Err(Error::new(Reason::Unreadable, "no such data")
            .at(source)
            .expected(format!("a file, a folder, or one of {}", names.join(", ")))
            .remedy("check the path"));
    };
    let fetched = Path::new("data").join(entry.name);
    let place = match entry.availability {
        Availability::Package { folder, .. } if !fetched.is_dir() => Path::new(folder),
        _ => &fetched,
    };
    if !place.is_dir() {
        return Err(Error::input(format!("the data set {source} is not on this machine"))
            .expected(format!("a folder {}", place.display()))
            .remedy(entry.how_to_get()));
    }
    folder::read(place, split)
}

/// Reads what `settings` name, with values of 0 and 1 where they ask for that.
///
/// # Errors
/// As [`load`].
pub fn load_as(settings: &DataSettings, split: Split) -> Result<Dataset> {
    let dataset = load(&settings.source.to_string(), split)?;
    if settings.binarise { dataset.binarised() } else { Ok(dataset) }
}

/// Reads the test split of a source as [`load`] does; none where the source has no such part.
///
/// # Errors
/// As [`load`], but for a test split that isn't there.
pub fn load_test(source: &str) -> Result<Option<Dataset>> {
    match load(source, Split::Test) {
        Err(error) if error.reason == Reason::NoTestSplit => Ok(None),
        loaded => loaded.map(Some),
    }
}

/// The rows of `source` to evaluate on: its test split, or all it has where it has no splits.
///
/// # Errors
/// As [`load`].
pub fn load_held_out(source: &str) -> Result<Dataset> {
    match load_test(source)? {
        Some(test) => Ok(test),
        None => load(source, Split::Train),
    }
}

fn read_file(path: &Path, array: Option<&str>, split: Split) -> Result<Dataset> {
    let name = name_of(path);
    let place = path.display();
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if PICKLES.contains(&ending.as_str()) {
        return Err(pickle().at(place));
    }
    let input = Input::open(path)?;
    let prefix = input.prefix();
    if npz::recognises(prefix) && !input.is_compressed() {
        let (file, length) = open_file(path)?;
        return npz::read(&name, &place.to_string(), BufReader::new(file), length, array, split);
    }
    if array.is_some() {
        return Err(Error::input("only an npz file has named arrays").at(place));
    }
    if split == Split::Test {
        return Err(no_split(Split::Test).at(place).remedy(
            "name the test file as data of its own, use a folder or npz file with both splits, or hold out rows",
        ));
    }
    if idx::recognises(prefix) {
        folder::read_idx(path)
    } else if npy::recognises(prefix) {
        npy::read(&name, input)
    } else if image::recognises(prefix) {
        image::read(&name, input)
    } else if prefix.is_empty() {
        Err(Error::input("an empty file").at(place))
    } else if matches!(prefix, [0x80, 2..=5, ..]) {
        Err(pickle().at(place))
    } else if csv_table::recognises(prefix) {
        csv_table::read(&name, input)
    } else {
        Err(Error::input("unsupported data format")
            .at(place)
            .expected("IDX, npy, npz, CSV or PNG")
            .remedy("save it as npy with numpy.save"))
    }
}

fn pickle() -> Error {
    Error::input("a pickle, which would run code when read and is never opened")
        .expected("IDX, npy, npz, CSV or PNG")
        .remedy("save the numbers with numpy.save(path, array.astype('float32'))")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::npz::tests::zip;

    fn file(name: &str, bytes: &[u8], suffix: &str, split: Split) -> Result<Dataset> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        load(&format!("{}{suffix}", path.display()), split)
    }

    #[test]
    fn a_test_split_that_is_not_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, b"1,2\n").unwrap();
        assert!(load_test(&path.display().to_string()).unwrap().is_none());
    }

    #[test]
    fn the_content_decides_the_format() {
        let npy = npy::tests::file("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)}", &[3, 4]);
        let array = zip(&[("a.npy", npy.clone()), ("b.npy", npy.clone())]);
        let train = |name, bytes: &[u8], suffix| file(name, bytes, suffix, Split::Train).map(|d| d.row_len());
        assert_eq!(train("x.npy", &npy, "").unwrap(), 2);
        assert_eq!(train("x.bin", &npy, "").unwrap(), 2);
        assert_eq!(train("x.npz", &array, ":b").unwrap(), 2);
        assert_eq!(train("x.data", b"1,2,3\n", "").unwrap(), 3);
        assert_eq!(train("x", &[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7], "").unwrap(), 1);
        assert!(train("x.npz", &array, "").is_err());
        assert!(train("x.npy", &npy, ":b").is_err());
    }

    #[test]
    fn pickles_are_never_opened() {
        for (name, bytes) in [("x.pt", &b"1,2\n"[..]), ("x.PKL", b"1,2\n"), ("x.bin", &[0x80, 4, 0x95, 0])] {
            let error = file(name, bytes, "", Split::Train).unwrap_err().to_string();
            assert!(error.contains("would run code"), "{name}: {error}");
        }
    }

    #[test]
    fn what_is_missing_is_said_with_what_is_possible() {
        let message = |source: &str, split| load(source, split).unwrap_err().to_string();
        let error = message("no/such/thing", Split::Train);
        assert!(error.contains("digits, mnist, fashion-mnist, two-gaussians"), "{error}");
        assert!(load_test("digits").unwrap().is_some_and(|data| data.rows() == 297));
        assert!(load_test("no/such/thing").is_err());
        assert!(file("x.csv", b"1,2\n", "", Split::Test).unwrap_err().to_string().contains("hold out rows"));
        assert!(file("x.bin", &[1, 0, 2], "", Split::Train).unwrap_err().to_string().contains("IDX, npy"));
        assert!(file("x.csv", b"", "", Split::Train).unwrap_err().to_string().contains("empty"));
        let error = message("mnist", Split::Train);
        assert!(error.contains("data fetch mnist") && error.contains("11369320 bytes"), "{error}");
    }
}
