//! What a figure comes to: pictures, a caption, and numbers beside their truth.

use crate::report::{Figure, measured};

/// A figure as drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// A paragraph: what is seen, and what to look for.
    pub caption: String,
    /// The pictures, each with a line of its own.
    pub figures: Vec<Figure>,
    /// Numbers of the run beside their truth.
    pub numbers: Vec<Number>,
}

/// A number of a live run beside what it should be.
#[derive(Clone, Debug)]
pub struct Number {
    /// What it is, with its unit.
    pub what: String,
    /// What the run gave.
    pub value: f64,
    /// Its standard error, where it is an estimate.
    pub std_err: Option<f64>,
    /// What it should be.
    pub expected: Expected,
}

/// What a number should be.
#[derive(Clone, Debug)]
pub enum Expected {
    /// This, known exactly or to far more digits, up to a tolerance.
    Truth {
        /// The true value.
        value: f64,
        /// How far the number may be from it.
        within: f64,
    },
    /// Less than this: a claim of the lecture.
    Below(f64),
    /// More than this: a claim of the lecture.
    Above(f64),
}

impl Number {
    /// A number beside its true value, from which it may differ by `within`.
    pub fn beside(what: impl Into<String>, value: f64, truth: f64, within: f64) -> Number {
        let expected = Expected::Truth { value: truth, within };
        Number { what: what.into(), value, std_err: None, expected }
    }

    /// A number that the lecture claims is below `bound`.
    pub fn below(what: impl Into<String>, value: f64, bound: f64) -> Number {
        Number { what: what.into(), value, std_err: None, expected: Expected::Below(bound) }
    }

    /// A number that the lecture claims is above `bound`.
    pub fn above(what: impl Into<String>, value: f64, bound: f64) -> Number {
        Number { what: what.into(), value, std_err: None, expected: Expected::Above(bound) }
    }

    /// The same number with its standard error.
    pub fn with_std_err(self, std_err: f64) -> Number {
        Number { std_err: Some(std_err), ..self }
    }

    /// Whether it is what it should be. A number that is not finite never is.
    pub fn holds(&self) -> bool {
        self.value.is_finite()
            && match self.expected {
                Expected::Truth { value, within } => (self.value - value).abs() <= within,
                Expected::Below(bound) => self.value < bound,
                Expected::Above(bound) => self.value > bound,
            }
    }

    /// What the run gave, in text.
    pub fn found(&self) -> String {
        measured(self.value, self.std_err)
    }

    /// What it should be, in text.
    pub fn wanted(&self) -> String {
        match self.expected {
            Expected::Truth { value, within } if within < 1e-6 => measured(value, None),
            Expected::Truth { value, within } => {
                format!("{}, within {}", measured(value, None), measured(within, None))
            }
            Expected::Below(bound) => format!("below {}", measured(bound, None)),
            Expected::Above(bound) => format!("above {}", measured(bound, None)),
        }
    }
}
