//! Damaged files of every format and damaged settings: each is read or refused, never a panic.
//!
//! Each target runs for `ENSCORE_FUZZ_SECONDS` (one second if unset). What fails is made as small as it
//! gets, and shown.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use enscore::data::{Missing, Reading, Split, describe_table, load_with};
use enscore::settings::Settings;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use crate::common::families::FAMILIES;

/// What happens to a file at some byte.
#[derive(Clone, Debug)]
enum Damage {
    Flip(u8),
    Set(u8),
    Cut,
    Remove(u8),
    Double(u8),
    Number(u32, bool),
}

fn damages() -> impl Strategy<Value = Vec<(Index, Damage)>> {
    let numbers =
        prop_oneof![Just(0), Just(1), Just(0x7fff_ffff), Just(u32::MAX), Just(65_536), any::<u32>()];
    let damage = prop_oneof![
        3 => (0u8..8).prop_map(Damage::Flip),
        3 => any::<u8>().prop_map(Damage::Set),
        1 => Just(Damage::Cut),
        1 => (1u8..9).prop_map(Damage::Remove),
        1 => (1u8..64).prop_map(Damage::Double),
        1 => (numbers, any::<bool>()).prop_map(|(number, big)| Damage::Number(number, big)),
    ];
    vec((any::<Index>(), damage), 1..9)
}

fn damaged(valid: &[u8], damages: &[(Index, Damage)]) -> Vec<u8> {
    let mut file = valid.to_vec();
    for (index, damage) in damages {
        if file.is_empty() {
            break;
        }
        let at = index.index(file.len());
        match damage {
            Damage::Flip(bit) => file[at] ^= 1 << bit,
            Damage::Set(byte) => file[at] = *byte,
            Damage::Cut => file.truncate(at),
            Damage::Remove(count) => drop(file.drain(at..file.len().min(at + usize::from(*count)))),
            Damage::Double(count) => {
                let part = file[at..file.len().min(at + usize::from(*count))].to_vec();
                file.splice(at..at, part);
            }
            Damage::Number(number, big) => {
                let bytes = if *big { number.to_be_bytes() } else { number.to_le_bytes() };
                let end = file.len().min(at + 4);
                file[at..end].copy_from_slice(&bytes[..end - at]);
            }
        }
    }
    file
}

/// Runs `attempt` on damaged copies of the valid files until the time is over.
fn fuzz(valid: &[Vec<u8>], attempt: impl Fn(&[u8])) {
    let seconds =
        std::env::var("ENSCORE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    while Instant::now() < end {
        for file in valid {
            let outcome = runner.run(&damages(), |damages| {
                attempt(&damaged(file, &damages));
                Ok(())
            });
            outcome.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// Reads damaged copies of the valid files as files of this name, in several ways.
fn fuzz_reader(name: &str, valid: &[Vec<u8>]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let source = path.display().to_string();
    for file in valid {
        std::fs::write(&path, file).unwrap();
        let asked = Reading { missing: Missing::Drop, leave_out: words(name), ..Reading::default() };
        load_with(&source, Split::Train, &asked).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let asked = [
        Reading::default(),
        Reading { label: Some("kind".into()), missing: Missing::Mean, ..Reading::default() },
        Reading { one_hot: vec!["kind".into()], size: Some([3, 5]), ..Reading::default() },
    ];
    fuzz(valid, |file| {
        std::fs::write(&path, file).unwrap();
        for reading in &asked {
            drop(load_with(&source, Split::Train, reading));
        }
        drop(describe_table(&source, &Reading::default()));
    });
}

/// The columns of words in the valid files of this name.
fn words(name: &str) -> Vec<String> {
    match name {
        "x.parquet" => vec!["city".into()],
        _ => Vec::new(),
    }
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/files").join(name)).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(values);
    file
}

#[test]
fn idx_files() {
    let file = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2][..], &[7; 12]].concat();
    fuzz_reader("train-images-idx3-ubyte", &[file.clone(), gzip(&file)]);
}

#[test]
fn npy_files() {
    fuzz_reader(
        "x.npy",
        &[npy("<f4", "(6, 4)", &[0; 96]), npy("|u1", "(2, 3, 2)", &[9; 12]), npy(">f2", "(6, 2)", &[1; 24])],
    );
}

#[test]
fn npz_files() {
    let mut archive = npyz::npz::NpzWriter::new(std::io::Cursor::new(Vec::new()));
    use npyz::WriterBuilder;
    let mut array =
        archive.array("x", Default::default()).unwrap().default_dtype().shape(&[3, 2]).begin_nd().unwrap();
    array.extend([1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    array.finish().unwrap();
    let mut array =
        archive.array("y", Default::default()).unwrap().default_dtype().shape(&[3]).begin_nd().unwrap();
    array.extend([0u8, 1, 0]).unwrap();
    array.finish().unwrap();
    let file = archive.zip_writer().finish().unwrap().into_inner();
    fuzz_reader("x.npz", &[file]);
}

#[test]
fn tables_in_text() {
    let files = [
        &b"a,b\n1,2\n3.5,4e-3\n"[..],
        b"a;b;c\n1,5;2;3\n-3,25;;4\n4;1.234,5;6\n",
        b"# a b\n1 2\n 3  4\n",
        b"\xff\xfea\0,\0b\0\n\x001\0,\x002\0\n\0",
        b"sep=|\n\"a\nb\"|c|\n1|2|\n",
    ];
    fuzz_reader("x.csv", &files.map(<[u8]>::to_vec));
}

#[test]
fn parquet_files() {
    fuzz_reader("x.parquet", &[fixture("table_snappy.parquet"), fixture("table_zstd.parquet")]);
}

#[test]
fn matlab_files() {
    fuzz_reader("x.mat", &[fixture("v5.mat"), fixture("v5_compressed.mat")]);
}

#[test]
fn safetensors_files() {
    let header = br#"{"x":{"dtype":"F32","shape":[3,2],"data_offsets":[0,24]}}"#;
    let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 24]].concat();
    fuzz_reader("x.safetensors", &[file]);
}

#[test]
fn cifar_files() {
    fuzz_reader("data_batch_1.bin", &[vec![3; 2 * 3073]]);
}

#[test]
fn png_files() {
    let mut files = Vec::new();
    for (colour, channels) in [(png::ColorType::Grayscale, 1), (png::ColorType::Rgba, 4)] {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 5, 4);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(&vec![80; 20 * channels]).unwrap();
        files.push(file);
    }
    fuzz_reader("x.png", &files);
}

#[test]
fn jpeg_files() {
    fuzz_reader("x.jpg", &["photo.jpg", "progressive.jpg", "grey.jpg"].map(fixture));
}

#[test]
fn settings() {
    let texts: Vec<Vec<u8>> = FAMILIES.iter().map(|family| family.text.as_bytes().to_vec()).collect();
    fuzz(&texts, |text| {
        drop(Settings::parse(&String::from_utf8_lossy(text), "fuzz.toml", &["data.name=digits".into()]))
    });
}
