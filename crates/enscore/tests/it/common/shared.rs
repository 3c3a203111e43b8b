//! Data that lies outside the project, in `shared/data` beside it or above it. A test without its data says
//! that it skips; on a machine for continuous integration that has the folder, what is missing from it is a
//! failure.

use std::io::Write;
use std::path::{Path, PathBuf};

/// What follows from whether data is there.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Use,
    Skip,
    Fail,
}

fn verdict(found: bool, on_ci: bool, folder: bool) -> Verdict {
    match (found, on_ci && folder) {
        (true, _) => Verdict::Use,
        (false, true) => Verdict::Fail,
        (false, false) => Verdict::Skip,
    }
}

/// The path of a file or folder of the shared data; none, said aloud, where it is missing.
pub fn shared(name: &str) -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let folder = above.map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir());
    let path = folder.as_ref().map(|folder| folder.join(name)).filter(|path| path.exists());
    match verdict(path.is_some(), std::env::var_os("CI").is_some(), folder.is_some()) {
        Verdict::Use => {}
        Verdict::Skip => say(&format!("skipped: shared/data/{name} is missing")),
        Verdict::Fail => panic!("shared/data/{name} is missing, though CI is set and shared/data is there"),
    }
    path
}

/// The bytes of a file of the shared data.
pub fn shared_data(name: &str) -> Option<Vec<u8>> {
    shared(name).map(|path| std::fs::read(path).unwrap())
}

/// Says something of a test that passes: libtest keeps to itself what `println!` and `eprintln!` say.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[test]
fn missing_data_is_skipped_but_for_where_it_is_expected() {
    assert_eq!(verdict(true, true, true), Verdict::Use);
    assert_eq!(verdict(false, false, true), Verdict::Skip);
    assert_eq!(verdict(false, true, false), Verdict::Skip);
    assert_eq!(verdict(false, true, true), Verdict::Fail);
}
