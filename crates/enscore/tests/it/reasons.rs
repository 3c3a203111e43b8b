//! Errors as a caller meets them: the reason to match on, and the error beneath.

use std::error::Error as _;

use enscore::checkpoint::{RunFolder, Tensors};
use enscore::data::{Reading, Split, load, load_test};
use enscore::settings::Settings;
use enscore::train::{Request, Silent, train};
use enscore::{Error, Reason};

use crate::common::runs::Folder;

fn system_kind(error: &Error) -> Option<std::io::ErrorKind> {
    error.source()?.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
}

#[test]
fn a_missing_file_is_unreadable_and_its_source_is_the_system_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("absent.safetensors");
    for error in [Settings::load(&missing, &[]).unwrap_err(), Tensors::read(&missing).unwrap_err()] {
        assert_eq!(error.reason, Reason::Unreadable, "{error}");
        assert_eq!(system_kind(&error), Some(std::io::ErrorKind::NotFound), "{error}");
    }
    assert_eq!(load("absent.npy", Split::Train).unwrap_err().reason, Reason::Unreadable);
}

#[test]
fn a_cut_file_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in
        [("a.npy", &b"\x93NUMPY\x01\x00"[..]), ("a.png", b"\x89PNG\r\n\x1a\n"), ("a.zip", b"PK\x03\x04")]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = load(&path.display().to_string(), Split::Train).unwrap_err();
        assert_eq!(error.reason, Reason::Damaged, "{error}");
    }
}

#[test]
fn data_without_a_test_split_is_told_from_data_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, "1,2\n3,4\n").unwrap();
    let source = path.display().to_string();
    assert_eq!(load(&source, Split::Test).unwrap_err().reason, Reason::NoTestSplit);
    assert!(load_test(&source, &Reading::default()).unwrap().is_none());
    assert_eq!(load_test("absent.csv", &Reading::default()).unwrap_err().reason, Reason::Unreadable);
}

#[test]
fn a_run_of_a_newer_version_is_newer_rather_than_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    std::fs::write(&path, r#"{"format": 999, "enscore": "99.0.0"}"#).unwrap();
    assert_eq!(RunFolder::open(folder.path()).unwrap_err().reason, Reason::Newer);
    std::fs::write(&path, "{").unwrap();
    let error = RunFolder::open(folder.path()).unwrap_err();
    assert_eq!(error.reason, Reason::Damaged);
    assert!(error.source().is_some_and(|source| source.is::<serde_json::Error>()), "{error}");
}

#[test]
fn a_stopped_training_is_interrupted_by_the_signal_that_stopped_it() {
    let folder = Folder::new();
    let request = Request { run: folder.path("run"), resume: false, until: None };
    let stop = || Some(15);
    let error = train(&folder.settings("dsm-mlp", &[]), &request, &stop, &mut Silent).unwrap_err();
    assert_eq!(error.reason, Reason::Interrupted(15), "{error}");
    assert!(!error.reason.is_refusal());
}
