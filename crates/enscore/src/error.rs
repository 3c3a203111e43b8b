//! The one error type: what went wrong, where, what was found, what was expected, and the remedy.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use enscore_program::executor::ExecutorError;

/// Why something failed, for callers that can recover from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A wrong call, setting or input.
    Input,
    /// A file or folder is missing or can't be opened.
    Unreadable,
    /// A file is cut, damaged or in another format than expected.
    Damaged,
    /// A newer version of enscore wrote the file.
    Newer,
    /// The data has no test split.
    NoTestSplit,
    /// The shape of an array differs from the expected one.
    Shape,
    /// The executor can't run the program.
    Executor,
    /// A file or folder can't be written: no space, no permission.
    Unwritable,
    /// A training or a sampler left the finite numbers and could not be brought back.
    Diverged,
    /// This signal stopped the run. A training wrote a checkpoint first.
    Interrupted(i32),
    /// The run failed for another reason.
    Failed,
}

impl Reason {
    /// Whether the call or what it was given was refused: nothing ran, nothing was written.
    pub fn is_refusal(self) -> bool {
        match self {
            Reason::Input
            | Reason::Unreadable
            | Reason::Damaged
            | Reason::Newer
            | Reason::NoTestSplit
            | Reason::Shape
            | Reason::Executor => true,
            Reason::Unwritable | Reason::Diverged | Reason::Interrupted(_) | Reason::Failed => false,
        }
    }
}

/// An error as one line: `what: place: found X, expected Y; remedy`. Parts that don't apply are empty.
///
/// [`Error::reason`] tells callers what they can recover from; [`StdError::source`] has the error beneath,
/// where there is one, e.g. of the file system.
///
/// ```
/// use enscore::data::{Split, load};
/// use enscore::Reason;
///
/// let error = load("no-such-file.npy", Split::Train).unwrap_err();
/// assert_eq!(error.reason, Reason::Unreadable);
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    /// Why it failed.
    pub reason: Reason,
    /// What is wrong, in a few words.
    pub what: String,
    /// File, line, byte, row, column, key: as exact as is known.
    pub place: String,
    /// What was found there.
    pub found: String,
    /// What would have been right.
    pub expected: String,
    /// What the user can do.
    pub remedy: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of which only the reason and what is wrong are known yet.
    pub fn new(reason: Reason, what: impl fmt::Display) -> Self {
        let [place, found, expected, remedy] = Default::default();
        Error { reason, what: what.to_string(), place, found, expected, remedy, source: None }
    }

    /// A wrong call or wrong input: [`Reason::Input`].
    pub fn input(what: impl fmt::Display) -> Self {
        Error::new(Reason::Input, what)
    }

    /// A run that failed: [`Reason::Failed`].
    pub fn run(what: impl fmt::Display) -> Self {
        Error::new(Reason::Failed, what)
    }

    /// A run stopped by a signal: [`Reason::Interrupted`].
    pub fn interrupted(signal: i32, what: impl fmt::Display) -> Self {
        Error::new(Reason::Interrupted(signal), what)
    }

    /// Adds where it is.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = place.to_string();
        self
    }

    /// Adds what was found.
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = found.to_string();
        self
    }

    /// Adds the error beneath, both as what was found and as its source.
    pub fn found_error(self, error: impl StdError + Send + Sync + 'static) -> Self {
        let text = match (&error as &dyn StdError).downcast_ref::<io::Error>() {
            Some(error) => of_system(error),
            None => error.to_string(),
        };
        self.found(text).caused_by(error)
    }

    /// Adds the error beneath as its source, where the text says it already.
    pub fn caused_by(mut self, error: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(error));
        self
    }

    /// Adds what was expected.
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.expected = expected.to_string();
        self
    }

    /// Adds what the user can do.
    pub fn remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.remedy = remedy.to_string();
        self
    }

    /// Puts what was being done in front of what is wrong: `context: what`.
    pub fn within(mut self, context: impl fmt::Display) -> Self {
        self.what = format!("{context}: {}", self.what);
        self
    }
}

/// What the file system says, without its number.
fn of_system(error: &io::Error) -> String {
    let text = error.to_string();
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_string(),
        io::ErrorKind::IsADirectory => "a folder".to_string(),
        _ => text.split(" (os error").next().unwrap_or_default().to_string(),
    }
}

/// Equal reasons and equal texts; sources are not compared.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        let texts = |error: &Error| {
            [&error.what, &error.place, &error.found, &error.expected, &error.remedy].map(String::clone)
        };
        self.reason == other.reason && texts(self) == texts(other)
    }
}

impl Eq for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let one_line = |text: &str| text.replace(['\n', '\r'], " ");
        write!(f, "{}", one_line(&self.what))?;
        if !self.place.is_empty() {
            write!(f, ": {}", one_line(&self.place))?;
        }
        if !self.found.is_empty() {
            write!(f, ": found {}", one_line(&self.found))?;
        }
        if !self.expected.is_empty() {
            let gap = if self.found.is_empty() { ":" } else { "," };
            write!(f, "{gap} expected {}", one_line(&self.expected))?;
        }
        if !self.remedy.is_empty() {
            write!(f, "; {}", one_line(&self.remedy))?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<ExecutorError> for Error {
    fn from(refused: ExecutorError) -> Self {
        let error = Error::new(Reason::Executor, "the executor can't run this program");
        let memory = refused.0.contains("bytes of memory");
        let remedy = if memory { "use a smaller batch or network" } else { "" };
        error.found_error(refused).remedy(remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system_error() -> std::io::Error {
        std::io::ErrorKind::PermissionDenied.into()
    }

    #[test]
    fn the_source_is_the_error_beneath_and_leaves_the_text_alone() {
        let error = Error::input("can't read").at("a.toml").found_error(system_error());
        assert_eq!(error.to_string(), "can't read: a.toml: found permission denied");
        let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
        assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::PermissionDenied));
        let missing = io::Error::from_raw_os_error(2);
        assert_eq!(Error::input("a").found_error(missing).to_string(), "a: found no such file or folder");
        let error = Error::input("cannot be read").caused_by(system_error());
        assert_eq!(error.to_string(), "cannot be read");
        assert!(error.source().is_some());
        assert!(Error::input("cannot be read").source().is_none());
    }

    #[test]
    fn every_part_appears_once_and_on_one_line() {
        let error = Error::run("a\nb").at("c").found("d").expected("e").remedy("f");
        assert_eq!(error.to_string(), "a b: c: found d, expected e; f");
        assert_eq!(Error::run("a").expected("e").to_string(), "a: expected e");
        assert_eq!(Error::run("a").found("d").remedy("f").within("g").to_string(), "g: a: found d; f");
    }

    #[test]
    fn errors_are_equal_by_reason_and_text() {
        let error = Error::new(Reason::Newer, "a").found("b");
        assert_eq!(error, Error::new(Reason::Newer, "a").found("b").caused_by(system_error()));
        assert_ne!(error, Error::new(Reason::Damaged, "a").found("b"));
        assert_ne!(error, Error::new(Reason::Newer, "a").found("c"));
    }
}
