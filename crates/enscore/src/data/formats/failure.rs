//! The errors that readers share.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::{Error, Reason};

/// The error for a file or folder that can't be read.
pub(in crate::data) fn cannot_read(path: &Path, error: io::Error) -> Error {
    let what = match error.kind() {
        ErrorKind::NotFound => "no such file or folder".to_string(),
        _ => format!("cannot be read ({error})"),
    };
    Error::new(Reason::Unreadable, what)
        .at(path.display())
        .remedy("check the path and its permissions")
        .caused_by(error)
}

/// The error for a stream that fails at `position`.
pub(in crate::data) fn damaged(place: &str, position: u64, error: io::Error) -> Error {
    let what = match error.kind() {
        ErrorKind::UnexpectedEof => "a truncated compressed file".to_string(),
        _ => format!("cannot be read ({error})"),
    };
    Error::new(Reason::Damaged, what)
        .at(format!("{place}, byte {position} of its content"))
        .remedy("get a fresh copy of the file")
        .caused_by(error)
}

/// The error for an allocation that the system refuses.
pub(in crate::data) fn no_memory(place: &str, bytes: u64) -> Error {
    Error::input("not enough memory")
        .at(place)
        .found(format!("{bytes} bytes of data"))
        .remedy("use a machine with more memory, or part of the data")
}

/// Text from a file, fit for one line of an error.
pub(in crate::data) fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push_str("...");
    }
    format!("'{shown}'")
}
