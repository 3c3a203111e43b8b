//! Programs of a few primitives over symbolic variables, their derivatives, and a reference interpreter.

pub mod random;
