//! The two parts that a data set may come in.

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

/// What the refusal of a test split that isn't there says: what makes [`load_test`](super::load_test) return
/// none.
pub(super) const NO_TEST_SPLIT: &str = "there is no test split";
