//! Values of options: numbers, refused with the range that they may have.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Reads whole numbers of a range.
pub(crate) fn whole<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync
where
    T: FromStr + Display + PartialOrd + Clone + Send + Sync + 'static,
{
    move |typed| match typed.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("a whole number from {} to {}", range.start(), range.end())),
    }
}

/// Reads a number; what it may be is for its command to say.
pub(crate) fn number(typed: &str) -> Result<f64, String> {
    typed.parse().map_err(|_| "a number".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_within_their_range() {
        let count = whole(1..=9u32);
        assert_eq!((count("1"), count("9")), (Ok(1), Ok(9)));
        for wrong in ["0", "10", "-1", "1.5", "many", ""] {
            assert_eq!(count(wrong), Err("a whole number from 1 to 9".to_string()), "{wrong}");
        }
        assert_eq!(number("-1.5e3"), Ok(-1500.0));
        assert_eq!(number("1,5"), Err("a number".to_string()));
    }
}
