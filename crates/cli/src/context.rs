//! What every command is given besides its own arguments: threads, signals, how much is said.

use enscore::{Error, Result};

use crate::signals::Signals;

/// What every command is given besides its own arguments.
pub(crate) struct Context {
    /// Whether messages are printed where stderr is no terminal, too.
    pub(crate) verbose: bool,
    /// Threads asked for on the command line.
    pub(crate) threads: Option<usize>,
    /// What the user wants stopped.
    pub(crate) signals: Signals,
}

impl Context {
    /// Runs `work` on as many threads as were asked for, else as `setting` says; 0 for one per core.
    pub(crate) fn on_threads<T: Send>(
        &self,
        setting: usize,
        work: impl FnOnce() -> Result<T> + Send,
    ) -> Result<T> {
        let threads = self.threads.unwrap_or(setting);
        // The work itself runs on a thread of the pool, so its stack is as large as a main thread's.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(8 << 20).build();
        pool.map_err(|reason| {
            Error::run("the threads can't be started").found_error(reason).remedy("ask for fewer --threads")
        })?
        .install(work)
    }
}
