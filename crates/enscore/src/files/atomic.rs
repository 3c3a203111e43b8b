//! Writes files that appear whole or not at all: a temporary file beside, fsync, rename, fsync of the folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Reason, Result};

/// What names of temporary files and folders begin with: one that is found belongs to a write that was cut.
pub const TEMPORARY: &str = ".tmp-";

/// Temporary files of writes that are under way.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of writes that are under way: for a process that ends amid its work. The
/// writes fail, and what stood before them stands.
pub fn remove_unfinished() {
    for path in unfinished().drain(..) {
        // A file that is gone was renamed meanwhile: it is whole.
        let _ = fs::remove_file(path);
    }
}

/// Writes the file at `path` through `write`. A reader sees the old file or the whole new one, after a crash
/// too. A link stays: what it leads to is written.
///
/// # Errors
/// [`Reason::Unwritable`] naming the path and the system's reason (no space left, no permission); the old
/// file stands.
pub fn write_atomically<F>(path: &Path, write: F) -> Result<()>
where
    F: FnOnce(&mut dyn Write) -> io::Result<()>,
{
    let path = &end_of_links(path);
    let (temporary, file) = create_beside(path).map_err(|reason| cannot("write", path, reason))?;
    unfinished().push(temporary.clone());
    let written = fill(file, write).and_then(|()| fs::rename(&temporary, path));
    unfinished().retain(|other| *other != temporary);
    if let Err(reason) = written {
        // What counts is the first failure; a temporary file that can't be removed either harms nobody.
        let _ = fs::remove_file(&temporary);
        return Err(cannot("write", path, reason));
    }
    sync_folder(folder_of(path))
}

/// [`write_atomically`] of bytes that are at hand.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_bytes_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically(path, |writer| writer.write_all(bytes))
}

/// Writes and fsyncs a new file inside a folder that is itself renamed later.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = File::create_new(path).map_err(|reason| cannot("write", path, reason))?;
    fill(file, |writer| writer.write_all(bytes)).map_err(|reason| cannot("write", path, reason))
}

fn fill<F>(file: File, write: F) -> io::Result<()>
where
    F: FnOnce(&mut dyn Write) -> io::Result<()>,
{
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()
}

/// Links that are followed, at most, as on Linux.
const MOST_LINKS: usize = 40;

/// Where links at `path` lead, whether there is a file or not.
fn end_of_links(path: &Path) -> PathBuf {
    let mut end = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(target) = fs::read_link(&end) else { break };
        end = folder_of(&end).join(target);
    }
    end
}

/// A new file beside `path`, under a name that no other writer has.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    let mut attempt = 0;
    loop {
        let temporary = path.with_file_name(format!("{TEMPORARY}{}-{attempt}-{name}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(reason) if reason.kind() == ErrorKind::AlreadyExists => attempt += 1,
            opened => return opened.map(|file| (temporary, file)),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable. Only Unix can open a folder for that; elsewhere renames are left to
/// the system.
///
/// # Errors
/// [`Reason::Unwritable`] naming the folder and the system's reason.
pub fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|file| file.sync_all());
        synced.map_err(|reason| cannot("write", folder, reason))?;
    }
    Ok(())
}

/// The failure of `verb`, which writes to `path`, with the system's error.
pub(crate) fn cannot(verb: &str, path: &Path, error: io::Error) -> Error {
    system_error(Reason::Unwritable, verb, path, error)
}

/// The failure of `verb`, which reads what the user named, with the system's error.
pub(crate) fn unreadable(verb: &str, path: &Path, error: io::Error) -> Error {
    system_error(Reason::Unreadable, verb, path, error)
}

/// The failure of `verb` on `path`, with the system's error.
pub(crate) fn system_error(reason: Reason, verb: &str, path: &Path, error: io::Error) -> Error {
    let kind = error.kind();
    let error = Error::new(reason, format!("can't {verb}")).at(path.display()).found_error(error);
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => error.remedy("free some space"),
        ErrorKind::PermissionDenied if reason != Reason::Unwritable => {
            error.remedy("ask for the right to read it")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            error.remedy("choose a folder that you can write to")
        }
        ErrorKind::FileTooLarge => error.remedy("raise the limit of a file's size (ulimit -f)"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_bytes_atomically(&path, b"old").unwrap();
        let error = write_atomically(&path, |writer| {
            writer.write_all(b"ne")?;
            Err(ErrorKind::StorageFull.into())
        });
        let error = error.expect_err("failed");
        assert_eq!(error.reason, Reason::Unwritable);
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(
            error.to_string(),
            format!("can't write: {}: found no storage space; free some space", path.display())
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write_bytes_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_temporary_name_that_is_taken_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let taken = folder.path().join(format!("{TEMPORARY}{}-0-a", std::process::id()));
        fs::write(&taken, b"theirs").unwrap();
        write_bytes_atomically(&path, b"mine").unwrap();
        assert_eq!(fs::read(&taken).unwrap(), b"theirs");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn missing_folders_and_folders_in_the_way_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no").join("a");
        let message = write_bytes_atomically(&missing, b"").expect_err("no folder").to_string();
        assert!(message.starts_with(&format!("can't write: {}: found ", missing.display())), "{message}");
        assert!(write_bytes_atomically(folder.path(), b"").is_err());
        assert!(write_bytes_atomically(Path::new("/"), b"").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("far")).unwrap();
        fs::write(at("far/file"), b"old").unwrap();
        symlink("far/file", at("middle")).unwrap();
        symlink(at("middle"), at("link")).unwrap();
        symlink("new", at("dangling")).unwrap();
        write_bytes_atomically(&at("link"), b"through").unwrap();
        write_bytes_atomically(&at("dangling"), b"made").unwrap();
        assert_eq!(fs::read(at("far/file")).unwrap(), b"through");
        assert_eq!(fs::read(at("new")).unwrap(), b"made");
        assert!(["middle", "link", "dangling"].iter().all(|name| at(name).is_symlink()));
        symlink("round", at("round")).unwrap();
        write_bytes_atomically(&at("round"), b"x").unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_a_failed_run() {
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let reason = full.write_all(b"x").expect_err("full");
        let error = cannot("write", Path::new("a"), reason);
        assert_eq!(error.to_string(), "can't write: a: found No space left on device; free some space");
    }
}
