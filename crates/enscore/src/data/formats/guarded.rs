//! Keeps panics of other crates' readers, which files made to break them may cause, from ending the program.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Mutex;

use crate::error::{Error, Reason, Result};

/// The hook of panics belongs to the process: one reader at a time changes it.
static HOOK: Mutex<()> = Mutex::new(());

/// What `read` gives; a panic in it is an error about a damaged file, and nothing is printed.
pub(super) fn guarded<T>(what: &str, place: &str, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let lock = HOOK.lock();
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(read));
    set_hook(hook);
    drop(lock);
    outcome.unwrap_or_else(|_| {
        Err(Error::new(Reason::Damaged, format!("a damaged {what}"))
            .at(place)
            .remedy("get a fresh copy of the file"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let error = guarded::<()>("box", "t", || panic!("inside")).unwrap_err();
        assert!(error.to_string().starts_with("a damaged box: t"), "{error}");
        assert_eq!(guarded("box", "t", || Ok(3)).unwrap(), 3);
    }
}
