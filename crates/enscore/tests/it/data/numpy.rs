//! Arrays of IDX, npy and npz files: every type of number, byte order, order of axes and rank, written byte
//! by byte here.

use std::io::Write;
use std::path::{Path, PathBuf};

use enscore::data::{Dataset, Scale, Split, Values, load, read_array};

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn read(path: &Path) -> Dataset {
    load(path.to_str().unwrap(), Split::Train).unwrap_or_else(|error| panic!("{error}"))
}

/// The raw values in double precision.
fn raw(data: &Dataset) -> Vec<f64> {
    match data.values() {
        Values::U8(values) => values.iter().map(|v| f64::from(*v)).collect(),
        Values::F32(values) => values.iter().map(|v| f64::from(*v)).collect(),
        Values::F64(values) => values.clone(),
    }
}

/// Distinct numbers of an array of this many elements that every type holds, signed ones also negative.
fn numbers(count: usize, signed: bool) -> Vec<i64> {
    (0..count as i64).map(|i| if signed && i % 2 == 1 { -i - 1 } else { i + 2 }).collect()
}

/// The little-endian bytes of a number in one of numpy's types.
fn bytes_of(kind: &str, value: i64) -> Vec<u8> {
    match kind {
        "u1" => vec![value as u8],
        "i1" => (value as i8).to_le_bytes().to_vec(),
        "u2" => (value as u16).to_le_bytes().to_vec(),
        "i2" => (value as i16).to_le_bytes().to_vec(),
        "u4" => (value as u32).to_le_bytes().to_vec(),
        "i4" => (value as i32).to_le_bytes().to_vec(),
        "u8" => (value as u64).to_le_bytes().to_vec(),
        "i8" => value.to_le_bytes().to_vec(),
        // Halves show that a float was not read as a whole number.
        "f4" => (value as f32 + 0.5).to_le_bytes().to_vec(),
        _ => (value as f64 + 0.5).to_le_bytes().to_vec(),
    }
}

/// Values, spelt out in memory order, of an array with these extents: C order as they are, Fortran order
/// first index fastest.
fn in_memory(values: &[i64], shape: &[usize], fortran: bool) -> Vec<i64> {
    let mut out = vec![0; values.len()];
    for (at, value) in values.iter().enumerate() {
        let (mut rest, mut index) = (at, vec![0; shape.len()]);
        for axis in (0..shape.len()).rev() {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        let place = (0..shape.len()).rev().fold(0, |place, axis| place * shape[axis] + index[axis]);
        out[if fortran { place } else { at }] = *value;
    }
    out
}

fn npy(kind: &str, big: bool, fortran: bool, shape: &[usize], values: &[i64]) -> Vec<u8> {
    let order = if kind.ends_with('1') {
        '|'
    } else if big {
        '>'
    } else {
        '<'
    };
    let extents: Vec<String> = shape.iter().map(|extent| format!("{extent},")).collect();
    let fortran_order = if fortran { "True" } else { "False" };
    let header = format!(
        "{{'descr': '{order}{kind}', 'fortran_order': {fortran_order}, 'shape': ({}), }}\n",
        extents.join(" ")
    );
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    for value in in_memory(values, shape, fortran) {
        let mut bytes = bytes_of(kind, value);
        if big {
            bytes.reverse();
        }
        file.extend(bytes);
    }
    file
}

const KINDS: [&str; 10] = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"];
const SHAPES: [&[usize]; 3] = [&[2, 3], &[2, 3, 4], &[2, 3, 4, 2]];

fn expected(kind: &str, values: &[i64]) -> Vec<f64> {
    let half = if kind.starts_with('f') { 0.5 } else { 0.0 };
    values.iter().map(|value| *value as f64 + half).collect()
}

#[test]
fn every_value_of_an_npy_file_is_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, shape) in KINDS.iter().flat_map(|kind| SHAPES.map(|shape| (*kind, shape))) {
        let values = numbers(shape.iter().product(), kind.starts_with(['i', 'f']));
        for (big, fortran) in [(false, false), (true, false), (false, true), (true, true)] {
            let path = write(folder.path(), "rows.npy", &npy(kind, big, fortran, shape, &values));
            let what = format!("{kind} {shape:?}, big-endian {big}, Fortran {fortran}");
            let data = read(&path);
            assert_eq!(raw(&data), expected(kind, &values), "{what}");
            let image = [&shape[1..], &[1]].concat();
            assert_eq!(data.row_shape(), if shape.len() == 3 { &image } else { &shape[1..] }, "{what}");
            assert_eq!(data.rows(), 2, "{what}");
        }
    }
}

/// Arrays of a model file, of any number of axes: a matrix in Fortran order is not its transpose.
#[test]
fn every_value_of_a_models_array_is_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for shape in [&[][..], &[4], &[2, 3], &[3, 2], &[2, 3, 4], &[2, 2, 3, 2]] {
        for kind in KINDS {
            let values = numbers(shape.iter().product(), kind.starts_with(['i', 'f']));
            for (big, fortran) in [(false, false), (true, false), (false, true), (true, true)] {
                let path = write(folder.path(), "array.npy", &npy(kind, big, fortran, shape, &values));
                let what = format!("{kind} {shape:?}, big-endian {big}, Fortran {fortran}");
                let array = read_array(&path).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(array.shape, shape, "{what}");
                assert_eq!(array.values, expected(kind, &values), "{what}");
            }
        }
    }
}

#[test]
fn every_value_of_an_idx_file_is_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    for (code, kind) in [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")] {
        for shape in SHAPES {
            let values = numbers(shape.iter().product(), kind != "u1");
            let mut file = vec![0, 0, code, shape.len() as u8];
            shape.iter().for_each(|extent| file.extend((*extent as u32).to_be_bytes()));
            for value in &values {
                file.extend(bytes_of(kind, *value).iter().rev());
            }
            let data = read(&write(folder.path(), "rows.idx", &file));
            assert_eq!(raw(&data), expected(kind, &values), "{kind} {shape:?}");
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(&file).unwrap();
            let packed = read(&write(folder.path(), "rows.idx.gz", &packed.finish().unwrap()));
            assert_eq!(packed.fingerprint(), data.fingerprint(), "{kind} {shape:?}");
        }
    }
}

/// A zip archive of one compressed file for each array.
fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in arrays {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflate.write_all(content).unwrap();
        let packed = deflate.finish().unwrap();
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u32).to_le_bytes());
        directory.extend([b"PK\x01\x02".as_slice(), &[20, 0], &common, &[0; 10]].concat());
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.bytes());
        out.extend([b"PK\x03\x04".as_slice(), &common, name.as_bytes(), &packed].concat());
    }
    let (start, count) = (out.len() as u32, (arrays.len() as u16).to_le_bytes());
    let size = (directory.len() as u32).to_le_bytes();
    out.extend(directory);
    out.extend([b"PK\x05\x06".as_slice(), &[0; 4], &count, &count, &size].concat());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

#[test]
fn the_array_that_is_named_is_read_from_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let array = |first: i64, fortran| {
        let values: Vec<i64> = (first..first + 6).collect();
        (values.clone(), npy("f8", fortran, fortran, &[2, 3], &values))
    };
    let ((one, file_one), (two, file_two)) = (array(10, false), array(70, true));
    let archive = npz(&[("one.npy", file_one), ("two.npy", file_two)]);
    let path = write(folder.path(), "arrays.npz", &archive);
    for (name, values) in [("one", one), ("two", two)] {
        let data = load(&format!("{}:{name}", path.display()), Split::Train).unwrap();
        assert_eq!(raw(&data), expected("f8", &values), "{name}");
    }
}

/// What raw values mean to a model, by their type.
#[test]
fn the_scale_follows_from_type_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let scale = |kind: &str, shape: &[usize], values: &[i64]| {
        read(&write(folder.path(), "rows.npy", &npy(kind, false, false, shape, values))).scale()
    };
    assert_eq!(scale("u1", &[1, 3], &[0, 1, 1]), Scale::quantised(2));
    assert_eq!(scale("u1", &[1, 3], &[0, 1, 2]), Scale::quantised(256));
    assert_eq!(scale("u2", &[1, 1, 3], &[0, 1, 2]), Scale::quantised(65536));
    assert_eq!(scale("u2", &[1, 3], &[0, 1, 2]), Scale::NONE);
    assert_eq!(scale("f4", &[1, 3], &[-5, 1, 2]), Scale::NONE);
    assert_eq!(scale("f4", &[1, 1, 3], &[-5, 1, 2]), Scale::range(-4.5, 2.5));
    assert_eq!(scale("i2", &[2, 1, 1], &[-5, 7]), Scale::range(-5.0, 7.0));
}
