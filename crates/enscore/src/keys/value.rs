//! The types of settings: how each is taken from a TOML value, what is expected of it, and how it is written.

use std::fmt;
use std::ops::{Bound, RangeBounds};

use crate::text::counted;

/// A value as typed, before it is checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    /// A kind that no setting has, in words.
    Other(&'static str),
}

impl fmt::Display for Value {
    /// The value and, in words, its kind.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(f, "{value} (a boolean)"),
            Value::Integer(value) => write!(f, "{value} (an integer)"),
            Value::Float(value) => write!(f, "{value:?} (a number)"),
            Value::Text(value) => write!(f, "{value:?} (a string)"),
            Value::List(items) => write!(f, "a list of {}", counted(items.len(), "item", "items")),
            Value::Other(kind) => f.write_str(kind),
        }
    }
}

/// A checked value; an error says what was found where that is more exact than the whole value.
pub(crate) type Taken<T> = Result<T, Option<String>>;

/// A type that settings have.
pub(crate) trait Setting: Sized {
    /// What narrows the type: a range, or nothing.
    type Rule;
    /// Checks a value.
    fn take(value: &Value, rule: &Self::Rule) -> Taken<Self>;
    /// What is expected, in words.
    fn expected(rule: &Self::Rule) -> String;
    /// The value as TOML that reads back to the same bits.
    fn text(&self) -> String;
}

/// The numbers that a setting may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range<T>(Bound<T>, Bound<T>);

/// low <= x.
pub(crate) const fn at_least<T: Copy>(low: T) -> Range<T> {
    Range(Bound::Included(low), Bound::Unbounded)
}

/// low < x.
pub(crate) const fn above<T: Copy>(low: T) -> Range<T> {
    Range(Bound::Excluded(low), Bound::Unbounded)
}

/// low <= x <= high.
pub(crate) const fn within<T: Copy>(low: T, high: T) -> Range<T> {
    Range(Bound::Included(low), Bound::Included(high))
}

/// low <= x < high.
pub(crate) const fn from_to_below<T: Copy>(low: T, high: T) -> Range<T> {
    Range(Bound::Included(low), Bound::Excluded(high))
}

/// The largest step sizes of samplers, in (squared) units of the scaled data: what is larger is a slip, which
/// would otherwise show in samples alone.
pub(crate) const LARGEST_STEP: f64 = 1e6;

impl Range<f64> {
    /// Whether single precision, in which programs compute, tells the number from the ends that the range
    /// leaves out.
    fn has_in_single_precision(&self, number: f64) -> bool {
        let single = number as f32;
        let excluded = |end: Bound<f64>| matches!(end, Bound::Excluded(end) if f64::from(single) == end);
        (number == 0.0 || single.is_normal()) && !excluded(self.0) && !excluded(self.1)
    }
}

impl<T: PartialOrd> Range<T> {
    fn has(&self, value: &T) -> bool {
        (self.0.as_ref(), self.1.as_ref()).contains(value)
    }
}

impl<T: fmt::Display + PartialEq> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (&self.0, &self.1) {
            (Bound::Included(low), Bound::Included(high)) if low == high => write!(f, "{low}"),
            (Bound::Included(low), Bound::Included(high)) => write!(f, "{low} to {high}"),
            (Bound::Included(low), Bound::Excluded(high)) => write!(f, "at least {low} and below {high}"),
            (Bound::Included(low), Bound::Unbounded) => write!(f, "at least {low}"),
            (Bound::Excluded(low), _) => write!(f, "above {low}"),
            (Bound::Unbounded, _) => Ok(()),
        }
    }
}

impl Setting for bool {
    type Rule = ();

    fn take(value: &Value, (): &()) -> Taken<Self> {
        if let Value::Bool(value) = value { Ok(*value) } else { Err(None) }
    }

    fn expected((): &()) -> String {
        "true or false".to_string()
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    type Rule = ();

    fn take(value: &Value, (): &()) -> Taken<Self> {
        if let Value::Text(value) = value { Ok(value.clone()) } else { Err(None) }
    }

    fn expected((): &()) -> String {
        "a string".to_string()
    }

    fn text(&self) -> String {
        toml::Value::String(self.clone()).to_string()
    }
}

impl Setting for f64 {
    type Rule = Range<f64>;

    fn take(value: &Value, rule: &Range<f64>) -> Taken<Self> {
        let number = match value {
            Value::Float(number) => *number,
            Value::Integer(number) => *number as f64,
            _ => return Err(None),
        };
        if !number.is_finite() || !rule.has(&number) {
            return Err(None);
        }
        if !rule.has_in_single_precision(number) {
            let single = number as f32;
            return Err(Some(format!("{number:?}, in single precision {single:?}")));
        }
        Ok(number)
    }

    fn expected(rule: &Range<f64>) -> String {
        format!("a number, {rule}")
    }

    fn text(&self) -> String {
        format!("{self:?}")
    }
}

macro_rules! integer {
    ($kind:ty) => {
        impl Setting for $kind {
            type Rule = Range<i64>;

            fn take(value: &Value, rule: &Range<i64>) -> Taken<Self> {
                match value {
                    Value::Integer(number) if rule.has(number) => {
                        <$kind>::try_from(*number).map_err(|_| None)
                    }
                    _ => Err(None),
                }
            }

            fn expected(rule: &Range<i64>) -> String {
                format!("an integer, {rule}")
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    };
}
integer!(u64);
integer!(usize);

/// A list's items, and how many there may be.
pub(crate) struct ListOf {
    pub items: Range<i64>,
    pub length: Range<usize>,
}

impl Setting for Vec<usize> {
    type Rule = ListOf;

    fn take(value: &Value, rule: &ListOf) -> Taken<Self> {
        match value {
            Value::List(items) if rule.length.has(&items.len()) => items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    usize::take(item, &rule.items).map_err(|_| Some(format!("{item} as item {index}")))
                })
                .collect(),
            _ => Err(None),
        }
    }

    fn expected(rule: &ListOf) -> String {
        format!("a list of {} integers, each {}", rule.length, rule.items)
    }

    fn text(&self) -> String {
        format!("{self:?}")
    }
}

impl Setting for Vec<String> {
    type Rule = ();

    fn take(value: &Value, (): &()) -> Taken<Self> {
        let Value::List(items) = value else { return Err(None) };
        let word = |(index, item): (usize, &Value)| match item {
            Value::Text(word) => Ok(word.clone()),
            item => Err(Some(format!("{item} as item {index}"))),
        };
        items.iter().enumerate().map(word).collect()
    }

    fn expected((): &()) -> String {
        "a list of strings".to_string()
    }

    fn text(&self) -> String {
        toml::Value::Array(self.iter().map(|word| toml::Value::String(word.clone())).collect()).to_string()
    }
}

/// Declares a setting that is one of a few words.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$about])* $variant,)* }

        impl $name {
            /// The word for it in settings.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl $crate::keys::Setting for $name {
            type Rule = ();

            fn take(value: &$crate::keys::Value, (): &()) -> $crate::keys::Taken<Self> {
                match value {
                    $($crate::keys::Value::Text(word) if word == $text => Ok($name::$variant),)*
                    _ => Err(None),
                }
            }

            fn expected((): &()) -> String {
                [$(concat!("\"", $text, "\"")),*].join(" or ")
            }

            fn text(&self) -> String {
                format!("{:?}", self.name())
            }
        }
    };
}
pub(crate) use choice;
