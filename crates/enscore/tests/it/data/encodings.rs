//! The same pictures as bytes, fractions and around zero: one model sees one picture.

use enscore::data::{Dataset, Encoding, Scale, Split, Values, load};
use enscore::evaluate::rows_for;
use enscore::trained::Trained;

use crate::common::runs::Folder;

fn npy(folder: &Folder, name: &str, descr: &str, shape: &str, bytes: &[u8]) -> String {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(bytes);
    std::fs::write(folder.path(name), file).unwrap();
    folder.path(name).display().to_string()
}

/// Twelve pictures of 2 x 2 pixels in four encodings, with their paths.
fn written(folder: &Folder, shape: &str) -> [(&'static str, String); 4] {
    let bytes: Vec<u8> = (0..48).map(|at| [0, 255, 51, 102, 204, 153, 17][at % 7]).collect();
    let floats = |map: &dyn Fn(f32) -> f32| -> Vec<u8> {
        bytes.iter().flat_map(|byte| map(f32::from(*byte)).to_le_bytes()).collect()
    };
    [
        ("bytes", npy(folder, "u8.npy", "|u1", shape, &bytes)),
        ("unit", npy(folder, "f01.npy", "<f4", shape, &floats(&|x| x / 255.0))),
        ("f255", npy(folder, "f255.npy", "<f4", shape, &floats(&|x| x))),
        ("symmetric", npy(folder, "fpm.npy", "<f4", shape, &floats(&|x| x / 127.5 - 1.0))),
    ]
}

fn seen(trained: &Trained, path: &str) -> (Vec<f32>, usize) {
    let rows = rows_for(trained, path).unwrap_or_else(|error| panic!("{path}: {error}"));
    (enscore::data::rows_of(&rows, usize::MAX).unwrap(), rows.dataset().notes().len())
}

#[test]
fn pictures_in_another_encoding_are_recognised() {
    for (own, _) in written(&Folder::new(), "(12, 2, 2)") {
        let folder = Folder::new();
        let all = written(&folder, "(12, 2, 2)");
        let path = |name: &str| all.iter().find(|(other, _)| *other == name).unwrap().1.clone();
        let settings = folder.settings("ncsn-mlp", &[&format!("data.path={}", path(own)), "train.steps=2"]);
        let trained = Trained::open(folder.train(own, &settings).path(), &[]).unwrap();
        let (expected, notes) = seen(&trained, &path(own));
        assert_eq!(notes, 0, "{own}");
        for (name, path) in &all {
            let (found, notes) = seen(&trained, path);
            let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-6, "trained on {own}, scored {name}: off by {worst}");
            let same = own == *name || [own, name].iter().all(|kind| ["bytes", "f255"].contains(kind));
            assert_eq!(notes == 0, same, "trained on {own}, scored {name}");
        }
    }
}

#[test]
fn of_flat_rows_bytes_and_fractions_are_told_apart() {
    let folder = Folder::new();
    let all = written(&folder, "(12, 4)");
    for (own, other) in [(0, 1), (1, 0), (1, 2)] {
        let settings = folder.settings("ncsn-mlp", &[&format!("data.path={}", all[own].1), "train.steps=2"]);
        let name = format!("{own}{other}");
        let trained = Trained::open(folder.train(&name, &settings).path(), &[]).unwrap();
        let expected = seen(&trained, &all[own].1).0;
        let (found, notes) = seen(&trained, &all[other].1);
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6 && notes == 1, "{name}: {worst}, {notes} notes");
    }
}

#[test]
fn values_are_binarised_at_half_of_the_scale_they_fill() {
    let vectors = |values: Vec<f64>| Dataset::new("t", "t", &[4], Values::F64(values)).unwrap();
    let bits = |data: &Dataset| data.binarised().unwrap().values().clone();
    let expected = Values::U8(vec![0, 1, 0, 1]);
    for values in [
        [0.0, 255.0, 127.0, 128.0],
        [0.0, 1.0, 0.49, 0.5],
        [-1.0, 1.0, -0.1, 0.0],
        [0.0, 65535.0, 9.0, 32768.0],
    ] {
        assert_eq!(bits(&vectors(values.to_vec())), expected, "{values:?}");
    }
    let bytes = Dataset::new("t", "t", &[4], Values::U8(vec![0, 255, 127, 128])).unwrap();
    assert_eq!(bits(&bytes.with_scale(Scale::quantised(256)).unwrap()), expected);
    assert_eq!(Encoding::of(&vectors(vec![-3.0, 1.0, 2.0, 7.5])), Encoding::Other);
    let error = vectors(vec![-3.0, 1.0, 2.0, 7.5]).binarised().unwrap_err().to_string();
    assert!(error.contains("values from -3 to 7.5") && error.contains("0 to 255"), "{error}");
    let folder = Folder::new();
    std::fs::write(folder.path("x.csv"), "0,255,127,128\n").unwrap();
    assert_eq!(bits(&load(folder.path("x.csv").to_str().unwrap(), Split::Train).unwrap()), expected);
}
