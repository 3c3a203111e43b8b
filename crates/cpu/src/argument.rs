//! What a program is compiled with and run on: options, arguments, and the refusal of either.

use std::fmt;

use enscore_program::random::Key;

use crate::conv::Algorithm;
use crate::matmul::Products;
use crate::simd::Path;

/// Choices that a program is compiled with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How convolutions are computed.
    pub conv: Algorithm,
    /// The instructions used.
    pub path: Path,
    /// How matrix products of single precision numbers are computed.
    pub products: Products,
}

impl Default for Options {
    fn default() -> Self {
        Options { conv: Algorithm::Auto, path: Path::current(), products: Products::Single }
    }
}

/// A program that can't be compiled or inputs that don't fit: what, found, expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorError(pub String);

impl fmt::Display for ExecutorError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ExecutorError {}

/// A value passed to a program.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'a, T> {
    /// Real numbers, row-major. Truth values are passed as 0 and 1.
    Float(&'a [T]),
    /// Indices, counted from 0.
    Index(&'a [i32]),
    /// The key of random draws.
    Key(Key),
}
