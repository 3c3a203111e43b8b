//! Files that appear whole or not at all, locks that end with their process, and the hash that tells contents
//! apart.

mod atomic;
pub(crate) mod half;
mod hash;
mod lock;
mod seal;

pub use atomic::{TEMPORARY, remove_unfinished, sync_folder, write_atomically, write_bytes_atomically};
pub(crate) use atomic::{cannot, system_error, unreadable, write_synced};
pub(crate) use hash::Sha256Hex;
pub use hash::sha256;
pub(crate) use lock::{Lock, lock};
pub(crate) use seal::{check_json, check_text, sealed_json, sealed_text};
