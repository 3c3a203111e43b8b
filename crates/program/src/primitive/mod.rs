//! The primitives by family. Side by side for each: shape rule, f64 reference, JVP rule, transpose rule.

pub(crate) mod arithmetic;
pub(crate) mod carry;
pub(crate) mod conv;
pub(crate) mod gather;
pub(crate) mod layout;
pub(crate) mod linalg;
pub(crate) mod matmul;
pub(crate) mod random;
pub(crate) mod reduce;
pub(crate) mod source;

/// Why an application is refused, or the kind of its value.
pub(crate) type Checked = Result<crate::Kind, String>;

/// Refuses unless `condition`, with the reason.
pub(crate) fn require(condition: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(reason()) }
}
