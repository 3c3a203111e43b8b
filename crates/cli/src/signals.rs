//! Signals that ask for an end: SIGINT, SIGTERM, SIGHUP. Every command ends within about a second of the
//! first one, whatever it is doing; a second one ends it at once.
//!
//! What has no state to keep is ended from the thread that waits for signals: files are renamed into place,
//! so none is cut. A training sees the signal between two updates and writes a checkpoint; where it is amid
//! something longer, the state that it gave away before that is written instead.

use std::fs;
use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use enscore::train::LastState;
use enscore::{Error, Result};
use signal_hook::consts::{SIGABRT, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals as Arrivals;
use signal_hook::low_level::exit;

/// How long a training has to come to the end of an update.
const GRACE: Duration = Duration::from_millis(600);
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(5);
/// The stack of a thread that writes a checkpoint.
const STACK: usize = 1 << 20;

/// The signal that came, if one did.
#[derive(Clone)]
pub(crate) struct Signals(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// The number of the first signal; 0 before.
    came: AtomicI32,
    /// Whether a training saw it: it writes its checkpoint and ends by itself.
    seen: AtomicBool,
    /// Whether a training writes a checkpoint.
    saving: AtomicBool,
    work: Mutex<Work>,
}

/// What would be interrupted.
#[derive(Default)]
struct Work {
    what: String,
    training: bool,
    /// The training's last state, which has no checkpoint.
    state: Option<LastState>,
}

impl Signals {
    /// Watches for signals from now on; `what` is the command that they interrupt.
    pub(crate) fn watch(what: &str) -> Result<Signals> {
        let refused = |reason: std::io::Error| Error::run("can't handle signals").found_error(reason);
        let shared = Arc::new(Shared::default());
        // A file that would grow beyond the limit of its size is then refused to the writer, who says so.
        let mut wanted = vec![SIGINT, SIGTERM, SIGXFSZ];
        if !is_ignored(SIGHUP) {
            wanted.push(SIGHUP);
        }
        // An allocation that fails says so and aborts: as an error, not as a crash with a core.
        flag::register_conditional_shutdown(SIGABRT, 1, Arc::new(AtomicBool::new(true))).map_err(refused)?;
        let arrivals = Arrivals::new(wanted).map_err(refused)?;
        let theirs = shared.clone();
        let waiting = Builder::new().name("signals".into()).stack_size(STACK);
        waiting.spawn(move || wait(arrivals, &theirs)).map_err(refused)?;
        let signals = Signals(shared);
        signals.doing(what);
        Ok(signals)
    }

    /// The number of the signal that came: asked by a training, which then keeps its state itself.
    pub(crate) fn came(&self) -> Option<i32> {
        let came = Some(self.0.came.load(Ordering::SeqCst)).filter(|signal| *signal != 0);
        if came.is_some() {
            self.0.seen.store(true, Ordering::SeqCst);
        }
        came
    }

    /// `what` is done from now on.
    pub(crate) fn doing(&self, what: &str) {
        let mut work = self.0.work();
        if work.what != what {
            work.what = what.to_string();
        }
    }

    /// A training runs from now on, or has ended.
    pub(crate) fn training(&self, training: bool) {
        *self.0.work() = Work { what: "training".into(), training, state: None };
    }

    /// A checkpoint is being written from now on, or stands.
    pub(crate) fn saving(&self, now: bool) {
        self.0.saving.store(now, Ordering::SeqCst);
    }

    /// What the training would lose, in place of what it would have lost before.
    pub(crate) fn hold(&self, state: Option<LastState>) {
        self.0.work().state = state;
    }
}

impl Shared {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the process, for this signal.
    fn end(&self, signal: i32) -> ! {
        let work = self.work();
        let error = Error::interrupted(signal, format!("{} was interrupted", work.what));
        say(&match &work.state {
            Some(state) => match state.write() {
                Ok(()) => error
                    .at(format!("after step {}", state.step()))
                    .remedy("a checkpoint was written; add --resume to continue it"),
                Err(reason) => error.at(format!("after step {}", state.step())).found(reason),
            },
            None if work.training => error.remedy("add --resume to continue from the last checkpoint"),
            None => error,
        });
        enscore::files::remove_unfinished();
        exit(128 + signal)
    }

    /// Waits until a training has seen the signal; ends it where it doesn't.
    fn expect_end(&self, signal: i32) {
        let came = Instant::now();
        while came.elapsed() < GRACE || self.saving.load(Ordering::SeqCst) {
            if self.seen.load(Ordering::SeqCst) {
                return;
            }
            sleep(LOOK);
        }
        self.end(signal)
    }
}

/// Waits for signals as long as the process lives.
fn wait(mut arrivals: Arrivals, shared: &Arc<Shared>) {
    for signal in arrivals.forever().filter(|signal| *signal != SIGXFSZ) {
        if shared.came.swap(signal, Ordering::SeqCst) != 0 {
            exit(128 + signal);
        }
        let training = shared.work().training;
        let theirs = shared.clone();
        let waits =
            training && Builder::new().stack_size(STACK).spawn(move || theirs.expect_end(signal)).is_ok();
        if !waits {
            shared.end(signal);
        }
    }
}

/// One line, in place of a bar that may stand there.
fn say(error: &Error) {
    let clear = if stderr().is_terminal() { "\r\x1b[2K" } else { "" };
    // Where stderr is gone, the exit code still tells.
    let _ = writeln!(stderr(), "{clear}enscore: {error}");
}

/// Whether the signal was ignored when the process began, as `nohup` arranges; then it stays so.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
