//! Write a file whole or not at all: aside, flushed to the disk, then renamed over its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, never a part, also after a
/// power cut. The folder must exist. An earlier file of that name is replaced.
///
/// # Errors
/// A path without a file name or in a missing folder (input), or a write that fails, such as a full disk (run).
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let Some(name) = path.file_name() else {
        return Err(Error::input("not a file name").at(path.display()).remedy("name a file, not a folder"));
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let aside = folder.join(aside_name(&name.to_string_lossy()));
    let written = write_and_rename(&aside, path, bytes).and_then(|()| flush_folder(folder));
    written.map_err(|error| {
        // The temporary file is of no use to anybody; that it can't be removed changes nothing.
        let _ = fs::remove_file(&aside);
        failure(path, &error)
    })
}

/// A name that no other writer uses: the process and a counter are in it.
fn aside_name(name: &str) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    // Short enough for every file system, also where the final name is as long as is allowed.
    let start: String = name.chars().take(40).collect();
    PathBuf::from(format!(".{start}.{}.{count}.part", std::process::id()))
}

fn write_and_rename(aside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(aside, path)
}

/// Makes the rename itself durable. Only Unix can open a folder for that.
fn flush_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn failure(path: &Path, error: &io::Error) -> Error {
    let place = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => Error::input("can't write the file")
            .at(place)
            .found("no such folder")
            .remedy("create the folder first"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory => Error::input("can't write the file")
            .at(place)
            .found(error)
            .remedy("choose a place that you may write to"),
        _ => Error::run("can't write the file").at(place).found(error).remedy("check the disk's free space"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn replaces_the_old_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write_atomically(&path, b"first, longer").unwrap();
        write_atomically(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_no_part_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        assert!(write_atomically(&path, b"x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_wrong_input_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("no/a.png"), b"x").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Input);
        assert!(error.to_string().contains("create the folder"), "{error}");
        assert_eq!(write_atomically(Path::new("/"), b"x").unwrap_err().kind, ErrorKind::Input);
    }
}
