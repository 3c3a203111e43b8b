//! A trained model for use elsewhere: a description of all that the use of its arrays takes, and ONNX.

mod description;
pub mod onnx;

pub use description::{ArrayFile, DESCRIPTION, describe};
