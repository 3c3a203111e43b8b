//! SIGINT and SIGTERM: the first asks for an end with a checkpoint, a second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use enscore::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that came, if one did.
#[derive(Clone, Debug)]
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// Watches for signals from now on.
    pub(crate) fn watch() -> Result<Signals> {
        let came = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order the first signal finds `again` unset, and sets it.
            flag::register_conditional_shutdown(signal, 128 + signal, again.clone())
                .and_then(|_| flag::register(signal, again.clone()))
                .and_then(|_| flag::register_usize(signal, came.clone(), signal.unsigned_abs() as usize))
                .map_err(|reason| Error::run("can't handle signals").found_error(reason))?;
        }
        Ok(Signals(came))
    }

    /// The number of the signal that came.
    pub(crate) fn came(&self) -> Option<i32> {
        i32::try_from(self.0.load(Ordering::Relaxed)).ok().filter(|signal| *signal != 0)
    }

    /// Ends `what` with an error if a signal came.
    pub(crate) fn check(&self, what: &str) -> Result<()> {
        match self.came() {
            Some(signal) => Err(Error::interrupted(signal, format!("{what} was interrupted"))),
            None => Ok(()),
        }
    }
}
