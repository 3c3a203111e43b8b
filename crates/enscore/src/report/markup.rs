//! Text, numbers and tables inside HTML and SVG.

pub(super) use crate::text::number;

/// Text as it may stand in an element or a quoted attribute. Control characters, which XML forbids, become
/// the replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            '\r' => {}
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}')
            }
            _ => out.push(character),
        }
    }
    out
}

/// A table with numbers in all columns but the first; cells are escaped already.
pub(super) fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cell = |(column, text)| {
            let class = if column > 0 { r#" class="n""# } else { "" };
            format!("<{tag}{class}>{text}</{tag}>")
        };
        format!("<tr>{}</tr>\n", cells.enumerate().map(cell).collect::<String>())
    };
    let head = line("th", &mut header.iter().copied());
    let body: String = rows.map(|row| line("td", &mut row.iter().map(String::as_str))).collect();
    format!(r#"<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>"#)
}

/// A value with its standard error, both with as many digits as the error leaves: `0.0123 ± 0.0011`. Without
/// an error, or with one of 0, the value alone.
pub fn measured(value: f64, std_err: Option<f64>) -> String {
    let Some(error) = std_err.filter(|error| value.is_finite() && error.is_finite() && *error > 0.0) else {
        return if value == 0.0 || (1e-3..1e6).contains(&value.abs()) {
            format!("{value:.4}")
        } else {
            number(value)
        };
    };
    // Two digits of the error decide; very large and small numbers keep their own.
    let digits = 1 - error.log10().floor() as i32;
    match usize::try_from(digits) {
        Ok(digits @ 0..=9) => format!("{value:.digits$} ± {error:.digits$}"),
        _ => format!("{} ± {}", number(value), number(error)),
    }
}

/// Checks that tags are balanced, attributes are quoted, and `&` only starts an entity.
#[cfg(test)]
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('<').unwrap_or((rest, ""));
        for (at, _) in before.match_indices('&') {
            let entity = before[at + 1..].split(';').next().unwrap_or("");
            if !["amp", "lt", "gt", "quot", "#39"].contains(&entity) {
                return Err(format!("bare & before {entity:.20}"));
            }
        }
        if after.is_empty() {
            return if open.is_empty() { Ok(()) } else { Err(format!("never closed: {open:?}")) };
        }
        let (tag, remainder) = after.split_once('>').ok_or(format!("never ended: {after:.40}"))?;
        rest = remainder;
        if tag.contains('<') || tag.matches('"').count() % 2 == 1 {
            return Err(format!("bad tag: {tag:.80}"));
        }
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap_or("");
        match tag.as_bytes().first() {
            Some(b'!') => {}
            Some(b'/') if open.pop() == Some(name) => {}
            Some(b'/') => return Err(format!("closed but not open: {name}")),
            _ if tag.ends_with('/') => {}
            _ => open.push(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_markup_and_control_characters() {
        assert_eq!(escape("<a b=\"c\">'&\u{0}\n"), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;\u{fffd}\n");
    }

    #[test]
    fn an_error_decides_the_digits_and_none_is_shown_of_zero() {
        let cases = [
            (0.012_34, Some(0.001_12), "0.0123 ± 0.0011"),
            (-133.163, Some(1.5), "-133.2 ± 1.5"),
            (133.163, Some(37.2), "133 ± 37"),
            (2.5, Some(3e-6), "2.5000000 ± 0.0000030"),
            (2.5, Some(0.0), "2.5000"),
            (2.5, None, "2.5000"),
            (0.0, None, "0.0000"),
            (2.5e-5, None, "2.500e-5"),
            (1e9, Some(1e7), "1.000e9 ± 1.000e7"),
            (f64::NAN, Some(1.0), "not finite"),
        ];
        for (value, error, text) in cases {
            assert_eq!(measured(value, error), text);
        }
    }

    #[test]
    fn the_checker_finds_faults() {
        assert_eq!(check("<!doctype html><a x=\"1\"><b/>t &amp; u</a>"), Ok(()));
        for bad in ["<a>", "</a>", "<a></b>", "<a><b></a></b>", "<a x=\"1></a>", "a & b", "<a"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
