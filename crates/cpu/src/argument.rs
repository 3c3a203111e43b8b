//! What a program is compiled with and run on: options and arguments.

use enscore_program::random::Key;

use crate::conv::Algorithm;
use crate::matmul::Products;
use crate::simd::Instructions;

/// Choices that a program is compiled with.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How convolutions are computed.
    pub conv: Algorithm,
    /// The instructions used.
    pub path: Instructions,
    /// How matrix products of single precision numbers are computed.
    pub products: Products,
}

impl Default for Options {
    fn default() -> Self {
        Options { conv: Algorithm::Auto, path: Instructions::current(), products: Products::Single }
    }
}

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
