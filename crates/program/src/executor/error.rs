//! What an executor refuses.

use std::fmt;

/// A program that can't be compiled, or values that don't fit it: what, found, expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorError(pub String);

impl fmt::Display for ExecutorError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ExecutorError {}
