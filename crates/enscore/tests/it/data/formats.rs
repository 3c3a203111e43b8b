//! Files in formats that others write: each value in its place, and what is no data named.
//!
//! `files/` has small files of formula and random values: a table of 50 rows as Parquet (by dictionary and
//! Snappy, and in three groups by Zstandard), a matrix in MATLAB's format of version 5 with and without
//! compression, and pictures as baseline, progressive and grey JPEG.

use std::path::{Path, PathBuf};

use enscore::data::{Dataset, Missing, Reading, Split, Values, describe_table, load, load_with};

fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/files").join(name).display().to_string()
}

fn value(data: &Dataset, row: usize, column: usize) -> f64 {
    let mut values = vec![0.0; data.row_len()];
    data.copy_row_f64(row, &mut values).unwrap();
    let scale = data.scale();
    scale.raw(values[column])
}

#[test]
fn parquet_tables_have_names_words_and_missing_values() {
    for name in ["table_snappy.parquet", "table_zstd.parquet"] {
        let summary = describe_table(&file(name), &Reading::default()).unwrap().unwrap();
        let columns: Vec<_> = summary.columns.iter().map(|c| (c.name.as_str(), c.kind, c.missing)).collect();
        let expected = [
            ("height", "number", 2),
            ("weight", "number", 0),
            ("count", "integer", 0),
            ("flag", "0/1", 0),
            ("city", "text", 0),
            ("label", "0/1", 0),
        ];
        assert_eq!((summary.rows, &columns[..]), (50, &expected[..]), "{name}");
        let reading = Reading {
            label: Some("label".into()),
            leave_out: vec!["city".into()],
            missing: Missing::Drop,
            ..Reading::default()
        };
        let data = load_with(&file(name), Split::Train, &reading).unwrap();
        assert_eq!((data.rows(), data.columns().unwrap().join(" ")), (48, "height weight count flag".into()));
        assert_eq!([0, 2, 3].map(|column| value(&data, 0, column)), [175.99, 25.0, 0.0], "{name}");
        assert_eq!([0, 2, 3].map(|column| value(&data, 47, column)), [175.285, 82.0, 0.0], "{name}");
        let height: f64 = (0..48).map(|row| value(&data, row, 0)).sum();
        assert!((height - 8178.506).abs() < 1e-9, "{height}");
        let error = load(&file(name), Split::Train).unwrap_err().to_string();
        assert!(error.contains("column 5 ('city')") && error.contains("data.one_hot"), "{error}");
        let gaps = Reading { leave_out: vec!["city".into()], ..Reading::default() };
        let error = load_with(&file(name), Split::Train, &gaps).unwrap_err().to_string();
        assert!(error.contains("row 3, column 1 ('height')") && error.contains("found 2"), "{error}");
    }
}

#[test]
fn matrices_of_matlab_are_rows() {
    for name in ["v5.mat", "v5_compressed.mat", "v5.mat:X"] {
        let data = load(&file(name), Split::Train).unwrap();
        assert_eq!((data.rows(), data.row_shape()), (40, &[5][..]), "{name}");
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-6, "{name}: {found} {expected}")
        };
        close(value(&data, 0, 1), -0.256_684_1);
        close(value(&data, 39, 4), -1.187_630_1);
        let sum: f64 = (0..40)
            .flat_map(|row| (0..5).map(move |column| (row, column)))
            .map(|(r, c)| value(&data, r, c))
            .sum();
        close(sum, 17.469_363_013_942_5);
    }
    let error = load(&file("v5.mat:Z"), Split::Train).unwrap_err().to_string();
    assert!(error.contains("'X'"), "{error}");
}

#[test]
fn jpeg_pictures_are_decoded() {
    for (name, shape, sum, tolerance) in [
        ("photo.jpg", [16, 20, 3], 118_442.0, 2.0),
        ("progressive.jpg", [16, 20, 3], 118_319.0, 4.0),
        ("grey.jpg", [16, 20, 1], 36_790.0, 2.0),
    ] {
        let data = load(&file(name), Split::Train).unwrap();
        assert_eq!((data.row_shape(), data.scale().levels), (&shape[..], Some(256)), "{name}");
        let Values::U8(values) = data.values() else { panic!("{name}: not bytes") };
        let found: f64 = values.iter().map(|value| f64::from(*value)).sum();
        assert!((found - sum).abs() < tolerance * values.len() as f64 * 0.5, "{name}: {found}");
        if name == "photo.jpg" {
            let pixel = &values[(8 * 20 + 10) * 3..][..3];
            let near = pixel.iter().zip([123, 133, 108]).all(|(a, b)| a.abs_diff(b) <= 2);
            assert!(near, "{pixel:?}");
        }
    }
}

fn folder_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path: PathBuf = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

fn grey(value: u8, [width, height]: [u32; 2]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&vec![value; (width * height) as usize]).unwrap();
    bytes
}

fn read(folder: &tempfile::TempDir, split: Split) -> Result<Dataset, enscore::Error> {
    load(folder.path().to_str().unwrap(), split)
}

#[test]
fn class_folders_are_labels() {
    let images: Vec<Vec<u8>> = (0..5).map(|value| grey(value * 10, [2, 1])).collect();
    let folder = folder_of(&[
        ("train/bee/x.png", &images[0]),
        ("train/ant/z.png", &images[1]),
        ("train/ant/y.png", &images[2]),
        ("train/ant/.DS_Store", b"x"),
        ("train/notes.txt", b"x"),
        ("val/ant/a.png", &images[3]),
        ("val/bee/Thumbs.db", b"x"),
        ("val/bee/b.png", &images[4]),
    ]);
    let train = read(&folder, Split::Train).unwrap();
    assert_eq!(train.values(), &Values::U8(vec![20, 20, 10, 10, 0, 0]));
    let labels = train.classes().unwrap();
    assert_eq!((&labels.codes[..], &labels.names[..]), (&[0, 0, 1][..], &["ant".into(), "bee".into()][..]));
    assert_eq!(train.row_names().unwrap(), ["ant/y.png", "ant/z.png", "bee/x.png"]);
    let test = read(&folder, Split::Test).unwrap();
    assert_eq!((test.values(), test.labels().unwrap()), (&Values::U8(vec![30, 30, 40, 40]), &[0, 1][..]));
}

#[test]
fn pictures_of_different_kinds_are_brought_together_or_refused() {
    let small = grey(7, [2, 2]);
    let large = grey(7, [4, 2]);
    let folder = folder_of(&[("a.png", &small), ("b.png", &large)]);
    let error = read(&folder, Split::Train).unwrap_err().to_string();
    assert!(error.contains("b.png: found 4x2") && error.contains("2x2 grey of 8 bits, as a.png"), "{error}");
    assert!(error.contains("data.size = [2, 2]"), "{error}");
    let sized = Reading { size: Some([2, 2]), ..Reading::default() };
    let data = load_with(folder.path().to_str().unwrap(), Split::Train, &sized).unwrap();
    assert_eq!(data.values(), &Values::U8(vec![7; 8]));
    let photo = std::fs::read(file("photo.jpg")).unwrap();
    let named_png = folder_of(&[("a.png", &photo), ("b.png", &grey(9, [20, 16]))]);
    let data = read(&named_png, Split::Train).unwrap();
    assert_eq!((data.rows(), data.row_shape()), (2, &[16, 20, 3][..]));
    assert_eq!([0, 1, 2].map(|channel| value(&data, 1, channel)), [9.0; 3]);
}

#[test]
fn idx_files_have_the_names_of_mnist_and_its_kin() {
    let images: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 5, 6];
    let labels: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 1, 0];
    let wide: &[u8] = &[0, 0, 12, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 9];
    for (image, label, labels) in [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", labels),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte", labels),
        ("MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-labels-idx1-ubyte", labels),
        ("emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte", labels),
        ("qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int", wide),
    ] {
        let data = read(&folder_of(&[(image, images), (label, labels)]), Split::Train).unwrap();
        assert_eq!((data.rows(), data.labels().unwrap()), (2, &[1, 0][..]), "{image}");
    }
    let two = [
        ("emnist-letters-train-images-idx3-ubyte", images),
        ("emnist-digits-train-images-idx3-ubyte", images),
    ];
    let error = read(&folder_of(&two), Split::Train).unwrap_err().to_string();
    assert!(error.contains("several sets") && error.contains("emnist-digits"), "{error}");
}

#[test]
fn what_is_no_data_is_named_with_the_way_to_it() {
    for (name, content, says) in [
        ("x.npy", &b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n"[..], "git lfs pull"),
        ("x.csv", b"\n<!DOCTYPE html>\n<html></html>\n", "HTML"),
        ("x.h5", b"\x89HDF\r\n\x1a\n\0\0", "h5py"),
        ("x.nc", b"CDF\x01\0\0\0\x01", "xarray"),
        ("x.feather", b"ARROW1\0\0", "to_parquet"),
        ("x.json", b"[{\"a\": 1}]\n", "read_json"),
        ("x.arff", b"@relation iris\n@attribute a numeric\n", "arff"),
        ("x.libsvm", b"1 1:0.5 3:2\n0 2:1\n", "LIBSVM"),
        ("x.webp", b"RIFF\x10\0\0\0WEBPVP8 ", "PNG"),
        ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "CSV"),
    ] {
        let folder = folder_of(&[(name, content)]);
        let error = load(folder.path().join(name).to_str().unwrap(), Split::Train).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(name) && !error.contains('\n'), "{name}: {error}");
    }
    // Letters that start other formats start a table too.
    for text in ["BMI,age\n1,2\n3,4\n", "ORC\n1\n2\n", "BZh,x\n1,2\n3,4\n"] {
        let folder = folder_of(&[("t.csv", text.as_bytes())]);
        assert!(load(folder.path().join("t.csv").to_str().unwrap(), Split::Train).is_ok(), "{text:?}");
    }
    let error = read(&folder_of(&[("a.npy", b"x"), ("b.npy", b"x")]), Split::Train).unwrap_err().to_string();
    assert!(error.contains("found a.npy, b.npy") && error.contains("name one of the files"), "{error}");
}
