//! A file that one process holds at a time; the system frees it when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::atomic::cannot;
use crate::error::Result;

/// What came of asking for a lock.
pub(crate) enum Lock {
    /// It is ours as long as the file is open.
    Ours(File),
    /// Another process has it; what that one wrote into the file, empty where it can't be read.
    Theirs(String),
}

/// Asks for the lock on the file `name`, and writes our process into it.
///
/// # Errors
/// A file that can't be opened, a file system without locks.
pub(crate) fn lock(name: &Path) -> Result<Lock> {
    let failed = |reason| cannot("lock", name, reason);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            // Naming the process helps; where the file can't be read the message does without.
            let _ = file.take(32).read_to_string(&mut process);
            return Ok(Lock::Theirs(process.trim().to_string()));
        }
        Err(TryLockError::Error(reason)) => {
            return Err(failed(reason).remedy("choose a folder on a file system with file locks"));
        }
    }
    let process = format!("process {}\n", std::process::id());
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(process.as_bytes()));
    written.map_err(failed)?;
    Ok(Lock::Ours(file))
}
