//! Where a run may be: what a new one refuses, what a crash left, and the lock that one process holds.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use crate::files::{self, Lock, TEMPORARY, cannot, system_error, unreadable};
use crate::{Error, Reason, Result};

pub(super) const SETTINGS: &str = "settings.toml";
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const LOCK: &str = "lock";
pub(super) const CHECKPOINTS: &str = "checkpoints";
pub(super) const SAMPLES: &str = "samples";

/// Files that a desktop or a version control leaves in folders that are empty for their users.
const STRAY: [&str; 7] =
    [".DS_Store", ".gitkeep", ".gitignore", ".keep", ".directory", "Thumbs.db", "desktop.ini"];

/// Whether a file of this name says nothing about the folder: one of those above, or a fork that macOS puts
/// beside a file.
fn is_stray(name: &str) -> bool {
    STRAY.contains(&name) || name.starts_with("._")
}

/// The names in a folder; none where it doesn't exist.
pub(super) fn names_in(folder: &Path) -> Result<Vec<String>> {
    let failed = |error| system_error(Reason::Failed, "read the folder", folder, error);
    let entries = match fs::read_dir(folder) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(failed)
    };
    entries.map(name).collect()
}

/// Refuses a place where a run can't be created.
pub(super) fn refuse_occupied(path: &Path) -> Result<()> {
    let error = |what: &str| Error::input(what).at(path.display());
    match fs::metadata(path) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(()),
        Err(reason) => return Err(unreadable("read the folder", path, reason)),
        Ok(data) if !data.is_dir() => {
            return Err(error("not a folder").expected("a new folder").remedy("choose another folder"));
        }
        Ok(_) => {}
    }
    if path.join(MANIFEST).exists() {
        return Err(error("a run is already there").remedy("resume it, or choose another folder"));
    }
    for name in names_in(path)? {
        let ours = match name.as_str() {
            LOCK | SETTINGS => true,
            CHECKPOINTS | SAMPLES => {
                names_in(&path.join(&name)).is_ok_and(|names| names.iter().all(|name| is_stray(name)))
            }
            _ => name.starts_with(TEMPORARY) || is_stray(&name),
        };
        if !ours {
            let error = error("the folder isn't empty").found(name).expected("a new or empty folder");
            return Err(error.remedy("choose another folder"));
        }
    }
    Ok(())
}

/// What to do where there is no run.
pub(super) fn remedy(path: &Path) -> &'static str {
    if path.join(SETTINGS).is_file() {
        "if a training ended here before its first state, start it again in this folder"
    } else {
        "give a folder written by enscore train"
    }
}

/// Removes what cut writes left in a folder. Only the process that holds the lock may.
pub(super) fn clean(folder: &Path) -> Result<()> {
    for name in names_in(folder)?.iter().filter(|name| name.starts_with(TEMPORARY)) {
        let path = folder.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|reason| cannot("remove", &path, reason))?;
    }
    Ok(())
}

/// Takes the lock of the run at `path`; the system frees it when the process ends, however it ends.
pub(super) fn lock(path: &Path) -> Result<File> {
    let process = match files::lock(&path.join(LOCK))? {
        Lock::Ours(file) => return Ok(file),
        Lock::Theirs(process) => process,
    };
    let error = Error::input("another process is training this run").at(path.display());
    let error = error.remedy("wait for it to finish, or choose another folder");
    Err(if process.is_empty() { error } else { error.found(process) })
}
