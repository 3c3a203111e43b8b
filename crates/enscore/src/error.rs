//! The one error type: what went wrong, where, what was found, what was expected, and the remedy.

use std::fmt;

use enscore_program::executor::ExecutorError;

/// Which exit code an error leads to, and whether anything ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A wrong call or wrong input: nothing ran, nothing was written. Exit code 2.
    Input,
    /// The run failed: diverged, disk full. Exit code 1.
    Run,
    /// Stopped by this signal; a checkpoint was written. Exit code 128 + signal.
    Interrupted(i32),
}

/// An error as one line: `what: place: found X, expected Y; remedy`. Parts that don't apply are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Which exit code it leads to.
    pub kind: ErrorKind,
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
}

/// A result with this crate's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    fn new(kind: ErrorKind, what: impl fmt::Display) -> Self {
        let [place, found, expected, remedy] = Default::default();
        Error { kind, what: what.to_string(), place, found, expected, remedy }
    }

    /// A wrong call or wrong input.
    pub fn input(what: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Input, what)
    }

    /// A run that failed.
    pub fn run(what: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Run, what)
    }

    /// A run stopped by a signal, with its state saved.
    pub fn interrupted(signal: i32, what: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Interrupted(signal), what)
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

    /// The process's exit code for it.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::Input => 2,
            ErrorKind::Run => 1,
            ErrorKind::Interrupted(signal) => (128 + signal) as u8,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let one_line = |text: &str| text.replace(['\n', '\r'], " ");
        write!(f, "{}", one_line(&self.what))?;
        if !self.place.is_empty() {
            write!(f, ": {}", one_line(&self.place))?;
        }
        match (self.found.is_empty(), self.expected.is_empty()) {
            (false, false) => {
                write!(f, ": found {}, expected {}", one_line(&self.found), one_line(&self.expected))?
            }
            (false, true) => write!(f, ": found {}", one_line(&self.found))?,
            (true, false) => write!(f, ": expected {}", one_line(&self.expected))?,
            (true, true) => {}
        }
        if !self.remedy.is_empty() {
            write!(f, "; {}", one_line(&self.remedy))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<ExecutorError> for Error {
    fn from(refused: ExecutorError) -> Self {
        Error::input("the executor can't run this program").found(refused)
    }
}
