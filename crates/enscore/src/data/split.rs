//! The two parts that a data set may come in.

use crate::error::{Error, Reason};

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// The part to learn from.
    Train,
    /// The part to evaluate on.
    Test,
}

impl Split {
    pub(super) fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

/// The refusal of a part that isn't there.
pub(super) fn no_split(split: Split) -> Error {
    match split {
        Split::Train => Error::input("there is no train split"),
        Split::Test => Error::new(Reason::NoTestSplit, "there is no test split"),
    }
}
