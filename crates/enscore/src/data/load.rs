//! Finds what a source names, recognises its format by its content, and reads it.

use std::io::BufReader;
use std::path::Path;

use super::folder::{self, name_of};
use super::formats::input::{Input, open_file};
use super::formats::numpy::{npy, npz};
use super::formats::{READABLE, csv, foreign, idx, image, matlab, parquet, safetensors};
use super::known::{Availability, known};
use super::reading::{Colour, Reading};
use super::settings::DataSettings;
use super::split::{Split, no_split};
use super::table::TableSummary;
use super::{Dataset, digits, toy};
use crate::error::{Error, Reason, Result};
use crate::keys::nearest;

/// Endings of files that hold pickles, whatever their content.
const PICKLES: [&str; 7] = ["pkl", "pickle", "pt", "pth", "ckpt", "joblib", "dill"];
/// Endings of files whose arrays have names, as `FILE.npz:NAME`.
const WITH_ARRAYS: [&str; 3] = [".npz:", ".mat:", ".safetensors:"];

/// Reads a data set from a name, a file or a folder, as [`load_with`] does with nothing asked for.
///
/// # Errors
/// As [`load_with`].
pub fn load(source: &str, split: Split) -> Result<Dataset> {
    load_with(source, split, &Reading::default())
}

/// Reads a data set from a name, a file or a folder.
///
/// - `digits`: the bundled digits, 1,500 rows for training and 297 for testing ([`super::digits`] gives
///   all).
/// - A toy density ([`super::toy_names`]): 50,000 rows for training and 10,000 for testing, drawn here.
/// - Another known name ([`known`]): the folder where a package or [`super::fetch`] into `data/NAME` puts
///   it.
/// - A file: IDX, npy, tables in text, each also gzipped; npz, MATLAB 5 to 7 or safetensors (of several
///   arrays one as `FILE.npz:ARRAY`); Parquet; CIFAR's binary records; one PNG or JPEG picture. The content
///   decides, not the ending. Only npz can have a test split (arrays `x_test` or `test`).
/// - A folder: IDX files as MNIST and its kin name them, CIFAR's binary files, pictures, class subfolders
///   of pictures, or subfolders `train` and `test` (or `val`) of either.
///
/// # Errors
/// When nothing has this name, it has no such split, its content is damaged, empty, not numeric or would
/// run code, or it has not what the reading asks for.
pub fn load_with(source: &str, split: Split, reading: &Reading) -> Result<Dataset> {
    let data = read_source(source, split, reading)?;
    refuse_unused(&data, reading)?;
    match &reading.shape {
        Some(shape) => data.with_row_shape(shape),
        None => Ok(data),
    }
}

/// Refuses what is asked of columns where there are none, and of pictures where there are none.
fn refuse_unused(data: &Dataset, reading: &Reading) -> Result<()> {
    let refused =
        |key: &str, what: &str| Err(Error::input(what).at(format!("data.{key}, {}", data.source())));
    if data.table().is_none() && reading.known.is_none() {
        let keys = [
            ("label", reading.label.is_some()),
            ("leave_out", !reading.leave_out.is_empty()),
            ("one_hot", !reading.one_hot.is_empty()),
        ];
        if let Some((key, _)) = keys.into_iter().find(|(_, used)| *used) {
            return refused(key, "the data is no table, so it has no columns to choose");
        }
    }
    if data.row_names().is_none() {
        let keys = [("size", reading.size.is_some()), ("colour", reading.colour != Colour::AsIs)];
        if let Some((key, _)) = keys.into_iter().find(|(_, used)| *used) {
            return refused(key, "only PNG and JPEG pictures are changed in size or colour");
        }
    }
    Ok(())
}

fn read_source(source: &str, split: Split, reading: &Reading) -> Result<Dataset> {
    if source == "digits" {
        return digits::split(split);
    }
    let path = Path::new(source);
    if path.is_dir() {
        return folder::read(path, split, reading);
    }
    if path.exists() {
        return read_file(path, None, split, reading);
    }
    if let Some((file, array)) = array_of(source) {
        return read_file(Path::new(file), Some(array), split, reading);
    }
    if let Some(data) = toy::generated(source, split) {
        return data;
    }
    let Some(entry) = known().iter().find(|k| k.name == source) else {
        let names: Vec<&str> = known().iter().map(|k| k.name).collect();
        let remedy = match nearest(source, names.iter().copied()) {
            Some(name) => format!("did you mean {name}?"),
            None => "check the path".to_string(),
        };
        return Err(Error::new(Reason::Unreadable, "no such data")
            .at(source)
            .expected(format!("a file, a folder, or one of {}", names.join(", ")))
            .remedy(remedy));
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
    folder::read(place, split, reading)
}

/// A file and the array in it, where the source names both.
fn array_of(source: &str) -> Option<(&str, &str)> {
    let mark = WITH_ARRAYS.into_iter().find(|mark| source.contains(mark))?;
    let at = source.rfind(mark)? + mark.len() - 1;
    Some((&source[..at], &source[at + 1..]))
}

/// Reads what `settings` name, as they ask for.
///
/// # Errors
/// As [`load_with`], and values whose scale is not known, where they are to be 0 and 1.
pub fn load_as(settings: &DataSettings, split: Split) -> Result<Dataset> {
    let dataset = load_with(&settings.source.to_string(), split, &settings.reading)?;
    if settings.binarise { dataset.binarised() } else { Ok(dataset) }
}

/// Reads the test split of a source as [`load_with`] does; none where the source has no such part.
///
/// # Errors
/// As [`load_with`], but for a test split that isn't there.
pub fn load_test(source: &str, reading: &Reading) -> Result<Option<Dataset>> {
    match load_with(source, Split::Test, reading) {
        Err(error) if error.reason == Reason::NoTestSplit => Ok(None),
        loaded => loaded.map(Some),
    }
}

/// The rows of `source` to evaluate on: its test split, or all it has where it has no splits.
///
/// # Errors
/// As [`load_with`].
pub fn load_held_out(source: &str, reading: &Reading) -> Result<Dataset> {
    match load_test(source, reading)? {
        Some(test) => Ok(test),
        None => load_with(source, Split::Train, reading),
    }
}

/// What is in each column of a table; none where the source is none.
///
/// # Errors
/// A table that can't be read.
pub fn describe_table(source: &str, reading: &Reading) -> Result<Option<TableSummary>> {
    let path = Path::new(source);
    if !path.is_file() || is_pickle_name(path) {
        return Ok(None);
    }
    let input = Input::open(path)?;
    let prefix = input.prefix();
    if is_pickle(prefix) {
        return Ok(None);
    }
    if parquet::recognises(prefix) {
        return parquet::describe(path, reading).map(Some);
    }
    let is_other = Format::of(&input).is_some_and(|format| format != Format::Table);
    if is_other || foreign::refusal(prefix).is_some() || !csv::recognises(prefix) {
        return Ok(None);
    }
    csv::describe(&|| Input::open(path), reading).map(Some)
}

/// The formats of single files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Npz,
    Matlab,
    Safetensors,
    Idx,
    Npy,
    Image,
    Parquet,
    Table,
}

impl Format {
    /// The format that a file's first bytes tell.
    fn of(input: &Input) -> Option<Format> {
        let prefix = input.prefix();
        let known = [
            (npz::recognises(prefix) && !input.is_compressed(), Format::Npz),
            (matlab::recognises(prefix), Format::Matlab),
            (safetensors::recognises(prefix), Format::Safetensors),
            (idx::recognises(prefix), Format::Idx),
            (npy::recognises(prefix), Format::Npy),
            (image::recognises(prefix), Format::Image),
            (parquet::recognises(prefix), Format::Parquet),
            (csv::recognises(prefix), Format::Table),
        ];
        known.into_iter().find(|(is, _)| *is).map(|(_, format)| format)
    }

    fn has_arrays(self) -> bool {
        matches!(self, Format::Npz | Format::Matlab | Format::Safetensors)
    }
}

fn read_file(path: &Path, array: Option<&str>, split: Split, reading: &Reading) -> Result<Dataset> {
    let name = name_of(path);
    let place = path.display();
    if is_pickle_name(path) {
        return Err(pickle().at(place));
    }
    let input = Input::open(path)?;
    let prefix = input.prefix();
    if let Some(refusal) = foreign::refusal_of(prefix, &place.to_string()) {
        return Err(refusal);
    }
    let format = Format::of(&input);
    if array.is_some() && !format.is_some_and(Format::has_arrays) {
        return Err(Error::input("only npz, MATLAB and safetensors files have named arrays").at(place));
    }
    if format == Some(Format::Npz) {
        let (file, length) = open_file(path)?;
        return npz::read(&name, &place.to_string(), BufReader::new(file), length, array, split, reading);
    }
    if split == Split::Test {
        return Err(no_split(Split::Test).at(place).remedy(
            "name the test file as data of its own, use a folder or npz file with both splits, or hold out rows",
        ));
    }
    if let Some(data) = folder::read_cifar(path)? {
        return Ok(data);
    }
    if prefix.is_empty() {
        return Err(Error::input("an empty file").at(place));
    }
    if is_pickle(prefix) {
        return Err(pickle().at(place));
    }
    match format {
        Some(Format::Idx) => folder::read_idx(path, reading),
        Some(Format::Npy) => npy::read(&name, input, reading),
        Some(Format::Image) => image::read(&name, input, reading),
        Some(Format::Matlab) => matlab::read(&name, input, array, reading),
        Some(Format::Safetensors) => safetensors::read(&name, input, array, reading),
        Some(Format::Parquet) => parquet::read(&name, path, reading),
        Some(Format::Table) => csv::read(&name, input, reading),
        Some(Format::Npz) | None => Err(Error::input("unsupported data format")
            .at(place)
            .expected(READABLE)
            .remedy("save it as npy with numpy.save")),
    }
}

fn is_pickle_name(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    PICKLES.contains(&ending.as_str())
}

fn is_pickle(prefix: &[u8]) -> bool {
    matches!(prefix, [0x80, 2..=5, ..])
}

fn pickle() -> Error {
    Error::input("a pickle, which would run code when read and is never opened")
        .expected(READABLE)
        .remedy("save the numbers with numpy.save(path, array.astype('float32'))")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::formats::numpy::npz::tests::zip;

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
        assert!(load_test(&path.display().to_string(), &Reading::default()).unwrap().is_none());
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
    fn what_is_no_data_is_named() {
        let message = |name, bytes: &[u8]| file(name, bytes, "", Split::Train).unwrap_err().to_string();
        let excel = message("x.xlsx", &zip(&[("xl/workbook.xml", vec![1])]));
        assert!(excel.starts_with("an Excel file: ") && excel.ends_with("x.xlsx; save it as CSV"), "{excel}");
        let settings = message("x.toml", b"# a run\n[data]\nname = 'digits'\n");
        assert!(settings.starts_with("a settings or model file, not data: "), "{settings}");
    }

    #[test]
    fn what_is_missing_is_said_with_what_is_possible() {
        let message = |source: &str, split| load(source, split).unwrap_err().to_string();
        let error = message("no/such/thing", Split::Train);
        assert!(error.contains("digits, mnist, fashion-mnist, two-gaussians"), "{error}");
        assert!(load_test("digits", &Reading::default()).unwrap().is_some_and(|data| data.rows() == 297));
        assert!(load_test("no/such/thing", &Reading::default()).is_err());
        assert!(file("x.csv", b"1,2\n", "", Split::Test).unwrap_err().to_string().contains("hold out rows"));
        assert!(
            file("x.bin", &[1, 0, 2], "", Split::Train)
                .unwrap_err()
                .to_string()
                .contains("safetensors, CIFAR")
        );
        assert!(file("x.csv", b"", "", Split::Train).unwrap_err().to_string().contains("empty"));
        let error = message("mnist", Split::Train);
        assert!(error.contains("data fetch mnist") && error.contains("11369320 bytes"), "{error}");
    }
}
