//! What a cell of text means: a number, nothing, or words.

use std::borrow::Cow;

/// A cell without the marks and blanks around it that are no ASCII: a byte-order mark, a no-break space.
pub(super) fn stripped(cell: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(cell) {
        Ok(text) => Cow::Borrowed(text),
        // Latin-1 gives every byte a character, the one of its number.
        Err(_) => Cow::Owned(cell.iter().map(|byte| char::from(*byte)).collect()),
    };
    let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(blank)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(blank).to_string()),
    }
}

/// As [`stripped`], with the minus sign of typesetting as the one of programs.
pub(super) fn decoded(cell: &[u8]) -> Cow<'_, str> {
    let text = stripped(cell);
    match text.strip_prefix('\u{2212}') {
        Some(rest) => Cow::Owned(format!("-{rest}")),
        None => text,
    }
}

/// Whether a cell says that there is no value.
pub(super) fn is_missing(text: &str) -> bool {
    const WORDS: [&str; 9] = ["na", "n/a", "<na>", "nan", "null", "none", "missing", "?", "#n/a"];
    text.is_empty() || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// How decimals are written. A table writes all in one way; the first number that has some decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Decimal {
    /// 1234.5
    #[default]
    Point,
    /// 1234,5 and 1.234,5
    Comma,
}

impl Decimal {
    /// The number that a text is, if it is one. Truth values are 1 and 0.
    pub(super) fn number(self, text: &str) -> Option<f64> {
        let number = match self {
            Decimal::Point => point(text),
            Decimal::Comma => comma(text),
        };
        number.or_else(|| truth(text))
    }
}

fn truth(text: &str) -> Option<f64> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") {
        return Some(1.0);
    }
    is("false").then_some(0.0)
}

/// A number with a decimal point. Infinity is one, which no column can hold; not a number is missing.
fn point(text: &str) -> Option<f64> {
    let first = text.as_bytes().first()?;
    let plausible = first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.' | b'i' | b'I');
    plausible.then(|| text.parse().ok()).flatten()
}

fn comma(text: &str) -> Option<f64> {
    let Some((whole, decimals)) = text.split_once(',') else {
        return if has_groups(text) { point(&text.replace('.', "")) } else { point(text) };
    };
    let is_whole = !whole.contains('.') || has_groups(whole);
    let is_number = is_whole && !decimals.contains(['.', ',']);
    is_number.then(|| point(&format!("{}.{decimals}", whole.replace('.', "")))).flatten()
}

/// Whether points group a number's thousands: 1.234 or 12.345.678.
pub(super) fn has_groups(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    let mut groups = digits.split('.');
    let all_digits = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    let leads = groups.next().is_some_and(|first| first.len() <= 3 && all_digits(first));
    leads && digits.contains('.') && groups.all(|group| group.len() == 3 && all_digits(group))
}
