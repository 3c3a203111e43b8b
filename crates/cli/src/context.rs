//! What every command is given besides its own arguments: threads, signals, how much is said.

use enscore::memory::MemoryLimit;
use enscore::{Error, Result};

use crate::signals::Signals;

/// Bytes of a thread's stack.
pub(crate) const STACK: usize = 8 << 20;

/// What every command is given besides its own arguments.
pub(crate) struct Context {
    /// Whether messages are printed where stderr is no terminal, too.
    pub(crate) verbose: bool,
    /// Whether progress and messages are left out.
    pub(crate) quiet: bool,
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
        let remedy = "ask for fewer --threads";
        // The work itself runs on a thread of the pool, so its stack is as large as a main thread's.
        if let Some(limit) = MemoryLimit::address_space() {
            let stacks = threads as f64 * STACK as f64;
            let refused = limit.refuse_beyond("the threads need", &format!("--threads {threads}"), stacks);
            refused.map_err(|error| error.remedy(remedy))?;
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build();
        pool.map_err(|reason| Error::run("the threads can't be started").found_error(reason).remedy(remedy))?
            .install(work)
    }
}
