//! Reads one array of numpy's npz format, a zip archive of npy files.

use std::io::{Read, Seek};

use npyz::npz::{NpzArchive, file_name_from_array_name};

use super::npy;
use crate::data::Dataset;
use crate::data::formats::failure::short;
use crate::data::formats::foreign;
use crate::data::formats::input::Input;
use crate::data::reading::Reading;
use crate::data::split::{Split, no_split};
use crate::error::{Error, Reason, Result};

/// Names that are taken for the rows where an archive holds several arrays, in this order.
const USUAL_NAMES: [&str; 5] = ["images", "x", "X", "data", "arr_0"];

/// Whether a file that starts so is a zip archive.
pub(in crate::data) fn recognises(prefix: &[u8]) -> bool {
    prefix.starts_with(b"PK\x03\x04") || prefix.starts_with(b"PK\x05\x06")
}

/// Reads the array `selected`, or the one that is `split`'s by its name, or the only one.
pub(in crate::data) fn read(
    name: &str,
    place: &str,
    reader: impl Read + Seek,
    length: u64,
    selected: Option<&str>,
    split: Split,
    reading: &Reading,
) -> Result<Dataset> {
    let mut archive = NpzArchive::new(reader).map_err(|e| damaged(place, e))?;
    if archive.zip_archive().file_names().any(|file| file.ends_with(".pkl")) {
        return Err(Error::input("a saved PyTorch object is a pickle, which would run code when read")
            .at(place)
            .remedy("save the tensor as numbers: numpy.save(path, tensor.numpy())"));
    }
    let mut names: Vec<String> = archive.array_names().map(String::from).collect();
    if names.is_empty() {
        let files: Vec<String> = archive.zip_archive().file_names().map(String::from).collect();
        return Err(foreign::zip_refusal(&files).at(place));
    }
    names.sort();
    let array = choose(&names, selected, split).map_err(|e| e.at(place))?;
    let labels = labels_of(&array).into_iter().find(|name| names.iter().any(|other| other == name));
    let data = npy::read(name, open(&mut archive, &array, place, length)?, reading)?;
    let Some(labels) = labels.filter(|_| data.labels().is_none()) else { return Ok(data) };
    let (shape, values) = npy::read_values(open(&mut archive, &labels, place, length)?)?;
    let fits = shape.iter().product::<usize>() == data.rows() && values.are_labels();
    if fits { data.with_labels(values.labels()) } else { Ok(data) }
}

/// The entry of an array, decompressed on the way.
fn open<'a, R: Read + Seek>(
    archive: &'a mut NpzArchive<R>,
    array: &str,
    place: &str,
    length: u64,
) -> Result<Input<'a>> {
    let file = archive.zip_archive().by_name(&file_name_from_array_name(array));
    let file = file.map_err(|e| damaged(place, e))?;
    let compressed = file.compressed_size().min(length);
    Input::entry(format!("{place}:{}", array.escape_debug()), file, compressed)
}

/// The names that the labels of these rows may have.
fn labels_of(rows: &str) -> Vec<String> {
    let beside: &[&str] = match rows {
        "images" | "data" | "arr_0" => &["labels", "label", "y", "target"],
        "x" | "X" => &["y", "labels", "target"],
        _ => &[],
    };
    let renamed = [("x_", "y_"), ("X_", "y_"), ("images", "labels"), ("imgs", "labels"), ("x", "y")];
    let renamed = renamed
        .into_iter()
        .filter(|(from, _)| rows.contains(from))
        .map(|(from, to)| rows.replacen(from, to, 1));
    beside.iter().map(|name| name.to_string()).chain(renamed).filter(|name| name != rows).collect()
}

fn damaged(place: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Reason::Damaged, format!("a damaged npz file ({error})")).at(place).caused_by(error)
}

fn choose(names: &[String], selected: Option<&str>, split: Split) -> Result<String> {
    let has = |name: &str| names.iter().any(|n| n == name);
    let listed = || match names.len() {
        0 => "no array".to_string(),
        _ => names.iter().take(20).map(|n| short(n)).collect::<Vec<_>>().join(", "),
    };
    if let Some(name) = selected {
        return match (has(name), split) {
            (true, Split::Train) => Ok(name.to_string()),
            (true, Split::Test) => {
                Err(no_split(Split::Test).found(short(name)).remedy("name the test array"))
            }
            (false, _) => Err(Error::input(format!("no array {}", short(name))).found(listed())),
        };
    }
    let own = match split {
        Split::Train => ["x_train", "train", "X_train", "train_images"],
        Split::Test => ["x_test", "test", "X_test", "test_images"],
    };
    if let Some(name) = own.into_iter().find(|name| has(name)) {
        return Ok(name.to_string());
    }
    if split == Split::Test {
        return Err(no_split(Split::Test)
            .found(listed())
            .expected("an array named 'x_test' or 'test'")
            .remedy("name an array as FILE.npz:NAME, or hold out rows of the training data"));
    }
    match names {
        [only] => Ok(only.clone()),
        _ => USUAL_NAMES.into_iter().find(|name| has(name)).map(String::from).ok_or_else(|| {
            Error::input("it is not clear which array holds the rows")
                .found(listed())
                .expected("one array, or one named images, x, X, data, arr_0, x_train or train")
                .remedy("name it as FILE.npz:NAME")
        }),
    }
}

#[cfg(test)]
pub(in crate::data) mod tests {
    use super::*;
    use crate::data::formats::numpy::npy::tests::file as npy_file;
    use std::io::Cursor;

    /// A zip archive of stored (not compressed) files.
    pub(in crate::data) fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut directory = Vec::new();
        for (name, content) in files {
            let mut crc = flate2::Crc::new();
            crc.update(content);
            let size = (content.len() as u32).to_le_bytes();
            let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
            common.extend(crc.sum().to_le_bytes());
            common.extend([size, size].concat());
            common.extend((name.len() as u32).to_le_bytes());
            directory.extend([b"PK\x01\x02".as_slice(), &[20, 0], &common, &[0; 10]].concat());
            directory.extend((out.len() as u32).to_le_bytes());
            directory.extend(name.bytes());
            out.extend([b"PK\x03\x04".as_slice(), &common, name.as_bytes(), content].concat());
        }
        let start = out.len() as u32;
        let count = files.len() as u16;
        out.extend(&directory);
        out.extend([b"PK\x05\x06".as_slice(), &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()].concat());
        out.extend((directory.len() as u32).to_le_bytes());
        out.extend(start.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    fn array(value: u8) -> Vec<u8> {
        npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2)}", &[value, 9])
    }

    fn parse(files: &[(&str, Vec<u8>)], selected: Option<&str>, split: Split) -> Result<u8> {
        let zip = zip(files);
        let reading = Reading::default();
        let data = read("t", "t.npz", Cursor::new(&zip), zip.len() as u64, selected, split, &reading)?;
        Ok(data.values().range().0 as u8)
    }

    #[test]
    fn the_array_is_chosen_by_name_and_never_guessed() {
        let train = |files: &[(&str, Vec<u8>)]| parse(files, None, Split::Train);
        assert_eq!(train(&[("odd.npy", array(3))]).unwrap(), 3);
        assert_eq!(train(&[("y.npy", array(3)), ("x.npy", array(4))]).unwrap(), 4);
        let error = train(&[("b.npy", array(3)), ("a.npy", array(4))]).unwrap_err().to_string();
        assert!(error.contains("'a', 'b'") && error.contains("FILE.npz:NAME"), "{error}");
        assert!(train(&[]).is_err());
        let keras = [("x_train.npy", array(1)), ("x_test.npy", array(2))];
        assert_eq!(parse(&keras, None, Split::Test).unwrap(), 2);
        assert_eq!(parse(&keras, None, Split::Train).unwrap(), 1);
        assert_eq!(parse(&keras, Some("x_test"), Split::Train).unwrap(), 2);
        assert!(
            parse(&keras, Some("z"), Split::Train).unwrap_err().to_string().contains("'x_test', 'x_train'")
        );
        assert!(parse(&[("x.npy", array(1))], None, Split::Test).is_err());
    }

    #[test]
    fn saved_torch_objects_are_refused_with_the_reason() {
        let error =
            parse(&[("archive/data.pkl", vec![0x80, 2])], None, Split::Train).unwrap_err().to_string();
        assert!(error.contains("would run code"), "{error}");
    }
}
