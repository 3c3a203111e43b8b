//! Feeds random and damaged files to every reader: each must give data or an error, never a panic.

use std::io::Cursor;

use flate2::Compression;
use flate2::write::GzEncoder;
use png::{BitDepth, ColorType};
use proptest::prelude::*;

use super::input::Input;
use super::numpy::{npy, npz};
use super::{csv, idx, image};
use crate::data::split::Split;
use crate::data::{Dataset, Reading};
use crate::error::Result;

type Reader = fn(&[u8]) -> Result<Dataset>;

const READERS: [Reader; 5] = [
    |bytes| idx::read("t", Input::bytes("t", bytes)?, &Reading::default()),
    |bytes| npy::read("t", Input::bytes("t", bytes)?, &Reading::default()),
    |bytes| image::read("t", Input::bytes("t", bytes)?, &Reading::default()),
    |bytes| csv::read("t", Input::bytes("t", bytes)?, &Reading::default()),
    |bytes| {
        npz::read("t", "t", Cursor::new(bytes), bytes.len() as u64, None, Split::Train, &Reading::default())
    },
];

/// Valid files of each reader's format, in the readers' order, small and of several kinds.
fn valid_files() -> Vec<(Reader, Vec<u8>)> {
    let idx_file =
        [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2][..], &[1, 2, 3, 4, 5, 6, 7, 8]].concat();
    let npy_header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2, 1), }\n";
    let npy_file = npy::tests::file(npy_header, &[0; 16]);
    let mut gzipped = GzEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut gzipped, &idx_file).unwrap();
    let gzipped = gzipped.finish().unwrap();
    let samples: Vec<u8> = (0..48).collect();
    let png_file = image::tests::file([4, 4], ColorType::Rgb, BitDepth::Eight, &samples);
    let palette = image::tests::file([4, 4], ColorType::Indexed, BitDepth::One, &[0x50; 4]);
    let npz_file = npz::tests::zip(&[("x.npy", npy_file.clone()), ("y.npy", npy_file.clone())]);
    let csv_file = b"a;b\n1;2\n3;4.5e-3\n".to_vec();
    let files = [
        (0, idx_file),
        (0, gzipped),
        (1, npy_file),
        (2, png_file),
        (2, palette),
        (3, csv_file),
        (4, npz_file),
    ];
    files.into_iter().map(|(reader, file)| (READERS[reader], file)).collect()
}

#[test]
fn the_valid_files_are_read() {
    for (i, (reader, file)) in valid_files().into_iter().enumerate() {
        assert!(reader(&file).is_ok(), "file {i}: {:?}", reader(&file).err());
    }
}

/// Every single byte of every file takes some other values, and every file is cut at every length.
#[test]
fn damaged_and_truncated_files_never_panic() {
    for (reader, file) in valid_files() {
        for at in 0..file.len() {
            let _ = reader(&file[..at]);
            for value in [0, 1, 0x7f, 0x80, 0xff, file[at] ^ 0x20] {
                let mut damaged = file.clone();
                damaged[at] = value;
                let _ = reader(&damaged);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for reader in READERS {
            let _ = reader(&bytes);
        }
    }

    #[test]
    fn random_bytes_after_a_valid_start_never_panic(
        file in 0usize..7,
        keep in 0.0f64..1.0,
        tail in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let (reader, valid) = &valid_files()[file];
        let kept = (keep * valid.len() as f64) as usize;
        let _ = reader(&[&valid[..kept], &tail].concat());
    }

    #[test]
    fn several_damages_at_once_never_panic(
        file in 0usize..7,
        damages in prop::collection::vec((0.0f64..1.0, any::<u8>()), 1..8),
    ) {
        let (reader, mut bytes) = valid_files().swap_remove(file);
        for (at, value) in damages {
            let at = (at * bytes.len() as f64) as usize;
            bytes[at] = value;
        }
        let _ = reader(&bytes);
    }

    #[test]
    fn any_text_gives_a_table_or_an_error(text in "[0-9a-z.,;\t\"\r\n -]{0,60}") {
        let read = csv::read("t", Input::bytes("t", text.as_bytes()).unwrap(), &Reading::default());
        if let Ok(data) = read {
            prop_assert_eq!(data.values().len(), data.rows() * data.row_len());
        }
    }
}
